/**
 * Names the session that a message belongs to, and divides the context window of its model.
 *
 * The key decides which users share a memory. So one place makes it, and from ids only: a user
 * could take another's name, and would open their session. Members may rename guilds and channels
 * at any time, so Barnacle matches nothing by the display name, and shows it to no model.
 *
 * Whether a message begins a new transcript of its session (S4a) depends on stored times only, so a
 * turn that a crash repeats decides the same.
 *
 * Which entries of a transcript a request shows, which a summary replaces, and how much room is
 * left for the steps of the running turn: a transcript only grows, but a model's context window
 * does not. The cut is between turns, never within one: an answer without its question misleads. A
 * tokenizer of each model would need megabytes, so Barnacle estimates tokens by an average of each
 * model's earlier answers.
 */

import type { ChannelId, UserId } from "../core/discord/ids.ts";
import { lengthOf } from "../core/model.ts";
import {
  cameBy,
  type GuildPlace,
  type InboundMessage,
  type Named,
} from "../core/inbound/inbound.ts";
import type { Route } from "../core/inbound/inbox.ts";
import type { Entry, ResetCause } from "../core/inbound/inbound.ts";
import type { ContextWindow } from "../core/model.ts";
import { localMinuteOf } from "../lib/clock.ts";

/**
 * `session.dmScope`: which direct messages share a session.
 *
 * - `main`: those of all users.
 * - `per-peer`, `per-channel-peer`: those of one user, on all platforms or at Discord.
 * - `per-account-channel-peer`: those of one user with one of our accounts.
 */
export type DmScope = "main" | "per-peer" | "per-channel-peer" | "per-account-channel-peer";

/**
 * The scope of one user's direct messages.
 *
 * @param configured `auto`: the owner has the main session, and each other user has their own. So no
 * user can learn from the agent what the owner told it.
 */
export function scopeFor(configured: DmScope | "auto", isOwner: boolean): DmScope {
  if (configured !== "auto") return configured;
  return isOwner ? "main" : "per-channel-peer";
}

export type Conversation = Pick<
  InboundMessage,
  "accountId" | "channelId" | "origin" | "place" | "sender"
>;

/**
 * The session of a message (S1).
 *
 * @param agentId Without colons, as in the config.
 * @returns `"agent:main:main"`, `"agent:main:discord:channel:<id>"`,
 * `"agent:main:discord:group:<id>"`, or a key of `dmScope`. A thread has its own id.
 */
export function sessionKeyOf(
  { accountId, channelId, origin, place, sender }: Conversation,
  agentId: string,
  dmScope: DmScope,
): string {
  const own = cameBy({ origin }, "own");
  switch (place.kind) {
    case "dm":
      if (own) return `agent:${agentId}:own:${own.server}:direct:${sender.id}`; // T13a
      return `agent:${agentId}:${directPart(dmScope, accountId, sender.id)}`;
    case "group_dm":
      return `agent:${agentId}:discord:group:${channelId}`;
    case "guild":
      return channelKeyOf(agentId, channelId);
  }
}

/** The session of a guild's channel or thread. */
function channelKeyOf(agentId: string, channelId: ChannelId): string {
  return `agent:${agentId}:discord:channel:${channelId}`;
}

/** The session of a person's turns that a slash command starts in one place, which shows no other. */
export function slashKeyOf(agentId: string, userId: UserId, channelId: ChannelId): string {
  return `agent:${agentId}:discord:slash:${userId}:${channelId}`;
}

/** The same place of another agent. */
export function routeAs({ sessionKey }: Route, agentId: string): Route {
  return { agentId, sessionKey: sessionKey.replace(/^agent:[^:]*:/, `agent:${agentId}:`) };
}

function directPart(dmScope: DmScope, accountId: string, userId: UserId): string {
  switch (dmScope) {
    case "main":
      return "main";
    case "per-peer":
      return `direct:${userId}`;
    case "per-channel-peer":
      return `discord:direct:${userId}`;
    case "per-account-channel-peer":
      return `discord:${accountId}:direct:${userId}`;
  }
}

/**
 * The display name of a place (S2).
 *
 * @param guildSlug `guilds.<id>.slug`; absent if the operator chose none.
 * @returns `"discord:friends#help"`, or `"discord:friends#help/<thread>"`. Letters of every script
 * stay; the id replaces a name without letters.
 */
export function sessionNameOf({ guild, channel, thread }: GuildPlace, guildSlug?: string): string {
  const place = `discord:${guildSlug || slugOrId(guild)}#${slugOrId(channel)}`;
  return thread ? `${place}/${slugOrId(thread)}` : place;
}

/** Differs from the slug that matches the config's keys, which keeps Latin letters only. */
function slugOrId({ id, name }: Named<string>): string {
  return name.toLowerCase().replace(/[^\p{L}\p{M}\p{N}]+/gu, "-").replace(/^-|-$/g, "") || id;
}

