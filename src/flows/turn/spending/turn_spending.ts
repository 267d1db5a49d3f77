/**
 * Counts the requests to the model of one turn, until a transaction of the turn stores them (L5),
 * and makes the record of a turn that a spent budget stops (X4).
 *
 * The charges go with the turn's own transactions (TS, T3), so they cost no further commit, and are
 * stored if and only if the steps are.
 */

import type { ReplacedModel } from "../../../core/model.ts";
import {
  type Charge,
  dayOf,
  type TurnCost,
  type UsageKind,
  type UsedBy,
  usedBy,
} from "../../../core/spending/usage.ts";
import { type BudgetStop, reasonOf, resetOf } from "../../../core/spending/budget.ts";
import type { Claim, FinishedTurn } from "../../../core/inbound/inbox.ts";
import { hookedOf, termsOf } from "../../../core/inbound/origin.ts";
import { freeze } from "../../../render/freeze.ts";
import { budgetSpentText } from "../../../render/sentences.ts";
import { composeEvent, composeFailure } from "../../../render/reply.ts";
import type { EndingTurn } from "../finished_turn.ts";
import { readerTime } from "../../../lib/text/units.ts";

export interface TurnSpending {
  /** The sender, the place and the agent. */
  readonly by: UsedBy;
  /** All requests so far, as those of an answer. */
  readonly charges: Charge[];
  /** Number of those that the store has, the first ones. */
  stored: number;
}

export function createTurnSpending({ message, route: { agentId } }: Claim): TurnSpending {
  return { by: usedBy(message, agentId), charges: [], stored: 0 };
}

/** The charges that no transaction has stored yet. */
export function unsavedCharges(
  { charges, stored }: TurnSpending,
  kind: UsageKind,
): readonly Charge[] {
  const unsaved = charges.slice(stored);
  return kind === "answer" ? unsaved : unsaved.map((charge) => ({ ...charge, kind }));
}

/** The cost of all requests; `undefined` if there was none. */
export function costOf({ charges }: TurnSpending): TurnCost | undefined {
  const last = charges.at(-1);
  if (!last) return undefined;
  const cost = { inputTokens: 0, cachedTokens: 0, outputTokens: 0, ms: 0 };
  let micros: number | undefined = 0;
  for (const charge of charges) {
    cost.inputTokens += charge.inputTokens;
    cost.cachedTokens += charge.cachedTokens;
    cost.outputTokens += charge.outputTokens;
    cost.ms += charge.ms;
    micros = micros === undefined || charge.micros === undefined
      ? undefined
      : micros + charge.micros;
  }
  return { model: last.model, requests: charges.length, ...cost, micros };
}

/**
 * The record of a turn that no model is asked for. Bots get no notice. An event of a hook is posted as
 * it is: an alert must not be lost with its model.
 */
export async function refusedTurn(
  claim: Claim,
  stop: BudgetStop,
  { account: { store, now, log }, rules: { where } }: EndingTurn,
): Promise<FinishedTurn> {
  const { message, route: { agentId } } = claim;
  const at = now();
  const { id: userId, automaton } = message.sender;
  const { refused } = termsOf(message);
  const isSilent = automaton !== undefined ||
    refused !== "in words" && await store.usage.isTold(userId, at);
  const reason = reasonOf(stop);
  log.info("A budget is spent: a message gets no answer", {
    messageId: message.id,
    where,
    rule: stop.rule,
    limit: stop.limit,
    isTold: !isSilent,
  });
  const reset = readerTime(resetOf(stop, at), "R");
  const answered = { message, agentId };
  const hooked = hookedOf(message);
  const outbox = hooked
    ? freeze(composeEvent(answered, hooked.post))
    : isSilent
    ? []
    : freeze(composeFailure(answered, budgetSpentText(reset)));
  return {
    claim,
    end: { kind: "refused", reason },
    entries: [],
    outbox,
    told: !isSilent ? { userId, day: dayOf(at) } : undefined,
    isMarked: isSilent && !automaton && refused === "by a mark",
  };
}

/**
 * Adds the cost of a turn to its record.
 *
 * @param replaced Why a fallback answered; absent if none did.
 */
export function paidTurn(
  turn: FinishedTurn,
  spending: TurnSpending,
  replaced?: ReplacedModel,
): FinishedTurn {
  const cost = costOf(spending);
  if (!cost) return turn;
  return {
    ...turn,
    cost: replaced ? { ...cost, replaced } : cost,
    charges: unsavedCharges(spending, PURPOSES[turn.end.kind]),
  };
}

const PURPOSES = {
  answered: "answer",
  declined: "no_reply",
  refused: "failed",
  interrupted: "failed",
  failed: "failed",
} as const;
