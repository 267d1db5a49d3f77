/**
 * Reads the stored steps of a turn that goes on. Results that showed other people's messages by the
 * rights of their moment are withheld once they are old: a turn may wait for a person for days, and
 * people may have lost the right to read those messages meanwhile (T17).
 *
 * The store keeps the results, and `barnacle why` shows them.
 */

import type { MessageId } from "../../core/discord/ids.ts";
import type { Step } from "../../core/step.ts";
import type { Steps } from "../../core/store/turns.ts";
import { SEARCH_SERVER } from "../../core/tool_names.ts";
import { type SortedSteps, sortSteps } from "../../core/turn/asking.ts";

/** Milliseconds for which such results are shown in their turn. */
const SHOWN_MS = 5 * 60_000;

/** In place of an old result. */
const OLD =
  "[out of date: the right to read these messages may have changed. Search again if you " +
  "need them.]";

/** Reads and sorts the steps. */
export async function readSteps(
  store: Pick<Steps, "stepsOf">,
  messageId: MessageId,
  now: number,
): Promise<SortedSteps> {
  return sortSteps(withoutOldResults(await store.stepsOf(messageId), now));
}

/** The steps, with a note in place of each old result of `search_server`. */
export function withoutOldResults(steps: readonly Step[], now: number): readonly Step[] {
  /** Names of the newest call with an id, by agent; 0 is the turn's own. */
  const names = new Map<string, string>();

  function shown(step: Step, agent: number): Step {
    switch (step.kind) {
      case "answer":
        for (const { id, name } of step.calls) names.set(`${agent}:${id}`, name);
        return step;
      case "inner":
        return { ...step, step: shown(step.step, step.number) };
      case "result": {
        const isShown = names.get(`${agent}:${step.callId}`) !== SEARCH_SERVER ||
          step.end !== "done" || Math.abs(now - step.at) < SHOWN_MS;
        return isShown ? step : { ...step, text: OLD };
      }
      default:
        return step;
    }
  }

  return steps.map((step) => shown(step, 0));
}
