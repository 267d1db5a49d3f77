/**
 * Counts the requests of a model, and asks none if a budget is spent (L5, X4).
 *
 * All parts that ask a model for a purpose of their own wrap it here: summaries, titles, compaction.
 * A turn counts its requests itself (`flows/turn/answer.ts`). Parts that ask other servers
 * (transcription, drawing) use the port itself.
 */

import type { Clock } from "../../lib/clock.ts";
import { BudgetSpent, type BudgetStop } from "./budget.ts";
import { type Model, type ModelRequest, type ModelUsage, withGenerate } from "../model.ts";
import { type Charge, chargeOf, type UsageKind, type UsedBy } from "./usage.ts";

/** Counts requests to models, and knows the budgets. */
export interface SpendPort {
  /**
   * Finds a spent budget, before a request.
   *
   * @returns `undefined` at once if no budget has a limit. Rejects with the store's error.
   */
  check(by: UsedBy, kind: UsageKind): Promise<BudgetStop | undefined> | undefined;
  /** Counts a request. The store has it a moment later; a crash may lose the last ones. */
  record(charge: Charge): void;
}

/**
 * Wraps a model.
 *
 * @throws {BudgetSpent} While iterating, before anything is asked, if a budget is spent.
 */
export function meteredModel(model: Model, { kind, by, spend, now, onUsage }: Clock & {
  readonly kind: UsageKind;
  /** The person, the place and the agent. */
  readonly by: UsedBy;
  readonly spend: SpendPort;
  /** Gets each counted request, with the tokens and the model that answered. Must not throw. */
  readonly onUsage?: (request: ModelRequest, usage: ModelUsage, modelId: string) => void;
}): Model {
  return withGenerate(model, async function* (request, signal) {
    const stop = await spend.check(by, kind);
    if (stop) throw new BudgetSpent(stop);
    const startedAt = now();
    for await (const part of model.generate(request, signal)) {
      if (part.kind === "finish" && part.usage) {
        const { usage, modelId = model.id } = part;
        const ms = Math.max(0, now() - startedAt);
        spend.record(chargeOf(usage, modelId, kind, by, ms, now()));
        onUsage?.(request, usage, modelId);
      }
      yield part;
    }
  });
}
