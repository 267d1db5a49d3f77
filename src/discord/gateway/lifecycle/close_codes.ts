/**
 * Explains Discord's close codes: the meaning of each, and how to recover.
 *
 * Resuming replays the missed events and costs no IDENTIFY. So Barnacle resumes after every code
 * for which Discord allows it. Some codes end the gateway session. After others, only the operator
 * can help, because retries would use up the bot's 1,000 IDENTIFYs a day.
 *
 * @see {@link
 *   https://docs.discord.com/developers/topics/opcodes-and-status-codes#gateway-gateway-close-event-codes}
 */

import { GatewayCloseEventCodes as Code } from "@discordeno/types";

interface CloseMeaning {
  /** Description for a log line: `"session timed out"`. */
  readonly name: string;
  /** How to recover: resume the session, identify anew, or not at all. */
  readonly recovery: "resume" | "identify" | "final";
  /** Advice for the operator; only for final codes. */
  readonly hint?: string;
}

const PORTAL = "under Bot at https://discord.com/developers/applications";

/** Advice for the operator if Discord refuses the token. */
export const TOKEN_HINT =
  `The bot token is wrong. Copy it anew from the Developer Portal, ${PORTAL}.`;

const BUG = "This is a bug in Barnacle: please report it.";

const MEANINGS: ReadonlyMap<number, CloseMeaning> = new Map<number, CloseMeaning>([
  [Code.NormalClosure, { name: "normal closure", recovery: "resume" }],
  [1001, { name: "going away", recovery: "resume" }],
  [1006, { name: "connection broke", recovery: "resume" }],
  [Code.UnknownError, { name: "unknown error", recovery: "resume" }],
  [Code.UnknownOpcode, { name: "unknown opcode", recovery: "resume" }],
  [Code.DecodeError, { name: "decode error", recovery: "resume" }],
  [Code.NotAuthenticated, { name: "not authenticated", recovery: "identify" }],
  [Code.AuthenticationFailed, {
    name: "authentication failed",
    recovery: "final",
    hint: TOKEN_HINT,
  }],
  [Code.AlreadyAuthenticated, { name: "already authenticated", recovery: "resume" }],
  [Code.InvalidSeq, { name: "invalid sequence number", recovery: "identify" }],
  [Code.RateLimited, { name: "rate limited", recovery: "resume" }],
  [Code.SessionTimedOut, { name: "session timed out", recovery: "identify" }],
  [Code.InvalidShard, {
    name: "invalid shard",
    recovery: "final",
    hint: `The shard numbers are wrong. ${BUG}`,
  }],
  [Code.ShardingRequired, {
    name: "sharding required",
    recovery: "final",
    hint: "The bot is in too many guilds for one shard (2,500 at most): remove it from some.",
  }],
  [Code.InvalidApiVersion, {
    name: "invalid API version",
    recovery: "final",
    hint: "Discord has retired this gateway version. Update Barnacle.",
  }],
  [Code.InvalidIntents, {
    name: "invalid intents",
    recovery: "final",
    hint: `The intents are wrong. ${BUG}`,
  }],
  [Code.DisallowedIntents, {
    name: "disallowed intents",
    recovery: "final",
    hint: `Switch on Message Content Intent ${PORTAL}, and any other privileged intent that ` +
      "channels.discord.gateway.intents lists.",
  }],
]);

/** Returns the meaning of a code. After unknown codes Barnacle resumes. */
export function meaningOf(code: number): CloseMeaning {
  return MEANINGS.get(code) ?? { name: "undocumented code", recovery: "resume" };
}
