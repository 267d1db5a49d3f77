/**
 * Facts about Discord's gateway: its address and limits, the steps of a connection, how often the
 * bot may identify, how Discord shows the bot, and who is in voice channels.
 *
 * Discord allows 1,000 IDENTIFYs in 24 hours over all processes of a token, and resets
 * the token if it sends more. The store keeps the count, so that no crash loop can spend it. This
 * file decides by the count.
 *
 * @see {@link https://docs.discord.com/developers/events/gateway#session-start-limit-object}
 */

import { DAY_MS } from "../../lib/clock.ts";
import type { Stage } from "../../lib/network/reachability.ts";
import type { ChannelId, GuildId, RoleId, UserId } from "./ids.ts";

/** Discord's limit, as `/gateway/bot` reports it. */
export interface SessionStartLimit {
  /** IDENTIFYs that Discord allows in 24 hours. */
  readonly total: number;
  /** IDENTIFYs that Discord still allowed at {@link readAt}. */
  readonly remaining: number;
  /** Milliseconds from {@link readAt} until `remaining` is `total` again. */
  readonly resetAfterMs: number;
  /** Unix time in milliseconds at which Discord reported the limit. */
  readonly readAt: number;
}

export interface IdentifyRecord {
  /** Times of the IDENTIFYs of the last 24 hours at least, oldest first. */
  readonly identifies: readonly number[];
  /** Discord's last report; absent before the first one. */
  readonly limit?: SessionStartLimit;
}

/** How many IDENTIFYs are left, and until when the bot must wait. */
export interface IdentifyBudget {
  /** IDENTIFYs left, by our count or by Discord's, whichever is lower. */
  readonly left: number;
  /** Unix time in milliseconds until which the bot must not identify; absent if it may. */
  readonly heldUntil?: number;
}

/** Whether the bot may identify now, and if not, why and until when. */
export type IdentifyAnswer =
  | { readonly kind: "granted" }
  /**
   * Not before `untilMs`, Unix time in milliseconds. `budget`: the daily limit is almost reached.
   * `spacing`: the last IDENTIFY was less than {@link SPACING_MS} ago.
   */
  | { readonly kind: "wait"; readonly untilMs: number; readonly why: "budget" | "spacing" };

/** IDENTIFYs a day that the bot never uses, so that a person can still repair it. */
export const RESERVE = 50;

/** IDENTIFYs left from which on health checks warn. */
export const LOW = 500;

const DEFAULT_TOTAL = 1_000;

/**
 * Milliseconds between two IDENTIFYs. Discord accepts one in five seconds and counts by time of
 * arrival. Ours are counted earlier, before they are stored and sent.
 */
export const SPACING_MS = 6_000;

export function identifyBudget(record: IdentifyRecord, now: number): IdentifyBudget {
  const bounds = [ownBound(record, now), discordBound(record, now)];
  const left = Math.max(0, Math.min(...bounds.map((bound) => bound.left)));
  const heldUntil = Math.max(...bounds.map((bound) => bound.heldUntil ?? -Infinity));
  return { left, heldUntil: heldUntil > now ? heldUntil : undefined };
}

/**
 * Decides whether the bot may identify now. The caller records a granted IDENTIFY before it sends
 * it.
 */
export function askIdentify(record: IdentifyRecord, now: number): IdentifyAnswer {
  const { heldUntil } = identifyBudget(record, now);
  if (heldUntil !== undefined) return { kind: "wait", untilMs: heldUntil, why: "budget" };
  // A clock that was set back leaves records in the future; they space nothing.
  const last = record.identifies.findLast((at) => at <= now);
  const untilMs = last === undefined ? now : last + SPACING_MS;
  return untilMs > now ? { kind: "wait", untilMs, why: "spacing" } : { kind: "granted" };
}

/** Our own count of the last 24 hours. It holds even if Discord never reported a limit. */
function ownBound({ identifies, limit }: IdentifyRecord, now: number): IdentifyBudget {
  const total = limit?.total ?? DEFAULT_TOTAL;
  const since = identifies.filter((at) => at > now - DAY_MS);
  const left = total - since.length;
  const allowed = Math.max(1, total - RESERVE);
  // The bot may identify again once this one is a day old. A clock that was set back leaves records in
  // the future; they count as made now.
  const oldest = since[since.length - allowed];
  return oldest === undefined ? { left } : { left, heldUntil: Math.min(oldest, now) + DAY_MS };
}

