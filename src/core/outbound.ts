/**
 * What leaves Barnacle, before it is put in Discord's words.
 *
 * @module
 */

import type { Refusal } from "./errors.ts";
import type { AccountId, ChannelId, MessageId, RoleId, UserId } from "./ids.ts";
import type { Answer } from "./nonce.ts";

/** An answer to one message, already cut to Discord's size. */
export interface Reply extends Answer {
  readonly accountId: AccountId;
  readonly channelId: ChannelId;
  /** Texts of 1 to 2000 characters, posted in order. */
  readonly chunks: readonly string[];
  /** Set only where a reply tag asked for it and `replyToMode` honours it. */
  readonly quote?: Quote;
  readonly mayPing: MayPing;
}

/** A message shown above the answer; Discord's message reference. */
export interface Quote {
  readonly messageId: MessageId;
  readonly authorId: UserId;
  /** Which chunks carry it. */
  readonly on: "first" | "all";
}

/** Whom a reply may ping, at most. */
export interface MayPing {
  /** The people of the turn's context, as `allowedMentions.users` narrows them. */
  readonly users: readonly UserId[];
  /** As `allowedMentions.roles` lists them. */
  readonly roles: readonly RoleId[];
}

/** One message to Discord with nothing left to decide: sent twice, it is the same twice. */
export interface OutboundMessage {
  readonly accountId: AccountId;
  readonly channelId: ChannelId;
  readonly nonce: string;
  readonly content: string;
  readonly pings: Pings;
  /** The message to quote. */
  readonly quote?: MessageId;
  /** The message that this one answers; absent on what only goes on with an answer. */
  readonly answers?: MessageId;
}

/** Whom a message does ping, and nobody else. */
export interface Pings {
  readonly users: readonly UserId[];
  readonly roles: readonly RoleId[];
  readonly quotedAuthor: boolean;
}

/** An {@link OutboundMessage} in the store, until Discord has it. */
export interface OutboxRow {
  readonly id: number;
  readonly message: OutboundMessage;
  /** Unix time in milliseconds of the first attempt that Discord may have carried out. */
  readonly firstAttemptAt?: number;
}

/**
 * What became of a request to create a message.
 *
 * - `created`: Discord has it, now or by an earlier attempt with this nonce.
 * - `already_gone`: an earlier attempt created it, and somebody has deleted it.
 * - `unanswered`: Discord may have it or not.
 * - `unsent`: the request never left, for there was no connection; Discord does not have it.
 * - `refused`: Discord does not have it by this attempt.
 */
export type PostOutcome =
  | { readonly kind: "created"; readonly messageId: MessageId }
  | { readonly kind: "already_gone" }
  | { readonly kind: "unanswered" }
  | { readonly kind: "unsent"; readonly reason: string }
  | {
    readonly kind: "refused";
    readonly why: Refusal;
    readonly reason: string;
    /** Milliseconds that Discord asks to wait, of `rate_limited`, where it says so. */
    readonly retryAfterMs?: number;
  };
