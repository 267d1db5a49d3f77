/**
 * Summarises a channel's messages for tools, within budgets.
 *
 * @module
 */

import type { Model } from "../../core/model.ts";
import { BudgetSpent } from "../../core/spending/budget.ts";
import { meteredModel, type SpendPort } from "../../core/spending/metered_model.ts";
import { RefusedCall } from "../../core/refused_call.ts";
import type { HistoryPort } from "../../core/turn/ports/history.ts";
import { usedBy } from "../../core/turn/used_by.ts";
import { summariseChannel, type SummariseChannelPorts } from "../session/summarise_channel.ts";

/** Creates the summaries of one account. */
export function createSummarise(
  options: Omit<SummariseChannelPorts, "model" | "signal"> & {
    /** The current model, which writes summaries. */
    readonly model: () => Model;
    /** Checks budgets, and counts the requests. */
    readonly spend: SpendPort;
    /** The agent of the current config. */
    readonly agentId: () => string;
    /** Unix time in milliseconds. */
    readonly now: () => number;
  },
): HistoryPort["summarise"] {
  const { model, spend, agentId, now } = options;
  return async ({ message, signal }, messages, question) => {
    const asked = meteredModel(model(), {
      kind: "summary",
      by: usedBy(message, agentId()),
      spend,
      now,
    });
    try {
      return await summariseChannel(messages, question, { ...options, model: asked, signal });
    } catch (error) {
      if (!(error instanceof BudgetSpent)) throw error;
      throw new RefusedCall("budget", "today's budget is used up", { cause: error });
    }
  };
}
