/**
 * Counts the use of models by each request: tokens, money and time (L5). Decides whether a budget
 * is spent (X4). The functions are pure: the caller has the sums of the day and the month.
 *
 * Money is counted in millionths of the config's currency. A price is for a million tokens, so a
 * number of tokens times its price is that number.
 *
 * The requests themselves are counted in `flows/limits.ts`.
 */

import { oncePer } from "../../lib/cache.ts";
import { DAY_MS } from "../../lib/clock.ts";
import { countText } from "../../lib/text/units.ts";
import type { ModelUsage, ReplacedModel } from "../model.ts";

/** Prices of a model: of a million tokens, unless a field says otherwise. */
export interface Price {
  /** Of requests; 0 if absent. */
  readonly input?: number;
  /** Of answers; 0 if absent. */
  readonly output?: number;
  /** Of requests, for tokens that the server had cached; absent: that of `input`. */
  readonly cached?: number;
  /** Of a minute of audio; unknown if absent. */
  readonly audioMinute?: number;
  /** Of a drawn image; unknown if absent. */
  readonly image?: number;
}

const USAGE_KINDS = [
  "answer", // a step or the end of a turn
  "no_reply", // a turn in which the model chose to say nothing
  "failed", // a turn without an answer
  "compaction", // a summary in place of a session's older turns
  "summary", // a summary of a channel, page or file, or a title of a thread
  "intent", // whether a message is addressed to the bot
  "audio", // transcribed or spoken audio
  "image", // a drawn image
] as const;

export type UsageKind = typeof USAGE_KINDS[number];

/** The person and the place that a request is counted for. */
export interface UsedBy {
  /** Discord's id of the sender; `""` if no person asked for the request. */
  readonly userId: string;
  /** The sender's roles in the guild; absent in direct messages. */
  readonly roleIds?: readonly string[];
  /** Channel of the message; `""` if there is none. */
  readonly channelId: string;
  /** Absent in direct messages. */
  readonly guildId?: string;
  readonly agentId: string;
}

/** The sender and the place of a message, and the agent. */
export function usedBy(
  { sender, channelId, guildId }: Pick<UsedBy, "channelId" | "guildId"> & {
    readonly sender: { readonly id: string; readonly roles: readonly { readonly id: string }[] };
  },
  agentId: string,
): UsedBy {
  return {
    userId: sender.id,
    roleIds: sender.roles.map(({ id }) => id),
    channelId,
    guildId,
    agentId,
  };
}

/** A request of an agent that no person asked for. */
export function ofAgent(agentId: string): UsedBy {
  return { userId: "", channelId: "", agentId };
}

/** One request to a model, as it is counted. */
export interface Charge
  extends Omit<UsedBy, "roleIds">, Omit<Required<ModelUsage>, "micros" | "isEstimate"> {
  readonly kind: UsageKind;
  /** `"<provider>/<model>"`: the model that answered. */
  readonly model: string;
  /** Millionths of the config's currency; absent if the model's price is not known. */
  readonly micros?: number;
  /** Milliseconds from the request to the end of the answer. */
  readonly ms: number;
  /** Seconds of audio; 0 for other requests. */
  readonly audioSec: number;
  readonly at: number;
}

export function chargeOf(
  { isEstimate: _, cachedTokens = 0, ...tokens }: ModelUsage,
  model: string,
  kind: UsageKind,
  { roleIds: _roles, ...by }: UsedBy,
  ms: number,
  at: number,
): Charge {
  return { ...by, kind, model, ...tokens, cachedTokens, ms, audioSec: 0, at };
}

/**
 * The cost of one turn: all of its requests to models in this process, as sums. The model is the one
 * that answered last; `micros` is absent if the price of a request is not known.
 */
export interface TurnCost extends
  Pick<
    Charge,
    "model" | "inputTokens" | "cachedTokens" | "outputTokens" | "micros" | "ms"
  > {
  /** Number of requests. */
  readonly requests: number;
  /** Why that model answered in place of the agent's first one; absent if it is the first one. */
  readonly replaced?: ReplacedModel;
}

/** The cost of tokens in millionths of the currency; `undefined` without a price. */
export function microsOf(
  { inputTokens, cachedTokens = 0, outputTokens }: ModelUsage,
  price: Price | undefined,
): number | undefined {
  if (!price) return undefined;
  const { input = 0, output = 0, cached = input } = price;
  const micros = (inputTokens - cachedTokens) * input + cachedTokens * cached +
    outputTokens * output;
  return Math.round(micros);
}

/** The cost of audio in millionths of the currency; `undefined` without a price. */
export function microsOfAudio(seconds: number, price: Price | undefined): number | undefined {
  if (price?.audioMinute === undefined) return undefined;
  return Math.round(seconds / 60 * price.audioMinute * 1_000_000);
}

