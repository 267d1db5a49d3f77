/**
 * Decides whether a budget is spent (X4). The functions are pure: the caller has the sums of the day.
 */

import type { UsageKind, UsedBy } from "./usage.ts";

/** Limits of one UTC day. An absent one is no limit. */
export interface DayLimits {
  /** Tokens of requests and answers together. */
  readonly tokensPerDay?: number;
  /** In the currency of the prices. */
  readonly moneyPerDay?: number;
  /** Seconds of audio. */
  readonly audioSecondsPerDay?: number;
}

/** All budgets. */
export interface Budgets {
  readonly perUser: DayLimits;
  /** Of each member with a role, in place of `perUser`, by the role's id. */
  readonly perRole: Readonly<Record<string, DayLimits>>;
  readonly perGuild: DayLimits;
  readonly perAgent: DayLimits;
  readonly total: DayLimits;
}

/** The use of one UTC day. */
export interface Spent {
  /** Tokens of requests and answers. */
  readonly tokens: number;
  /** Millionths of the currency, of requests with a known price. */
  readonly micros: number;
  readonly audioSec: number;
}

/** The use of one UTC day that a request counts for. */
export interface SpentBy {
  readonly user: Spent;
  /** In its guild; absent in direct messages. */
  readonly guild?: Spent;
  readonly agent: Spent;
  readonly total: Spent;
}

/** A budget that is spent. */
export interface BudgetStop {
  /** Config path of its limit: `"budgets.perUser.tokensPerDay"`. */
  readonly rule: string;
  /** The limit, in the key's unit. */
  readonly limit: number;
}

/** A request that no model was asked for, because a budget is spent. */
export class BudgetSpent extends Error {
  override readonly name = "BudgetSpent";
  readonly stop: BudgetStop;

  constructor(stop: BudgetStop) {
    super(reasonOf(stop));
    this.stop = stop;
  }
}

/** The reason for the operator. */
export function reasonOf({ rule, limit }: BudgetStop): string {
  return `the budget ${rule} (${limit}) of today is spent`;
}

const MICROS = 1_000_000;

/** Whether budgets have limits: a turn asks more than once, and a config never changes. */
const limited = new WeakMap<Budgets, boolean>();

/** Whether any budget has a limit. */
export function hasBudget(budgets: Budgets): boolean {
  let isLimited = limited.get(budgets);
  if (isLimited === undefined) {
    isLimited = limitsIn(budgets).some((limits) =>
      Object.values(limits).some((one) => one !== undefined)
    );
    limited.set(budgets, isLimited);
  }
  return isLimited;
}

/** Whether any budget has a limit of money. */
export function hasMoneyLimit(budgets: Budgets): boolean {
  return limitsIn(budgets).some(({ moneyPerDay }) => moneyPerDay !== undefined);
}

function limitsIn({ perUser, perRole, perGuild, perAgent, total }: Budgets): readonly DayLimits[] {
  return [perUser, ...Object.values(perRole), perGuild, perAgent, total];
}

/**
 * Finds the budget that stops a request.
 *
 * @returns `undefined` if no budget is spent. Seconds of audio stop only requests with audio.
 */
export function budgetStopOf(
  budgets: Budgets,
  by: UsedBy,
  kind: UsageKind,
  spent: SpentBy,
): BudgetStop | undefined {
  const [userPath, userLimits] = limitsOfUser(budgets, by);
  const all: readonly (readonly [string, DayLimits, Spent | undefined])[] = [
    [userPath, userLimits, by.userId === "" ? undefined : spent.user],
    ["budgets.perGuild", budgets.perGuild, spent.guild],
    ["budgets.perAgent", budgets.perAgent, spent.agent],
    ["budgets.total", budgets.total, spent.total],
  ];
  for (const [path, limits, used] of all) {
    const stop = used && spentLimit(path, limits, used, kind);
    if (stop) return stop;
  }
  return undefined;
}

function spentLimit(
  path: string,
  { tokensPerDay, moneyPerDay, audioSecondsPerDay }: DayLimits,
  { tokens, micros, audioSec }: Spent,
  kind: UsageKind,
): BudgetStop | undefined {
  if (tokensPerDay !== undefined && tokens >= tokensPerDay) {
    return { rule: `${path}.tokensPerDay`, limit: tokensPerDay };
  }
  if (moneyPerDay !== undefined && micros >= moneyPerDay * MICROS) {
    return { rule: `${path}.moneyPerDay`, limit: moneyPerDay };
  }
  const isAudio = kind === "audio";
  return isAudio && audioSecondsPerDay !== undefined && audioSec >= audioSecondsPerDay
    ? { rule: `${path}.audioSecondsPerDay`, limit: audioSecondsPerDay }
    : undefined;
}

/** A user's limits: of each key, the highest of the user's roles, else that of all users. */
function limitsOfUser(
  { perUser, perRole }: Budgets,
  { roleIds = [] }: UsedBy,
): readonly [path: string, DayLimits] {
  const roles = roleIds.filter((id) => Object.hasOwn(perRole, id));
  const [first] = roles;
  if (first === undefined) return ["budgets.perUser", perUser];
  const highest = (key: keyof DayLimits): number | undefined => {
    const limits = roles.map((id) => perRole[id]?.[key]);
    return limits.includes(undefined) ? undefined : Math.max(...limits.map((one) => one ?? 0));
  };
  return [`budgets.perRole.${first}`, {
    tokensPerDay: highest("tokensPerDay"),
    moneyPerDay: highest("moneyPerDay"),
    audioSecondsPerDay: highest("audioSecondsPerDay"),
  }];
}
