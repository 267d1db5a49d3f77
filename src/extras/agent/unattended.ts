/** Tells how often actions without a person have run today (T16), for `status` and the dashboard. */

import { pathTo } from "../../core/config_file.ts";
import type { EventSources } from "../../core/hooks/hook.ts";
import { dayStart, unattendedRules } from "../../core/hooks/unattended.ts";
import type { ActionState, RuleUse } from "../../core/store/questions.ts";
import { durationText } from "../../lib/text/units.ts";
import type { ActionRuns } from "../../store/questions/cards.ts";

/** An action that the config permits without a person, and its use. */
export interface UnattendedUse extends RuleUse {
  /** Config path of the action. */
  readonly path: string;
  /** Maximum runs per UTC day. */
  readonly perDay: number;
}

/** All such actions of the config, with their runs of this UTC day. */
export async function unattendedUses(
  { hooks = {}, feeds }: EventSources,
  actions: Pick<ActionRuns, "useOf">,
  now: number,
): Promise<readonly UnattendedUse[]> {
  const rules = Object.entries({ hooks, feeds }).flatMap(([section, entries]) =>
    Object.entries(entries).flatMap(([name, { unattended }]) =>
      unattendedRules(pathTo(section, name), unattended)
    )
  );
  return await Promise.all(rules.map(async ({ path, perDay }) => ({
    path,
    perDay,
    ...await actions.useOf(path, dayStart(now)),
  })));
}

export const RUN_TEXT: Readonly<Record<ActionState, string>> = {
  running: "running",
  done: "ran",
  failed: "failed",
  unknown: "uncertain",
};

/** `"hooks.disk.unattended.clean: 2 of 3 runs today; last: failed, 5 min ago"`. */
export function unattendedText({ path, perDay, count, last }: UnattendedUse, now: number): string {
  const end = last &&
    `${RUN_TEXT[last.state]}, ${durationText(Math.max(0, now - last.startedAt))} ago`;
  return `${path}: ${count} of ${perDay} runs today; last: ${end ?? "never"}`;
}
