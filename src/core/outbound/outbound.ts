/**
 * Outbound messages in Barnacle's own types, before `discord/rest/` turns them into requests.
 *
 * Discord returns the first message to whoever repeats its nonce. So the nonce is computed, never
 * drawn. A bot may die between the request and its response, or an operator may start a second one
 * by mistake. The next bot computes the same nonce, and the channel shows the message once.
 *
 * People see the footer of an answer, the model does not (R15). The stored message has it apart
 * (`OutboundMessage.footer`), so Barnacle looks for exactly these lines, and for no pattern.
 */

import { hash } from "node:crypto";
import {
  type AccountId,
  type ChannelId,
  createdAtMs,
  type GuildId,
  type MessageId,
  parseSnowflake,
  type RoleId,
  type Snowflake,
  type UserId,
} from "../discord/ids.ts";

/** Distinguishes the messages that one cause may have; a failure must not get the reply's nonce. */
export type OutboundKind =
  | "reply"
  | "failure"
  | "notice"
  | "challenge"
  | "draft"
  /** A fixed text in place of one that Discord does not take. */
  | "word"
  | "tool";

export interface AnswerKey {
  readonly cause: MessageId;
  /** Answered revision of `cause`, as `InboundMessage.revision` counts. */
  readonly revision: number;
  /** The agent that answers; absent for messages of Barnacle's own. */
  readonly agentId?: string;
  readonly kind: OutboundKind;
}

/** Maximum characters of a nonce at Discord. */
const NONCE_LENGTH = 25;

/**
 * Computes the nonce of one message of an answer.
 *
 * It depends on every field of the answer: Discord compares nonces by author, not by channel.
 *
 * A reply's nonce begins with the time of the answered message. So replies are neighbours in the
 * outbox's index of nonces: in a large store, each of them would change another page of it.
 *
 * @param index Index of the message within the answer, from 0.
 * @returns 25 characters of base64url, which hold 150 bits of a SHA-256, or 102 behind the time.
 * @see {@link https://docs.discord.com/developers/resources/message#create-message}
 */
export function nonceOf({ cause, revision, agentId = "", kind }: AnswerKey, index: number): string {
  const nonce = hashed(["b1", cause, revision, agentId, kind, index]);
  return kind === "reply" ? `${secondsOf(cause)}${nonce}`.slice(0, NONCE_LENGTH) : nonce;
}

/**
 * Computes the nonce of a message that answers none, from its outbox row.
 *
 * It depends on the time as well, because two data directories both have a row 1.
 *
 * @param createdAt Unix time in milliseconds at which the row was made.
 * @returns 25 characters of base64url, which hold 150 bits of a SHA-256.
 */
export function nonceOfRow(id: number, createdAt: number): string {
  return hashed(["b1", "row", id, createdAt]);
}

/**
 * Computes the nonce of one message that a tool (T3) or `barnacle send` sends, from the key of the
 * call. A crash may repeat the call, and the message exists once.
 *
 * @param index Index of the message within the text, from 0.
 * @returns As {@link nonceOfRow} does.
 */
export function nonceOfCall(callKey: string, index: number): string {
  return hashed(["b1", "call", callKey, index]);
}

/** Computes the id of the file of a call, which a repeated call finds again. */
export function fileIdOfCall(callKey: string): Snowflake<"attachment"> {
  const digits = BigInt(`0x${hash("sha256", `b1|file|${callKey}`, "hex").slice(0, 15)}`);
  const id = parseSnowflake<"attachment">(`${digits + 1n}`);
  if (!id) throw new RangeError("Cannot compute the id of a file");
  return id;
}

/** When a message was sent: Unix time in seconds, 8 hexadecimal digits. */
function secondsOf(id: MessageId): string {
  return Math.floor(createdAtMs(id) / 1_000).toString(16).padStart(8, "0");
}

function hashed(parts: readonly (string | number)[]): string {
  return hash("sha256", parts.join("|"), "base64url").slice(0, NONCE_LENGTH);
}

/** Discord's mark of a line in small letters, as the footer is. */
export const SMALL = "-# ";

/**
 * Marks a message with words of a person's own account (T13a). It stands in the message, so it holds as
 * long as Discord has the words: no reader takes them into another conversation.
 */
export const PERSONAL = `${SMALL}🔒`;

export const HIDDEN = "(not shown: it is from a person's own account)";

export const isPersonal = (text: string): boolean => text.includes(PERSONAL);

export const withoutPersonal = (text: string): string => isPersonal(text) ? HIDDEN : text;

/** Finds the footer of a message of ours; `undefined` if it has none. */
export type FooterOf = (messageId: MessageId) => Promise<string | undefined>;

/** A text of a message without the message's footer. Asks only about texts with small letters. */
export async function withoutFooter(
  text: string,
  messageId: MessageId,
  footerOf: FooterOf,
): Promise<string> {
  const footer = text.includes(SMALL) ? await footerOf(messageId) : undefined;
  if (footer === undefined) return text;
  const lines = `\n${text}\n`;
  const at = lines.lastIndexOf(`\n${footer}\n`);
  return at === -1 ? text : (lines.slice(0, at) + lines.slice(at + footer.length + 1)).slice(1, -1);
}

