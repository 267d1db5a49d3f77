/**
 * Reads the stored steps of a turn that goes on. Results that showed other people's messages by the
 * rights of their moment are withheld once they are old: a turn may wait for a person for days, and
 * people may have lost the right to read those messages meanwhile (T17).
 *
 * The store keeps the results, and `barnacle why` shows them.
 */

import type { InboundMessage } from "../../core/inbound/inbound.ts";
import type { ToolCall } from "../../core/model.ts";
import type { Step } from "../../core/step.ts";
import { type SortedSteps, sortSteps } from "../../core/turn/asking.ts";
import { showsToAskerAlone, type Tool } from "../../core/turn/tool.ts";
import type { Steps } from "../../store/turns/turn_ends.ts";

/** Milliseconds for which such results are shown in their turn. */
const SHOWN_MS = 5 * 60_000;

const OLD = "[out of date: the right to read this may have changed. Read it again if you need it.]";

export async function readSteps(
  store: Pick<Steps, "stepsOf">,
  message: InboundMessage,
  tools: readonly Tool[],
  now: number,
): Promise<SortedSteps> {
  return sortSteps(withoutOldResults(await store.stepsOf(message.id), message, tools, now));
}

/** The steps, with a note in place of each old result of a call that reads for its asker alone. */
export function withoutOldResults(
  steps: readonly Step[],
  message: InboundMessage,
  tools: readonly Tool[],
  now: number,
): readonly Step[] {
  /** The newest call with an id, by agent; 0 is the turn's own. */
  const calls = new Map<string, ToolCall>();

  function shown(step: Step, agent: number): Step {
    switch (step.kind) {
      case "answer":
        for (const call of step.calls) calls.set(`${agent}:${call.id}`, call);
        return step;
      case "inner":
        return { ...step, step: shown(step.step, step.number) };
      case "result": {
        const call = calls.get(`${agent}:${step.callId}`);
        const isShown = step.end !== "done" || Math.abs(now - step.at) < SHOWN_MS ||
          !call || !showsToAskerAlone(call, tools, message);
        return isShown ? step : { ...step, text: OLD };
      }
      default:
        return step;
    }
  }

  return steps.map((step) => shown(step, 0));
}