/**
 * The cost of a drawn image in millionths of the currency; `undefined` if it is not known.
 *
 * @param usage Its tokens; absent if the server reports none.
 */
export function microsOfImage(
  usage: ModelUsage | undefined,
  price: Price | undefined,
): number | undefined {
  const tokens = usage && microsOf(usage, price);
  if (price?.image === undefined) return tokens;
  return Math.round(price.image * 1_000_000) + (tokens ?? 0);
}

/**
 * Money of millionths: two digits that say something, at least cents.
 *
 * @param currency Shown behind it; absent: the amount alone.
 */
export function moneyText(micros: number, currency?: string): string {
  const money = micros / 1_000_000;
  const digits = money === 0 || money >= 0.1 ? 2 : Math.min(6, 1 - Math.floor(Math.log10(money)));
  return money.toFixed(digits) + (currency === undefined ? "" : ` ${currency}`);
}

/** Number of the UTC day of a time, from 1970-01-01. */
export function dayOf(at: number): number {
  return Math.floor(at / DAY_MS);
}

/** Unix time in milliseconds at which the UTC day of a time ends. */
export function endOfDay(at: number): number {
  return (dayOf(at) + 1) * DAY_MS;
}

/** Number of the first UTC day of a time's month. */
export function monthStartOf(at: number): number {
  const date = new Date(at);
  return dayOf(Date.UTC(date.getUTCFullYear(), date.getUTCMonth()));
}

/** Unix time in milliseconds at which the UTC month of a time ends. */
function endOfMonth(at: number): number {
  const date = new Date(at);
  return Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1);
}

/** Rough number of tokens of a text, for servers that report none. */
export function tokensIn(chars: number): number {
  return Math.ceil(chars / 4);
}

/** Limits of one UTC day and one UTC month. An absent one is no limit. */
export interface BudgetLimits {
  /** Tokens of requests and answers together. */
  readonly tokensPerDay?: number;
  /** The same of a month. */
  readonly tokensPerMonth?: number;
  /** In the currency of the prices. */
  readonly moneyPerDay?: number;
  /** The same of a month. */
  readonly moneyPerMonth?: number;
  /** Seconds of audio. */
  readonly audioSecondsPerDay?: number;
  /** The same of a month. */
  readonly audioSecondsPerMonth?: number;
}

export interface Budgets {
  readonly perUser: BudgetLimits;
  /** Of each member with a role, in place of `perUser`, by the role's id. */
  readonly perRole: Readonly<Record<string, BudgetLimits>>;
  readonly perGuild: BudgetLimits;
  readonly perAgent: BudgetLimits;
  readonly total: BudgetLimits;
  /** Says that limits of money miss a model, because its price is unknown. */
  readonly uncounted?: string;
}

export interface Spent {
  readonly tokens: number;
  /** Millionths of the currency, of requests with a known price. */
  readonly micros: number;
  readonly audioSec: number;
  /** Number of requests whose price was not known; absent: none. */
  readonly unpriced?: number;
}

/** The use of one UTC day, and of its month so far. */
export interface SpentIn {
  readonly day: Spent;
  readonly month: Spent;
}

/** The use that a request counts for. */
export interface SpentBy {
  readonly user: SpentIn;
  /** In its guild; absent in direct messages. */
  readonly guild?: SpentIn;
  readonly agent: SpentIn;
  readonly total: SpentIn;
}

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

export function reasonOf({ rule, limit }: BudgetStop): string {
  const period = isMonthly(rule) ? "this month" : "today";
  return `the budget ${rule} (${limit}) of ${period} is spent`;
}

/** Unix time in milliseconds at which the period of a spent budget ends. */
export function resetOf({ rule }: { readonly rule: string }, now: number): number {
  return isMonthly(rule) ? endOfMonth(now) : endOfDay(now);
}

function isMonthly(rule: string): boolean {
  return rule.endsWith("PerMonth");
}

const MICROS = 1_000_000;

/** Whether budgets have limits: a turn asks more than once, and a config never changes. */
export const hasBudget: (budgets: Budgets) => boolean = oncePer(
  ({ perUser, perRole, perGuild, perAgent, total }) =>
    [perUser, ...Object.values(perRole), perGuild, perAgent, total]
      .some((limits) => Object.values(limits).some((one) => one !== undefined)),
);

export interface BudgetUse extends BudgetStop {
  /** What the limit bounds. */
  readonly unit: "tokens" | "money" | "audioSeconds";
  /** In the limit's unit. */
  readonly used: number;
  /** As {@link Budgets.uncounted}, of a limit of money. */
  readonly uncounted?: string;
  /** As {@link Spent.unpriced}, of a limit of money. */
  readonly unpriced?: number | undefined;
}

