/** Counts turns that the model has ended, and looks at how they ended. */

import type { BotAccount } from "../../account/account.ts";
import { perAccount } from "../../account/per_account.ts";
import type { TurnOutcome } from "../../core/step.ts";
import { createJitPolicy } from "../../host/process/engine_options.ts";
import { tellRefusedParts } from "../owners/model_notices.ts";

const jit = perAccount("turns", () => createJitPolicy());

/**
 * The model has ended a turn. The store does not have it yet.
 *
 * @param ms Milliseconds since its request was read.
 * @param modelId The model that the turn asked first.
 */
export function turnEnded(
  account: BotAccount,
  outcome: TurnOutcome,
  ms: number,
  modelId: string,
): void {
  const { bot: { memory, meter }, health } = account;
  const steps = outcome.kind === "reply" ? outcome.taken?.steps.length ?? 0 : 0;
  memory.worked();
  jit(account).turn(steps);
  meter.turn(modelId, outcome, ms);
  health.setTurn(outcome, modelId);
  tellRefusedParts(account);
}
