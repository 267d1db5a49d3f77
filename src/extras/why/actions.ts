/** Prints offered actions that have run, by a press or without a person (T16). */

import type { ActionRun } from "../../core/store/questions.ts";
import { printable } from "../../lib/text/quoted.ts";
import { timeText } from "../../lib/text/units.ts";

/** The runs that a message's turn has led to, with a heading. */
export function actionLines(actions: readonly ActionRun[]): readonly string[] {
  return ["Actions:", ...actions.map(actionLine)];
}

/** `"  Restart Jellyfin  ran, for user:9, 2026-11-27 09:00:00 UTC: [exit code 0, 0.1 s]"`. */
function actionLine({ label, rule, state, outcome = "", byUser, startedAt }: ActionRun): string {
  const who = rule !== undefined
    ? `without a person (${rule})`
    : `for ${byUser === undefined ? "no one" : `user:${byUser}`}`;
  const [first = ""] = outcome.split("\n");
  return `  ${printable(label)}  ${ACTION_STATES[state]}, ${who}, ${timeText(startedAt)}` +
    (first === "" ? "" : `: ${printable(first)}`);
}

const ACTION_STATES: Readonly<Record<ActionRun["state"], string>> = {
  running: "began",
  done: "ran",
  failed: "failed",
  unknown: "is uncertain",
};
