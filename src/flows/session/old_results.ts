/**
 * Reads the stored steps of a turn that goes on. Results that showed other people's messages by the
 * rights of their moment are withheld once they are old: a turn may wait for a person for days, and
 * people may have lost the right to read those messages meanwhile (SEC-R4).
 *
 * The store keeps the results, and `barnacle why` shows them.
 */

import type { BotAccount } from "../../account/account.ts";
import type { InboundMessage } from "../../core/inbound/inbound.ts";
import type { ToolCall } from "../../core/model.ts";
import type { Step } from "../../core/step.ts";
import { type StoredSteps, storedSteps } from "../../core/step.ts";
import { showsToAskerAlone } from "../../core/turn/tool.ts";
import { TOOLS } from "../../tools/registry.ts";

/** Milliseconds for which such results are shown in their turn. */
const SHOWN_MS = 5 * 60_000;

const OLD = "[out of date: the right to read this may have changed. Read it again if you need it.]";

/** Tools whose results show what their asker may read: any agent of the turn may have called them. */
const READING_TOOLS = TOOLS.filter(({ isPersonalCall }) => isPersonalCall);

export async function readSteps(
  { store: { turns }, now }: BotAccount,
  message: InboundMessage,
): Promise<StoredSteps> {
  return storedSteps(withoutOldResults(await turns.stepsOf(message.id), message, now()));
}

/** The steps, with a note in place of each old result of a call that reads for its asker alone. */
export function withoutOldResults(
  steps: readonly Step[],
  message: InboundMessage,
  now: number,
): readonly Step[] {
  /** The newest call with an id. */
  const calls = new Map<string, ToolCall>();

  function shown(step: Step): Step {
    switch (step.kind) {
      case "answer":
        for (const call of step.calls) calls.set(call.id, call);
        return step;
      case "result": {
        const call = calls.get(step.callId);
        const isShown = step.end !== "done" || Math.abs(now - step.at) < SHOWN_MS ||
          !call || !showsToAskerAlone(call, READING_TOOLS, message);
        return isShown ? step : { ...step, text: OLD };
      }
      default:
        return step;
    }
  }

  return steps.map(shown);
}
