/** Tells what became of an event of a hook, for `barnacle why` (W2). */

import { hookText, isEntry } from "../../core/hooks/hook.ts";
import type { FoundEvent } from "../../store/hooks/hooks.ts";
import { quoted } from "../../lib/text/quoted.ts";
import { timeText } from "../../lib/text/units.ts";

/** The facts of an event, without its words. */
export function hookEventReport({ event, run }: FoundEvent): object {
  const { messageId, hook, key, senderId, receivedAt, isEnd } = event;
  return { messageId, hook, key, senderId, receivedAt, isEnd, run };
}

export function hookEventLines(
  { event: { messageId, hook, key, receivedAt }, run }: FoundEvent,
): readonly string[] {
  const ofKey = key === "" || isEntry(hook) ? "" : `, of the incident ${quoted(key)}`;
  const lines = [
    `Event ${messageId} of ${hookText(hook)}${ofKey}, received ${timeText(receivedAt)}`,
  ];
  if (!run) {
    return [
      ...lines,
      "  It waits: for the rate, an answer under way, or its account to be online.",
    ];
  }
  const { count, messageId: runId, state, reason } = run;
  if (count > 1) lines.push(`  Answered together with ${count - 1} others, as ${runId}.`);
  lines.push(`  ${STATES[state]}${reason === undefined ? "" : `: ${reason}`}.`);
  return lines;
}

const STATES: Readonly<Record<NonNullable<FoundEvent["run"]>["state"], string>> = {
  claimed: "Its answer begins now, or after the next start",
  running: "Its turn waits or runs",
  done: "It is answered",
  refused: "It reached no one",
};