/** The use of one of several people, guilds or agents with the same limit. */
export interface BudgetUseOf extends BudgetUse {
  /** Its id; absent for the whole bot. */
  readonly of?: string;
  /** Its name; absent if unknown. */
  readonly name?: string;
}

/** `"ada (123)"`, or the id alone. */
export function budgetLabel(id: string, name: string | undefined): string {
  return name === undefined ? id || "–" : `${name} (${id})`;
}

export function isSpent({ used, limit }: BudgetUse): boolean {
  return used >= limit;
}

/** The use of a limit in words: `"9500 of 10000 tokens today"`. */
export function budgetText(use: BudgetUse, currency?: string): string {
  const { rule, limit, unit, used, uncounted, unpriced = 0 } = use;
  const period = isMonthly(rule) ? "this month" : "today";
  if (unit === "money") {
    const spent = `${moneyText(used * MICROS)} of ${moneyText(limit * MICROS, currency)} ${period}`;
    const without = unpriced > 0 ? `${countText(unpriced, "request")} without a price` : undefined;
    return [spent, uncounted, without].filter((text) => text !== undefined).join("; ");
  }
  return `${Math.round(used)} of ${limit} ${unit === "tokens" ? "tokens" : "s of audio"} ${period}`;
}

/**
 * Finds the budget that stops a request. A budget of the month goes first, because the request then
 * waits until the month ends.
 *
 * @returns `undefined` if no budget is spent. Seconds of audio stop only requests with audio.
 */
export function budgetStopOf(
  budgets: Budgets,
  by: UsedBy,
  kind: UsageKind,
  spent: SpentBy,
): BudgetStop | undefined {
  const stops = budgetUses(budgets, by, spent).filter((use) =>
    isSpent(use) && (use.unit !== "audioSeconds" || kind === "audio")
  );
  const stop = stops.find(({ rule }) => isMonthly(rule)) ?? stops[0];
  return stop && { rule: stop.rule, limit: stop.limit };
}

/** The limits that a request counts for, with their use so far. */
export function budgetUses(budgets: Budgets, by: UsedBy, spent: SpentBy): readonly BudgetUse[] {
  const [userPath, userLimits] = limitsOfUser(budgets, by);
  return [
    ...(by.userId === "" ? [] : usesOf(userPath, userLimits, spent.user, budgets)),
    ...(spent.guild ? usesOf("budgets.perGuild", budgets.perGuild, spent.guild, budgets) : []),
    ...(by.agentId === ""
      ? []
      : usesOf("budgets.perAgent", budgets.perAgent, spent.agent, budgets)),
    ...usesOf("budgets.total", budgets.total, spent.total, budgets),
  ];
}

export function usesOf(
  path: string,
  limits: BudgetLimits,
  spent: SpentIn,
  { uncounted }: Pick<Budgets, "uncounted">,
): readonly BudgetUse[] {
  return LIMITS.flatMap(([key, unit, period]) => {
    const { [key]: limit } = limits;
    if (limit === undefined) return [];
    const { tokens, micros, audioSec, unpriced } = spent[period];
    const used = { tokens, money: micros / MICROS, audioSeconds: audioSec }[unit];
    const use = { rule: `${path}.${key}`, limit, unit, used };
    if (unit !== "money") return [use];
    return [{
      ...use,
      ...(uncounted !== undefined && { uncounted }),
      ...(unpriced && { unpriced }),
    }];
  });
}

const LIMITS: readonly (readonly [keyof BudgetLimits, BudgetUse["unit"], keyof SpentIn])[] = [
  ["tokensPerDay", "tokens", "day"],
  ["moneyPerDay", "money", "day"],
  ["audioSecondsPerDay", "audioSeconds", "day"],
  ["tokensPerMonth", "tokens", "month"],
  ["moneyPerMonth", "money", "month"],
  ["audioSecondsPerMonth", "audioSeconds", "month"],
];

/** A user's limits: of each key, the highest of the user's roles, else that of all users. */
function limitsOfUser(
  { perUser, perRole }: Budgets,
  { roleIds = [] }: UsedBy,
): readonly [path: string, BudgetLimits] {
  const roles = roleIds.filter((id) => Object.hasOwn(perRole, id));
  const [first] = roles;
  if (first === undefined) return ["budgets.perUser", perUser];
  const highest = (key: keyof BudgetLimits): number | undefined => {
    const limits = roles.map((id) => perRole[id]?.[key]);
    return limits.includes(undefined) ? undefined : Math.max(...limits.map((one) => one ?? 0));
  };
  return [
    `budgets.perRole.${first}`,
    Object.fromEntries(LIMITS.map(([key]) => [key, highest(key)])),
  ];
}