/** `session.reset`. */
export type ResetRule = "off" | "daily" | { readonly idleMinutes: number };

/** The hour (in the agent's time zone) at which `daily` begins a new day: most people sleep then. */
const DAY_BEGINS_AT_HOUR = 4;

const HOUR_MS = 3_600_000;
const MINUTE_MS = 60_000;

/**
 * Decides whether a message begins a new transcript.
 *
 * @param lastAt Unix time in milliseconds of the session's last entry; `undefined` if it has none.
 * @param sentAt Unix time in milliseconds of the message. An older message than the last entry, as
 * catch-up finds, begins no transcript.
 * @param timezone IANA time zone of the agent, for `daily`.
 * @returns The cause; `undefined` if the transcript goes on.
 */
export function resetDue(
  rule: ResetRule,
  lastAt: number | undefined,
  sentAt: number,
  timezone: string,
): ResetCause | undefined {
  if (rule === "off" || lastAt === undefined || sentAt <= lastAt) return undefined;
  if (rule === "daily") {
    return dayOf(sentAt, timezone) === dayOf(lastAt, timezone) ? undefined : "daily";
  }
  return sentAt - lastAt >= rule.idleMinutes * MINUTE_MS ? "idle" : undefined;
}

/** The day of a time, which begins late in the night. */
function dayOf(at: number, timezone: string): string {
  return localMinuteOf(Math.floor((at - DAY_BEGINS_AT_HOUR * HOUR_MS) / MINUTE_MS), timezone).day;
}

const BESIDE = ":commands";

/** The session of the commands of a conversation that wait for none of its turns. */
export function besideKeyOf(sessionKey: string): string {
  return sessionKey + BESIDE;
}

export function isBesideKey(sessionKey: string): boolean {
  return sessionKey.endsWith(BESIDE);
}

/**
 * Selects the newest turns that fit.
 *
 * A turn begins with a user's entry. Entries before the first user's entry are left out, because
 * models expect the user to begin.
 *
 * @param limits `userTurns`: maximum number of user turns; as many as fit if absent (H2). `maxChars`:
 * maximum UTF-16 units of all entries together.
 * @param entries Oldest first.
 * @returns A tail of `entries`, oldest first.
 */
export function selectEntries(
  entries: readonly Entry[],
  { userTurns = Infinity, maxChars }: { readonly userTurns?: number; readonly maxChars: number },
): readonly Entry[] {
  let start = entries.length;
  let turns = 0;
  let chars = 0;
  for (let index = entries.length - 1; index >= 0; index--) {
    const entry = entries[index];
    if (!entry || turns === userTurns) break;
    chars += lengthOf(entry);
    if (chars > maxChars) break;
    if (entry.role === "user") {
      start = index;
      turns += 1;
    }
  }
  return entries.slice(start);
}

/** Maximum number of tokens kept free for errors of the estimate, and their share of a window. */
const RESERVE = { tokens: 4_000, share: 1 / 8 };

/** Tokens of a model's window that a request may take. */
export function requestTokens({ contextWindow, maxOutput }: ContextWindow): number {
  const reserve = Math.min(RESERVE.tokens, Math.floor(contextWindow * RESERVE.share));
  return Math.max(0, contextWindow - maxOutput - reserve);
}

/**
 * How many characters of a model's context window the history may take.
 *
 * @param otherChars UTF-16 units of the rest of the request: the system prompt and the turn's own
 * message.
 */
export function historyChars(
  window: ContextWindow,
  otherChars: number,
  tokensPerChar: number = FIRST_TOKENS_PER_CHAR,
): number {
  return Math.max(0, Math.floor(requestTokens(window) / tokensPerChar) - otherChars);
}

/** Tokens per UTF-16 unit before the first count: English has 0.25, code and other languages more. */
const FIRST_TOKENS_PER_CHAR = 0.3;

const WEIGHT = 0.2;
/** Counts outside of these bounds are errors of the server. */
const LEAST = 0.05;
const MOST = 4;
/** Requests shorter than this tell too little: templates of the server add tokens of their own. */
const LEAST_CHARS = 500;
/** Maximum number of models to keep averages of. */
const MODELS_MAX = 64;

/** Creates averages without counts. */
export function createTokenRates() {
  const rates = new Map<string, number>();
  return {
    /** Estimated tokens per UTF-16 unit. */
    rateOf: (modelId: string): number => rates.get(modelId) ?? FIRST_TOKENS_PER_CHAR,
    /** Notes how many tokens the server counted in a request. */
    observe(modelId: string, chars: number, inputTokens: number): void {
      const counted = inputTokens / chars;
      if (chars < LEAST_CHARS || !(counted >= LEAST && counted <= MOST)) return;
      const known = rates.get(modelId) ?? FIRST_TOKENS_PER_CHAR;
      if (!rates.has(modelId) && rates.size >= MODELS_MAX) rates.clear();
      rates.set(modelId, known + WEIGHT * (counted - known));
    },
  };
}

