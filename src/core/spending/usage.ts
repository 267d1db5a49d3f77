/**
 * The use of models: tokens, money and time of each request (L5).
 *
 * Money is counted in millionths of the config's currency. A price is for a million tokens, so a
 * number of tokens times its price is that number.
 */

import { DAY_MS } from "../../lib/clock.ts";
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
export interface Charge extends Omit<UsedBy, "roleIds"> {
  readonly kind: UsageKind;
  /** `"<provider>/<model>"`: the model that answered. */
  readonly model: string;
  /** Tokens of the request, cached ones included. */
  readonly inputTokens: number;
  /** Those of them that the server had cached. */
  readonly cachedTokens: number;
  readonly outputTokens: number;
  /** Millionths of the config's currency; absent if the model's price is not known. */
  readonly micros?: number;
  /** Milliseconds from the request to the end of the answer. */
  readonly ms: number;
  /** Seconds of audio; 0 for other requests. */
  readonly audioSec: number;
  readonly at: number;
}

export function chargeOf(
  { inputTokens, cachedTokens = 0, outputTokens, micros }: ModelUsage,
  model: string,
  kind: UsageKind,
  { userId, channelId, guildId, agentId }: UsedBy,
  ms: number,
  at: number,
): Charge {
  return {
    userId,
    channelId,
    guildId,
    agentId,
    kind,
    model,
    inputTokens,
    cachedTokens,
    outputTokens,
    micros,
    ms,
    audioSec: 0,
    at,
  };
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
export function endOfMonth(at: number): number {
  const date = new Date(at);
  return Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1);
}

/** Rough number of tokens of a text, for servers that report none. */
export function tokensIn(chars: number): number {
  return Math.ceil(chars / 4);
}
