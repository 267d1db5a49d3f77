/**
 * Summarises a channel's messages for tools, within budgets.
 *
 * @module
 */

import type { Account } from "../../core/account/account.ts";
import type { Model } from "../../core/model.ts";
import { BudgetSpent } from "../../core/spending/budget.ts";
import { meteredModel, type SpendPort } from "../../core/spending/metered_model.ts";
import { RefusedCall } from "../../core/refused_call.ts";
import type { HistoryPort } from "../../core/turn/ports/history.ts";
import { usedBy } from "../../core/turn/audio_spending.ts";
import { summariseChannel } from "../session/summarise_channel.ts";

/** Creates the summaries of one account. */
export function createSummarise(
  account: Pick<Account, "log" | "now" | "randomId">,
  { model, agentId, spend, cleanSecrets }: {
    /** The current model, which writes summaries. */
    readonly model: () => Model;
    /** The agent of the current config. */
    readonly agentId: () => string;
    /** Checks budgets, and counts the requests. */
    readonly spend: SpendPort;
    /** Removes the config's secrets (SEC-R9). */
    readonly cleanSecrets: (text: string) => string;
  },
): HistoryPort["summarise"] {
  return async ({ message, signal }, messages, question) => {
    const asked = meteredModel(model(), {
      kind: "summary",
      by: usedBy(message, agentId()),
      spend,
      now: account.now,
    });
    try {
      return await summariseChannel(messages, question, account, {
        model: asked,
        cleanSecrets,
        signal,
      });
    } catch (error) {
      if (!(error instanceof BudgetSpent)) throw error;
      throw new RefusedCall("budget", "today's budget is used up", { cause: error });
    }
  };
}