/** Averages by model. */
export type TokenRates = ReturnType<typeof createTokenRates>;

/** Share of the window at which older entries are folded after an answer. */
export const FOLD_AT = 0.75;
/** Number of tokens of the newest entries that are never folded, and their share of a small window. */
const KEPT_TOKENS = 20_000;
const KEPT_SHARE = 0.3;
/** Their maximum share of the room beside prompt and tools: the next turns need the rest. */
const KEPT_ROOM = 0.5;

/** Share of the window that the folded entries must have at least. */
const LEAST_SHARE = 0.15;

/** The most entries that a turn shows to the model. */
export const MAX_ENTRIES = 1_000;
/** Maximum number of entries that stay if older ones are folded. */
const KEPT_ENTRIES = 400;

export interface RequestSize {
  /** UTF-16 units of everything beside the entries: prompt, tools, summary, and the message. */
  readonly otherChars: number;
  readonly window: ContextWindow;
  /** Estimated tokens per UTF-16 unit. */
  readonly tokensPerChar: number;
}

/**
 * Whether a request is large enough that older entries should be folded.
 *
 * @param share Of the window; at 1, a request would lack entries.
 */
export function shouldFold(
  { count, chars }: {
    readonly count: number;
    /** Their UTF-16 units. */
    readonly chars: number;
  },
  size: RequestSize,
  share: number = FOLD_AT,
): boolean {
  if (count >= MAX_ENTRIES * share) return true;
  const all = historyChars(size.window, 0, size.tokensPerChar);
  return chars + size.otherChars >= all * share;
}

/**
 * UTF-16 units of the newest entries that stay when older ones are folded. They fit into the request:
 * the model would know nothing of an entry that is neither shown nor in a summary.
 */
export function keptChars({ window, tokensPerChar, otherChars }: RequestSize): number {
  const all = historyChars(window, 0, tokensPerChar);
  const room = historyChars(window, otherChars, tokensPerChar);
  return Math.floor(Math.min(KEPT_TOKENS / tokensPerChar, all * KEPT_SHARE, room * KEPT_ROOM));
}

/**
 * Finds the entries to fold. The cut is before a user's entry: a tool call and its results stay
 * together, and so do a question and its answer.
 *
 * @param entries Oldest first.
 * @param keep Maximum UTF-16 units of the entries that stay.
 * @returns Number of entries to fold, from the oldest; 0 if all stay.
 */
export function foldCount(entries: readonly Entry[], keep: number): number {
  let chars = 0;
  let count = entries.length;
  for (let index = entries.length - 1; index >= 0; index--) {
    const entry = entries[index];
    if (!entry) break;
    chars += lengthOf(entry);
    if (chars > keep || entries.length - index > KEPT_ENTRIES) return count;
    if (entry.role === "user") count = index;
  }
  return 0;
}

/**
 * Whether folding makes enough room: each summary costs a request. Without that, a small window
 * with many tools would look full at each turn.
 *
 * @param entries Oldest first.
 */
export function isWorthFolding(entries: readonly Entry[], size: RequestSize): boolean {
  if (entries.length >= MAX_ENTRIES / 2) return true;
  const folded = entries.slice(0, foldCount(entries, keptChars(size)));
  return charsOf(folded) >= historyChars(size.window, 0, size.tokensPerChar) * LEAST_SHARE;
}

/** UTF-16 units of entries. */
export function charsOf(entries: readonly Entry[]): number {
  let chars = 0;
  for (const entry of entries) chars += lengthOf(entry);
  return chars;
}

/** Number of pieces of the room that the history gives up, one after another. */
const PIECES = 8;
/** Share of the room that the steps may take. Beyond it, their oldest results are cleared. */
const STEPS_SHARE = 0.75;

export interface Room {
  /** The entries that the model sees, oldest first. */
  readonly entries: readonly Entry[];
  /** UTF-16 units that the steps may take. */
  readonly stepChars: number;
}

/**
 * Shares the room.
 *
 * @param history Entries, oldest first.
 * @param freeChars UTF-16 units for history and steps together.
 * @param stepChars UTF-16 units of all steps so far; 0 before the first.
 * @param userTurns Maximum number of user turns; as many as fit if absent.
 */
export function shareRoom(
  history: readonly Entry[],
  { freeChars, stepChars, userTurns }: {
    readonly freeChars: number;
    readonly stepChars: number;
    readonly userTurns?: number;
  },
): Room {
  const piece = Math.max(1, Math.floor(freeChars / PIECES));
  const taken = Math.min(Math.ceil(stepChars / piece) * piece, Math.floor(freeChars * STEPS_SHARE));
  const maxChars = freeChars - taken;
  const entries = selectEntries(history, { maxChars, userTurns });
  return { entries, stepChars: Math.max(0, freeChars - charsOf(entries)) };
}
