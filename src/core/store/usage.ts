/**
 * The contract of `store.usage`: the use of models by day, person, place, model and purpose (L5,
 * X4), and the problems of models that the owners know.
 *
 * Turns add theirs with TS and T3. Other requests are added a moment later.
 */

import type { AccountId } from "../discord/ids.ts";
import type { SpentBy, SpentIn } from "../spending/budget.ts";
import type { Charge, UsedBy } from "../spending/usage.ts";

/** All methods of `store.usage`. */
export interface Usage {
  /**
   * The sums of today and of its month that a request counts for. From memory, but for the first call
   * of a day.
   */
  spentBy(by: UsedBy, now: number): Promise<SpentBy>;
  /** The sums of today and of its month, by the id of the guild. From memory, as `spentBy`. */
  spentByGuild(now: number): Promise<ReadonlyMap<string, SpentIn>>;
  /** Whether a person knows that a budget of the day is spent. */
  isTold(userId: string, now: number): Promise<boolean>;
  /** Whether a model was asked for a person on an earlier day. */
  isKnown(userId: string, now: number): Promise<boolean>;
  /** Counts requests at once. The table has them a moment later. */
  add(charges: readonly Charge[]): void;
  /**
   * Sums from a day on.
   *
   * @param fromDay Number of the first UTC day.
   * @param userId Only this person's; absent: all.
   */
  sum(fromDay: number, userId?: string): Promise<UsageSum>;
  /** The same, by the values of a field; the most tokens first, at most 1,000. */
  sumBy(
    field: UsageField,
    fromDay: number,
  ): Promise<readonly (UsageSum & { readonly value: string })[]>;
}

/** A sum of requests. */
export interface UsageSum
  extends Pick<Charge, "inputTokens" | "cachedTokens" | "outputTokens" | "audioSec"> {
  /** Number of requests. */
  readonly requests: number;
  /** Millionths of the currency, of requests with a known price. */
  readonly micros: number;
  /** Number of requests without a known price. */
  readonly unpriced: number;
  /** Milliseconds of all requests together. */
  readonly ms: number;
}

/** A field by which sums can be grouped. */
export type UsageField = "day" | "user" | "channel" | "guild" | "agent" | "model" | "kind";

/** Problems of models that the owners of an account know. */
export interface ModelProblems {
  /** The problems since a model has last answered. */
  toldProblems(accountId: AccountId): Promise<readonly string[]>;
  /**
   * Notes that the owners know a problem.
   *
   * @param problem Kind of failure and model.
   */
  noteProblem(accountId: AccountId, problem: string, now: number): Promise<void>;
  /** Forgets them, because a model has answered. */
  forgetProblems(accountId: AccountId): Promise<void>;
}