/** Discord's count, which includes other processes, less our IDENTIFYs since its report. */
function discordBound({ identifies, limit }: IdentifyRecord, now: number): IdentifyBudget {
  if (!limit) return { left: Infinity };
  const readAt = Math.min(limit.readAt, now);
  const resetAt = readAt + limit.resetAfterMs;
  if (now >= resetAt) return { left: Infinity };
  const left = limit.remaining - identifies.filter((at) => at >= readAt).length;
  return left > RESERVE ? { left } : { left, heldUntil: resetAt };
}

/** The values of a status. */
export const STATUSES = ["online", "idle", "dnd", "invisible"] as const;

export type PresenceStatus = (typeof STATUSES)[number];

/** The kinds of activities, by Discord's words. */
export const ACTIVITY_KINDS = [
  "playing",
  "streaming",
  "listening",
  "watching",
  "custom",
  "competing",
] as const;

/** Kind of an activity. `custom` shows the text alone. */
export type ActivityKind = (typeof ACTIVITY_KINDS)[number];

/** The activity below the bot's name. */
export interface Activity {
  readonly type: ActivityKind;
  readonly name: string;
  /** Link of a stream. */
  readonly url?: string;
}

export interface Presence {
  readonly status: PresenceStatus;
  /** Absent for none. */
  readonly activity?: Activity;
}

/** A person or bot in a voice channel, also this bot itself. */
export interface VoiceMember {
  readonly userId: UserId;
  readonly channelId: ChannelId;
  readonly isBot: boolean;
  /** By themselves, by a moderator, or as a listener of a stage. */
  readonly isMuted: boolean;
  /** As of their last move or change there; absent: Discord did not tell them with it. */
  readonly roles?: readonly RoleId[] | undefined;
}

/** The channel in which the bot is to be; absent: none of the guild. */
export interface OwnVoice {
  readonly guildId: GuildId;
  /** Absent: none. */
  readonly channelId?: ChannelId | undefined;
}

/** A person's or bot's move, which also tells the session of the voice connection. */
export interface VoiceMove {
  readonly guildId: GuildId;
  readonly userId: UserId;
  /** Absent: none. */
  readonly channelId?: ChannelId | undefined;
  readonly sessionId: string;
}

export interface VoiceServer {
  readonly guildId: GuildId;
  /** Secret of this connection. */
  readonly token: string;
  /** Host and port; absent: the server is gone, and Discord will name another one. */
  readonly endpoint?: string | undefined;
}

/** The gateway's greeting on a trial connection. */
export type HelloStage = Stage<{
  /** Milliseconds until the WebSocket was open (HTTP status 101). */
  readonly openMs: number;
  /** Milliseconds between two heartbeats, as the gateway asks in HELLO. */
  readonly heartbeatIntervalMs: number;
}>;

/** The address and the limits of Discord's gateway. */
export interface GatewayInfo {
  /** WebSocket URL without query: `ws://` or `wss://`. */
  readonly url: string;
  /** The limit for new sessions, at the time of the answer. */
  readonly limit: SessionStartLimit;
}

/** All steps, in the order of the metrics. */
export const CONNECTION_STEPS = [
  "connecting",
  "identifying",
  "resuming",
  "ready",
  "backoff",
  "fatal",
] as const;

/** Why an IDENTIFY waits: the daily budget, or the spacing between two. */
export type IdentifyWaitReason = "budget" | "spacing";

export interface ConnectionState {
  /** A step. `backoff`: it waits before the next attempt. `fatal`: Discord refuses it for good. */
  readonly state: (typeof CONNECTION_STEPS)[number];
  /** Unix time in milliseconds at which it was last ready; before that, of its start. */
  readonly readyAt: number;
  /** The last heartbeat that Discord acknowledged; absent before the first. */
  readonly ack?: { readonly at: number; readonly intervalMs: number };
  /** Whether `maxRetries` connections in a row have failed. */
  readonly isDown: boolean;
  /** Why the next IDENTIFY waits; absent if it does not, or if something else delays it. */
  readonly waits?: IdentifyWaitReason;
}

export type ResumeOutcome = "resumed" | "invalid" | "closed" | "timeout";

/** Counters of one worker since its start. */
export interface GatewayCounts {
  /** Sent IDENTIFYs. */
  readonly identifies: number;
  readonly resumes: Readonly<Record<ResumeOutcome, number>>;
  /** Lost connections by close code, or by another cause: `"zombie"`, `"none"`. */
  readonly disconnects: Readonly<Record<string, number>>;
}

export interface GatewayStats extends GatewayCounts {
  readonly tickAt: number;
  readonly compression: "zlib-stream" | "none";
}