/**
 * Why Discord refused a request, by what to do next.
 *
 * A refusal is certain: the request had no effect.
 *
 * - `unauthorized`: the bot token is wrong; stop.
 * - `forbidden`: the bot lacks a permission here; tell the operator.
 * - `not_found`: the channel or message is gone; drop the work.
 * - `rejected`: Discord refused the request as written; a bug of ours.
 * - `rate_limited`: too many requests, even after waiting.
 */
export type Refusal =
  | "unauthorized"
  | "forbidden"
  | "not_found"
  | "rejected"
  | "rate_limited";

/** An answer to one message, cut to Discord's size. */
export interface Reply
  extends AnswerKey, Pick<OutboundMessage, "accountId" | "channelId" | "guildId"> {
  /** Texts of 1 to 2000 characters, posted in order. One may be empty if files go with it. */
  readonly chunks: readonly string[];
  /** The last line of the last chunk, if it is a footer, which the model never sees (R15). */
  readonly footer?: string;
  /** The whole text before the cut; a full queue puts it into a file (D4). */
  readonly text: string;
  /** Set if its words are from a person's own account: each message gets the mark (T13a). */
  readonly isPersonal?: true;
  /** Posted with the last chunk; files beyond ten follow in further messages. */
  readonly files: readonly OutboundFile[];
  /** The text, spoken: a message of its own after all others (R16). */
  readonly voice?: VoiceFile;
  /** Set only if a reply tag asked for it and `replyToMode` allows it. */
  readonly quote?: Quote;
  readonly mayPing: MayPing;
  /** Whether to ask Discord for no link previews (SEC-R7). */
  readonly suppressesEmbeds: boolean;
}

/** A message shown above the answer, by Discord's message reference. */
export interface Quote {
  readonly messageId: MessageId;
  /** Author of the quoted message; absent if unknown, and then the quote pings no person. */
  readonly authorId?: UserId;
  /** Whether only the first chunk carries it, or all do. */
  readonly on: "first" | "all";
}

/** The most that a reply may ping. */
export interface MayPing {
  /** People of the turn's context, as `allowedMentions.users` narrows them. */
  readonly users: readonly UserId[];
  /** Roles that `allowedMentions.roles` lists. */
  readonly roles: readonly RoleId[];
}

