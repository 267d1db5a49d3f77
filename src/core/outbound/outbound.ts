/**
 * What leaves Barnacle, before it is put in Discord's words.
 *
 * @module
 */

import type { Refusal } from "../errors.ts";
import type { AccountId, ChannelId, GuildId, MessageId, RoleId, UserId } from "../discord/ids.ts";
import type { Answer } from "./nonce.ts";

/** An answer to one message, already cut to Discord's size. */
export interface Reply extends Answer {
  readonly accountId: AccountId;
  readonly channelId: ChannelId;
  /** Absent in direct messages. */
  readonly guildId?: GuildId;
  /** Texts of 1 to 2000 characters, posted in order; one may be empty where files go with it. */
  readonly chunks: readonly string[];
  /** The whole text, as it was before it was cut: what a full queue puts into a file (D4). */
  readonly text: string;
  /** Posted with the last chunk, and behind it where there are more than ten. */
  readonly files: readonly OutboundFile[];
  /** Set only where a reply tag asked for it and `replyToMode` honours it. */
  readonly quote?: Quote;
  readonly mayPing: MayPing;
  /** Whether Discord is asked for no previews of links (SEC-R7). */
  readonly suppressesEmbeds: boolean;
}

/** A message shown above the answer; Discord's message reference. */
export interface Quote {
  readonly messageId: MessageId;
  /** Absent where nobody knows who wrote it: then nobody is pinged for it. */
  readonly authorId?: UserId;
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

/** A file, with all of it. */
export interface OutboundFile {
  /** As people see it: `"answer.md"`. */
  readonly name: string;
  /** For those who do not see; Discord's description, 1,024 characters at most. */
  readonly alt?: string;
  /** `"text/markdown"`. */
  readonly contentType?: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** Files in one request, at most. */
export const MAX_FILES = 10;

/** One message to Discord with nothing left to decide: sent twice, it is the same twice. */
export interface OutboundMessage {
  readonly accountId: AccountId;
  readonly channelId: ChannelId;
  /** Absent in direct messages. */
  readonly guildId?: GuildId;
  readonly nonce: string;
  /** Empty only where files go with it. */
  readonly content: string;
  readonly pings: Pings;
  /** The message to quote. */
  readonly quote?: MessageId;
  readonly suppressesEmbeds?: true;
  /** One row of buttons below it, five at most. */
  readonly buttons?: readonly Button[];
  /** What it is a part of; absent on what answers nobody. */
  readonly of?: Part;
}

export interface Button {
  /** Comes back when it is pressed; 100 characters at most, and no state. */
  readonly customId: string;
  /** 80 characters at most. */
  readonly label: string;
  readonly style: "primary" | "secondary" | "success" | "danger";
}

/** One message's place in an answer. */
export interface Part extends Answer {
  /** From 0. */
  readonly part: number;
  readonly parts: number;
}

/** Whom a message does ping, and nobody else. */
export interface Pings {
  readonly users: readonly UserId[];
  readonly roles: readonly RoleId[];
  readonly quotedAuthor: boolean;
}

/** A message with all that the store keeps of it until Discord has it. */
export interface Frozen {
  readonly message: OutboundMessage;
  /** Up to {@link MAX_FILES}; their bytes are forgotten once Discord has them. */
  readonly files: readonly OutboundFile[];
  /** Of the first part of an answer with several: all of its text, for a file (D4). */
  readonly whole?: string;
  /** The message takes the place of a draft (R8), or takes the draft away and posts nothing. */
  readonly draft?: { readonly nonce: string; readonly becomes: "this" | "nothing" };
}

/** An {@link OutboundMessage} in the store, until Discord has it. */
export interface OutboxRow {
  readonly id: number;
  readonly message: OutboundMessage;
  readonly fileCount: number;
  /** What is to be asked of Discord. */
  readonly action: OutboxAction;
  /** Unix time in milliseconds of the first attempt that Discord may have carried out. */
  readonly firstAttemptAt?: number;
  /** Unix time in milliseconds since which no attempt has succeeded; over a day of it is the end (D5). */
  readonly failingSince?: number;
}

export type OutboxAction =
  | { readonly kind: "post" }
  /** A draft that is there gets its last text; or is deleted. Either may be asked for twice. */
  | { readonly kind: "edit" | "delete"; readonly messageId: MessageId }
  /** A draft was to be taken away that never came to be. */
  | { readonly kind: "nothing" };

/**
 * What became of a request to create, edit or delete a message.
 *
 * - `created`: Discord has it, now or by an earlier attempt with this nonce; edited or deleted.
 * - `already_gone`: an earlier attempt created it, and somebody has deleted it.
 * - `unanswered`: Discord may have carried it out or not.
 * - `unsent`: the request never left, for there was no connection; Discord does not have it.
 * - `refused`: Discord does not have it by this attempt.
 */
export type PostOutcome =
  | { readonly kind: "created"; readonly messageId: MessageId }
  | { readonly kind: "already_gone" }
  | { readonly kind: "unanswered"; readonly reason: string }
  | { readonly kind: "unsent"; readonly reason: string }
  | {
    readonly kind: "refused";
    readonly why: Refusal;
    readonly reason: string;
    /** Discord's own code, such as `50013` for missing permissions. */
    readonly code?: number;
    /** Milliseconds that Discord asks to wait, of `rate_limited`, where it says so. */
    readonly retryAfterMs?: number;
  };
