/**
 * Counts the requests to the model of one turn, until a transaction of the turn stores them (L5).
 *
 * The charges go with the turn's own transactions (TS, T3), so they cost no further commit, and are
 * stored if and only if the steps are.
 *
 * @module
 */

import type { InboundMessage } from "../../../core/inbound/inbound.ts";
import type { SpendPort } from "../../../core/spending/metered_model.ts";
import type { Charge, TurnCost, UsageKind, UsedBy } from "../../../core/spending/usage.ts";
import { usedBy } from "../../../core/turn/audio_spending.ts";

/** The requests of one turn. */
export interface TurnSpending {
  /** The port for the turn's model: budgets of the bot, and charges of this turn. */
  readonly port: SpendPort;
  /** The sender, the place and the agent. */
  readonly by: UsedBy;
  /** The charges that no transaction has stored yet, without taking them. */
  unsaved(kind: UsageKind): readonly Charge[];
  /** The store has all charges so far. */
  saved(): void;
  /** The cost of all requests; `undefined` if there was none. */
  cost(): TurnCost | undefined;
}

/** Creates the count of one turn. */
export function createTurnSpending(
  message: InboundMessage,
  agentId: string,
  spend: SpendPort,
): TurnSpending {
  const by = usedBy(message, agentId);
  const all: Charge[] = [];
  let stored = 0;
  return {
    by,
    port: { check: spend.check, record: (charge) => void all.push(charge) },
    unsaved: (kind) => all.slice(stored).map((charge) => ({ ...charge, kind })),
    saved: () => void (stored = all.length),
    cost() {
      const last = all.at(-1);
      if (!last) return undefined;
      const sum = (of: (charge: Charge) => number) => all.reduce((sum, one) => sum + of(one), 0);
      const isPriced = all.every(({ micros }) => micros !== undefined);
      return {
        model: last.model,
        requests: all.length,
        inputTokens: sum(({ inputTokens }) => inputTokens),
        cachedTokens: sum(({ cachedTokens }) => cachedTokens),
        outputTokens: sum(({ outputTokens }) => outputTokens),
        micros: isPriced ? sum(({ micros = 0 }) => micros) : undefined,
        ms: sum(({ ms }) => ms),
      };
    },
  };
}