export interface OutboundFile {
  /** File name that people see: `"answer.md"`. */
  readonly name: string;
  /** Description for people who cannot see the file; at most 1,024 characters at Discord. */
  readonly alt?: string;
  /** Whether people see it only after a click; absent: they see it at once. */
  readonly isSpoiler?: boolean;
  /** MIME type: `"text/markdown"`; absent if unknown. */
  readonly contentType?: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** The facts that Discord wants of a voice message. */
export interface VoiceFacts {
  /** Length in seconds. */
  readonly durationSec: number;
  /** Loudness of up to 256 slices, one byte each, in base64. */
  readonly waveform: string;
}

/** The sound of a voice message: Opus in Ogg. */
export interface VoiceFile extends VoiceFacts {
  readonly file: OutboundFile;
}

/** Maximum number of files in one request. */
export const MAX_FILES = 10;

/** Maximum size in bytes of all files of one request, with room for the rest of it (R17). */
export const MAX_REQUEST_BYTES = 25 * 1024 * 1024 - 64 * 1024;

/**
 * One message to Discord with nothing left to decide, so that a second attempt sends the same
 * message.
 */
export interface OutboundMessage {
  readonly accountId: AccountId;
  /** Channel, thread or direct message channel to post to. */
  readonly channelId: ChannelId;
  /** Absent in direct messages. */
  readonly guildId?: GuildId;
  /** The nonce of every attempt, from {@link nonceOf} or {@link nonceOfRow}. */
  readonly nonce: string;
  /** Text of at most 2000 characters; empty only if files go with it. */
  readonly content: string;
  /** The lines of `content` below the answer, which the model never sees (R15, R15a). */
  readonly footer?: string;
  readonly pings: Pings;
  /** Id of the message to quote; absent if there is none. */
  readonly quote?: MessageId;
  /** Asks Discord for no link previews (SEC-R7); absent: previews are fine. */
  readonly suppressesEmbeds?: true;
  /** Asks Discord for no notification (R14); absent: it notifies. */
  readonly isSilent?: true;
  /** Its text leaves the store once Discord has it, or never gets it. */
  readonly isUnkept?: true;
  /** The people whose words it has, if it answers none of their messages. */
  readonly saidBy?: readonly UserId[];
  /**
   * Set if it is a card: its text stands in a box, in blocks, with its components. Its content is
   * the same text for a message without a box.
   */
  readonly card?: Card;
  /** A box below its text, which shows no previews of links then. */
  readonly embed?: EmbedContent;
  /** Buttons below it in rows of five, at most 25. */
  readonly buttons?: readonly Button[];
  /** An address that opens by a button before the others. */
  readonly link?: LinkButton;
  /** Select menus below it, one in a row; with buttons, five rows at most. */
  readonly menus?: readonly Menu[];
  /** Set if it is a voice message: its only content is one file (R16). */
  readonly voice?: VoiceFacts;
  /** The answer that it is a part of; absent if it answers no message. */
  readonly of?: AnswerPart;
}

/** The layout of a card, in Discord's Components V2. */
export interface Card {
  /** Its text, from top to bottom. Together at most 4000 characters, none of them empty. */
  readonly blocks: readonly string[];
  /** Whether a person must decide: its edge is coloured. */
  readonly isOpen: boolean;
}

/** A box that a tool puts below a text. It has no addresses, which Discord would fetch (SEC-R7). */
export interface EmbedContent {
  /** At most 256 characters; absent if there is none, as with the other parts. */
  readonly title?: string;
  /** At most 4,096 characters. */
  readonly description?: string;
  /** RGB, from 0 to 0xffffff. */
  readonly color?: number;
  /** At most 25, with a name of 256 and a value of 1,024 characters. */
  readonly fields?: readonly {
    readonly name: string;
    readonly value: string;
    readonly inline?: boolean;
  }[];
  /** At most 2,048 characters. */
  readonly footer?: string;
}

export interface Button {
  /** Discord sends it back with each press. At most 100 characters, and it contains no state. */
  readonly customId: string;
  /** Text on the button, at most 80 characters. */
  readonly label: string;
  /** Discord's colours: blurple, grey, green and red. */
  readonly style: "primary" | "secondary" | "success" | "danger";
}

export interface LinkButton {
  /** At most {@link MAX_LINK} characters. */
  readonly url: string;
  /** At most 80 characters. */
  readonly label: string;
}

/** Discord's maximum for the address of a button. */
export const MAX_LINK = 512;

export interface Menu {
  /** Discord sends it back with each selection. At most 100 characters, and it contains no state. */
  readonly customId: string;
  /** Text while nothing is chosen, at most 150 characters. */
  readonly placeholder: string;
  /** How many options a person may choose, from 1. */
  readonly max: number;
  /** At most 25, each with a label of at most 100 characters. */
  readonly options: readonly { readonly value: string; readonly label: string }[];
}

/** The position of one message within an answer. */
export interface AnswerPart extends AnswerKey {
  /** Index of the message, from 0. */
  readonly part: number;
  /** Number of messages in the answer. */
  readonly parts: number;
}

/** The users and roles that a message pings; Discord pings no others. */
export interface Pings {
  /** Users to ping if the text mentions them. */
  readonly users: readonly UserId[];
  /** Roles to ping if the text mentions them. */
  readonly roles: readonly RoleId[];
  readonly quotedAuthor: boolean;
}

/** A message with everything that the store keeps of it until Discord has it. */
export interface Frozen {
  readonly message: OutboundMessage;
  /** At most {@link MAX_FILES}. The store deletes their content once Discord has them. */
  readonly files: readonly OutboundFile[];
  /** Set if the message replaces a draft (R8), or deletes the draft and posts nothing. */
  readonly draft?: { readonly nonce: string; readonly becomes: "this" | "nothing" };
}

/** An {@link OutboundMessage} in the store, until Discord has it. */
export interface OutboxRow {
  readonly id: number;
  readonly message: OutboundMessage;
  readonly fileCount: number;
  readonly action: OutboxAction;
  /**
   * Unix time in milliseconds of the first attempt that Discord may have carried out; absent before
   * it.
   */
  readonly firstAttemptAt?: number;
  /**
   * Unix time in milliseconds since which every attempt has failed; absent while none has. Barnacle
   * gives up after a day (D5).
   */
  readonly failingSince?: number;
}

export type OutboxAction =
  | { readonly kind: "post" }
  /** Gives a posted draft its final text, or deletes it. A second request does no harm. */
  | { readonly kind: "edit" | "delete"; readonly messageId: MessageId }
  /** The row deletes a draft that was never posted: no request is needed. */
  | { readonly kind: "nothing" };

/**
 * The result of a request to create, edit or delete a message.
 *
 * - `created`: Discord has it, by this attempt or by an earlier one with this nonce; or it is
 *   edited or deleted.
 * - `already_gone`: an earlier attempt created it, and a person has deleted it.
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
    /** Discord's error code, such as `50013` for missing permissions; absent if it sent none. */
    readonly code?: number;
    /** Milliseconds that Discord asks to wait, for `rate_limited`; absent if it does not ask. */
    readonly retryAfterMs?: number;
    /** Set if the request is too large for Discord (413), which only its files can be. */
    readonly isTooLarge?: true;
  };

/** The part of its `custom_id` before the first `:`. */
export const STOP_BUTTON = "stop";

/** The part of its `custom_id` before the first `:`; the id of the turn's message follows. */
export const UNDO_BUTTON = "undo";

/** The part of its `custom_id` before the first `:`; it lets the bot hear a person, or ends that. */
export const HEAR_BUTTON = "hear";
