/**
 * Messages on their way to Discord: their form, nonces, drafts and threads, and how the first one of
 * a channel is delivered. `discord/rest/` turns them into requests.
 *
 * Discord returns the first message to whoever repeats its nonce. So the nonce is computed, never
 * drawn. A bot may die between the request and its response, or an operator may start a second one
 * by mistake. The next bot computes the same nonce, and the channel shows the message once.
 *
 * Discord knows a nonce only for some minutes, and no request returns it. After an hour, only its
 * content identifies a message. Times are Discord's, read from ids, wherever possible, because the
 * clock of a small box may be wrong.
 */

import { hash } from "node:crypto";
import { DAY_MS } from "../../lib/clock.ts";
import { retryDelayMs, type RetryRules } from "../../lib/network/backoff.ts";
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
import { type InboundMessage, isAtDiscord } from "../inbound/inbound.ts";

/** Fields that all messages of a text share, into however many it is cut. */
export interface SharedFields {
  readonly accountId: AccountId;
  /** Channel, thread or direct message channel to post to. */
  readonly channelId: ChannelId;
  /** Absent in direct messages. */
  readonly guildId?: GuildId;
  /** Asks Discord for no link previews (SEC-R7); absent: previews are fine. */
  readonly suppressesEmbeds?: true;
  /** Asks Discord for no notification (R14); absent: it notifies. */
  readonly suppressesNotifications?: true;
  /** Its text leaves the store once Discord has it, or never gets it. */
  readonly isUnkept?: true;
  /** The people whose words it has, if it answers none of their messages. */
  readonly saidBy?: readonly UserId[];
}

/**
 * One message to Discord with nothing left to decide, so that a second attempt sends the same
 * message.
 */
export interface OutboundMessage extends SharedFields {
  /** The nonce of every attempt, from {@link nonceOf} or {@link nonceOfRow}. */
  readonly nonce: string;
  /** Text of at most 2000 characters; empty only if files go with it. */
  readonly content: string;
  /** The lines of `content` below the answer, which the model never sees (R15, R15a). */
  readonly footer?: string;
  readonly pings: Pings;
  /** Id of the message to quote; absent if there is none. */
  readonly quote?: MessageId;
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

/** An answer to one message, cut to Discord's size. */
export interface Reply extends AnswerKey, SharedFields {
  /** Texts of 1 to 2000 characters, posted in order. One may be empty if files go with it. */
  readonly chunks: readonly string[];
  /** The last line of the last chunk, if it is a footer, which the model never sees (R15). */
  readonly footer?: string;
  /** Identifies the call that sends it, also after a crash; absent: no call does. */
  readonly callKey?: string;
  /** Set if its words are from a person's own account: each message gets the mark (T13a). */
  readonly isPersonal?: true;
  /** Posted with the last chunk; files beyond ten follow in further messages. */
  readonly files: readonly OutboundFile[];
  /** The text, spoken: a message of its own after all others (R16). */
  readonly voice?: VoiceFile;
  /** Set only if a reply tag asked for it and `replyToMode` allows it. */
  readonly quote?: Quote;
  readonly mayPing: MayPing;
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

/** Discord's mark of a line in small letters, as the footer is. */
export const SMALL = "-# ";

/**
 * Marks a message with words of a person's own account (T13a). It stands in the message, so it holds as
 * long as Discord has the words: no reader takes them into another conversation.
 */
export const PERSONAL = `${SMALL}🔒`;

export const HIDDEN_WORDS = "(not shown: it is from a person's own account)";

export const isPersonal = (text: string): boolean => text.includes(PERSONAL);

export const withoutPersonal = (text: string): string => isPersonal(text) ? HIDDEN_WORDS : text;

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

/** The part of its `custom_id` before the first `:`. */
export const STOP_BUTTON = "stop";

/** The part of its `custom_id` before the first `:`; the id of the turn's message follows. */
export const UNDO_BUTTON = "undo";

/** The part of its `custom_id` before the first `:`; it lets the bot hear a person, or ends that. */
export const HEAR_BUTTON = "hear";

/** A message of an answer in the outbox, which a later one may replace: a draft, or a part. */
export interface AnswerMessage {
  /** The message as it was first posted. */
  readonly message: OutboundMessage & { readonly of: AnswerPart };
  /**
   * - `untried`: no attempt was made to post it.
   * - `open`: an attempt may have reached Discord, and its channel queue still works on it.
   * - `there`: Discord has it.
   *
   * A draft that Discord refused, or that may or may not exist, is not listed.
   */
  readonly state: "untried" | "open" | "there";
  /** Set if it is `there`, unless a person deleted it before Barnacle learned its id. */
  readonly messageId?: MessageId;
}

export type DraftRow = AnswerMessage & { readonly message: DraftMessage };

/**
 * A message that grows while the model writes an answer (R8). Its part is that of the message whose
 * place it holds. It is an ordinary message of the outbox, posted once under its own nonce, so a crash
 * leaves no draft that the store does not know.
 */
export type DraftMessage = OutboundMessage & { readonly of: AnswerPart };

/**
 * Decides about an answer's drafts, within the transaction that ends its turn (T3).
 *
 * The first messages of a reply replace the drafts in the same places, by an edit. From the first
 * message that cannot, none does: a new message stands below every draft, so a later draft would be
 * out of order. The edits come first, then the deletions of the other drafts, then the new
 * messages.
 *
 * @param outbox The turn's messages as they would be without drafts; empty if the turn says
 * nothing.
 * @returns Messages in the order in which to send them, and nonces of drafts that must not be posted any
 * more.
 */
export function placeDrafts(
  drafts: readonly AnswerMessage[],
  outbox: readonly Frozen[],
): { readonly outbox: readonly Frozen[]; readonly withdraw: readonly string[] } {
  const attempted = new Map(
    drafts.filter(({ state }) => state !== "untried").map((row) => [row.message.of.part, row]),
  );
  const edited: Frozen[] = [];
  for (const frozen of outbox) {
    const { of } = frozen.message;
    const draft = of?.kind === "reply" && attempted.get(of.part);
    if (!draft || !canBecome(draft, frozen)) break;
    attempted.delete(of.part);
    edited.push({ ...frozen, draft: { nonce: draft.message.nonce, becomes: "this" } });
  }
  const inTheWay = [...attempted.values()].sort((a, b) => a.message.of.part - b.message.of.part);
  return {
    outbox: [...edited, ...inTheWay.map(removalOf), ...outbox.slice(edited.length)],
    withdraw: drafts.filter(({ state }) => state === "untried").map(({ message }) => message.nonce),
  };
}

/** No edit can turn a message into a reply to another one or into a voice message, or back. */
function canBecome({ message }: AnswerMessage, { message: final }: Frozen): boolean {
  return message.quote === final.quote && message.channelId === final.channelId &&
    !message.voice && !final.voice;
}

/** The outbox message that deletes a draft or a part of an answer, and posts nothing. */
export function removalOf({ message }: Pick<AnswerMessage, "message">): Frozen {
  const { quote: _quote, voice: _voice, ...rest } = message;
  return {
    message: {
      ...rest,
      // Never sent: it only makes the row's nonce differ from the draft's.
      nonce: nonceOf(message.of, -1 - message.of.part),
      content: "",
      pings: { users: [], roles: [], quotedAuthor: false },
    },
    files: [],
    draft: { nonce: message.nonce, becomes: "nothing" },
  };
}

/** Ends a draft, so that a reader knows that more text follows, or that a crash ended it. */
const DRAFT_MARK = "…";

/**
 * The drafts that show an unfinished answer.
 *
 * @param composed The messages of the answer if it ended here.
 * @param maxLength Maximum UTF-16 units of a message. The last draft has its mark only if it fits.
 */
export function toDrafts(composed: readonly Frozen[], maxLength: number): readonly DraftMessage[] {
  return composed.flatMap(({ message }, index) => {
    const { of, content } = message;
    if (!of) return [];
    const isLast = index === composed.length - 1;
    return [{
      ...message,
      of: { ...of, kind: "draft" as const },
      nonce: nonceOf({ ...of, kind: "draft" }, of.part),
      content: isLast ? withDraftMark(content, maxLength) : content,
    }];
  });
}

/** After a code fence, the mark gets a line of its own, or the fence would not end. */
function withDraftMark(content: string, maxLength: number): string {
  const isFenced = /(?:`{3}|~{3})$/.test(content);
  const withMark = `${content}${isFenced ? "\n" : " "}${DRAFT_MARK}`;
  return withMark.length > maxLength ? content : withMark;
}

/** A draft in the outbox, with the text that Discord shows. */
export interface ShownDraft {
  /** The draft as it was first posted. */
  readonly message: DraftMessage;
  /** Discord's id; absent until it is posted. */
  readonly messageId?: MessageId;
  /**
   * The text at Discord; absent if it is unknown, because an edit got no answer or an earlier
   * process made it.
   */
  readonly content?: string;
}

/** The next step for an answer's drafts. */
export type DraftStep =
  | { readonly kind: "post"; readonly message: DraftMessage }
  | {
    readonly kind: "edit";
    /** Index of the draft within the answer, from 0. */
    readonly part: number;
    readonly messageId: MessageId;
    readonly message: DraftMessage;
  }
  /** All drafts are up to date, or wait for one to be posted. */
  | { readonly kind: "none" };

/**
 * Finds the first draft that is not up to date.
 *
 * Barnacle posts no draft before Discord has the one in front of it, and deletes none. If the
 * answer has become shorter, a surplus draft shows only the mark until the answer's end.
 *
 * @param shown Drafts in the outbox, in the order of their parts.
 * @param wanted Drafts of the answer so far, from {@link toDrafts}.
 */
export function nextDraftStep(
  shown: readonly ShownDraft[],
  wanted: readonly DraftMessage[],
): DraftStep {
  for (const [part, { message: posted, messageId, content }] of shown.entries()) {
    if (messageId === undefined) return { kind: "none" };
    const message = wanted[part] ?? { ...posted, content: DRAFT_MARK };
    if (message.content !== content) return { kind: "edit", part, messageId, message };
  }
  const message = wanted[shown.length];
  return message ? { kind: "post", message } : { kind: "none" };
}

/** Begins each text of a line, so that the history tells a line whose rest has changed. */
const PROGRESS_MARK = "⏳";

/** Above the number of messages that an answer may have. */
const PART = 10_000;

/** Maximum UTF-16 units at Discord. */
const MAX_LENGTH = 2_000;

/** The place of a line, and the turn that it belongs to. */
export interface ProgressPlace extends Omit<AnswerKey, "kind">, SharedFields {}

/**
 * The line about a turn's current work, with a Stop button (R8a). It is a draft that no message ever
 * replaces, because it has notified no one: the transaction that ends the turn deletes it.
 */
export function progressLine(
  { cause, revision, agentId, ...shared }: ProgressPlace,
  text: string,
): DraftMessage {
  const of = { cause, revision, agentId, kind: "draft" as const };
  const customId = `${STOP_BUTTON}:${cause}`;
  return {
    ...shared,
    nonce: nonceOf(of, PART),
    content: `${PROGRESS_MARK} ${text}`.slice(0, MAX_LENGTH),
    pings: { users: [], roles: [], quotedAuthor: false },
    suppressesNotifications: true,
    of: { ...of, part: PART, parts: PART + 1 },
    buttons: [{ customId, label: "Stop", style: "secondary" }],
  };
}

export function isProgressLine({ of }: OutboundMessage): boolean {
  return of?.kind === "draft" && of.part === PART;
}

/** `threads` of a guild or channel. */
export interface ThreadRules {
  /** Answers that open a thread: none, those to mentions, or all. */
  readonly auto: "off" | "mention" | "all";
  /** The source of the title: the words of the message, or a request to the model. */
  readonly title: "words" | "model";
  /** Minutes without a message until Discord archives the thread. */
  readonly archiveAfterMin: number;
}

/** The rules of a place without `threads`. */
export const NO_THREADS: ThreadRules = { auto: "off", title: "words", archiveAfterMin: 1_440 };

export interface AnswerThread {
  /** Discord gives it the id of the message on which it is opened. */
  readonly threadId: ChannelId;
  readonly channelId: ChannelId;
  readonly askerId: UserId;
  /** The agent that answers the message, as its inbox row says; absent if there is none. */
  readonly agentId?: string;
  /** Title as first asked for, so that a crash asks no model again. */
  readonly title: string;
  /**
   * - `opening`: Discord may have it.
   * - `open`: Discord has it.
   * - `refused`: Discord did not permit it; the answer is in the channel.
   */
  readonly state: "opening" | "open" | "refused";
}

/**
 * The id of the thread that starts from a message.
 *
 * @throws {RangeError} If the message's id is none of Discord's.
 */
export function threadIdOf(messageId: MessageId): ChannelId {
  const id = parseSnowflake<"channel">(messageId);
  if (!id) throw new RangeError(`Cannot name the thread of message ${messageId}: it has no id`);
  return id;
}

/** Whether Discord permits a thread on a message: in a channel of a guild, outside of threads. */
export function canStartThread(message: Pick<InboundMessage, "place" | "origin">): boolean {
  const { place } = message;
  if (!isAtDiscord(message)) return false;
  return place.kind === "guild" && !place.thread && !place.isUnknown;
}

/** The message as if it stood in its thread: its answer goes there. */
export function inThread(
  message: InboundMessage,
  { threadId, title }: AnswerThread,
): InboundMessage {
  const { place } = message;
  if (place.kind !== "guild") return message;
  return {
    ...message,
    channelId: threadId,
    place: { ...place, thread: { id: threadId, name: title } },
  };
}

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

/**
 * The bot's missing permission in the place of a refusal.
 *
 * - `files`: only Attach Files
 * - `other`: one without which the place takes no message
 * - `none`: the bot has all that the message needs
 * - `unknown`: Discord does not tell, or the place has no permissions, as direct messages
 */
export type MissingHere = "files" | "other" | "none" | "unknown";

export type RefusalSubject = "place" | "message" | "files";
/**
 * Codes of a 400 for a refusal by the place and not by the message: an archived thread, a locked one.
 */
const PLACES_IN_400: ReadonlySet<number> = new Set([50083, 160005]);

/**
 * Codes that name the place, so that no permission needs to be missing: an unknown guild, a bot that Discord has flagged, direct messages opened too fast, a verification level, and a
 * person without a common server.
 */
const PLACES: ReadonlySet<number> = new Set([...PLACES_IN_400, 10004, 20026, 40003, 50009, 50278]);

/** The code of a person who accepts no direct messages of the bot. */
export const CLOSED_DIRECT = 50007;

/** The code of a channel that is gone. */
const GONE = 10003;

/** Codes that name the words: blocked by AutoMod, by a filter of links or of explicit content. */
const WORDS: ReadonlySet<number> = new Set([20009, 200000, 200001, 240000]);

/** Whether a code ends the message: it would be refused again, or it is too late once it is not. */
export function namesMessage(code: number | undefined): boolean {
  return code === CLOSED_DIRECT || code === GONE || code !== undefined && WORDS.has(code);
}

/** Whether the place takes other words, as far as a code tells; absent: Discord sent none. */
export function takesOthers(code: number | undefined): boolean {
  return code !== CLOSED_DIRECT && code !== GONE;
}

/**
 * Whether the place may be what refuses, rather than the message alone.
 *
 * @param refusal `code` is Discord's error code; absent if it sent none.
 */
function mayBeOfPlace(
  { why, code }: { readonly why: Refusal; readonly code?: number | undefined },
): boolean {
  if (why === "rejected") return code !== undefined && PLACES_IN_400.has(code);
  return why === "forbidden" || why === "not_found";
}

/**
 * Decides what a refusal is about, once the bot's permissions in the place were looked up.
 *
 * @param refusal `code`: Discord's error code; absent if it sent none. `fileCount`: files of the message.
 */
export function subjectOf(
  { code, fileCount }: { readonly code?: number | undefined; readonly fileCount: number },
  missing: MissingHere,
): RefusalSubject {
  if (code !== undefined && PLACES.has(code)) return "place";
  if (namesMessage(code)) return "message";
  switch (missing) {
    case "files":
    case "none": // without its files, the message may be accepted
      return fileCount > 0 ? "files" : "message";
    case "other":
    case "unknown":
      return "place";
  }
}

/** Failed attempts in a row at one message. */
export interface Failures {
  /** Number of failed attempts. */
  readonly failed: number;
  /**
   * Number of the last failed attempts before each of which Discord served another request to the
   * channel.
   */
  readonly served: number;
}

/** Failures after which a message is set aside. */
const FAILED = 10;
/** Time over which a message must have failed, in milliseconds. */
const FAILING_MS = 10 * 60_000;
/**
 * Number of the last failures that other requests must surround. At the end of an outage, one
 * request may succeed just before another one fails.
 */
const SERVED = 3;

/**
 * Counts one more failure.
 *
 * @param wasServed Whether Discord has served another request to the channel since the last one.
 */
export function failedAgain(before: Failures | undefined, wasServed: boolean): Failures {
  return { failed: (before?.failed ?? 0) + 1, served: wasServed ? (before?.served ?? 0) + 1 : 0 };
}

/** Whether a message alone fails, so that the rest of its channel should go on without it. */
function isStuckAlone(
  { failingSince }: OutboxRow,
  { failed, served }: Failures,
  now: number,
): boolean {
  return failed >= FAILED && served >= SERVED && failingSince !== undefined &&
    now - failingSince >= FAILING_MS;
}

export interface Posted {
  readonly id: MessageId;
  readonly authorId: UserId;
  /** Text of the message, as Discord stored it. */
  readonly content: string;
  /** Id of the quoted message; absent if there is none, or if it is deleted. */
  readonly quote?: MessageId;
  /** Bytes of each file, in their order. Discord changes file names, but not contents. */
  readonly fileSizes: readonly number[];
}

/** A part of a channel's history, newest first. */
export interface PostedPage {
  readonly kind: "page";
  /** Messages, newest first; may be empty. */
  readonly messages: readonly Posted[];
  /** Id of the oldest message of the page, to continue from; absent for an empty page. */
  readonly oldest?: MessageId;
  /** Whether the channel begins here, or Discord shows no older history. The two look the same. */
  readonly isLast: boolean;
}

/** A failure to read the channel's history. */
export interface Unread {
  readonly kind: "unread";
  /** `unreachable`: no response, or a server error. */
  readonly why: Refusal | "unreachable";
  /** The failure in words, for log and operator. */
  readonly reason: string;
  /** Discord's error code; absent if it sent none. */
  readonly code?: number;
  /** Milliseconds that Discord asks to wait, for `rate_limited`; absent if it does not ask. */
  readonly retryAfterMs?: number;
}

/** Milliseconds that a clock may be set back without losing trust. */
const CLOCK_SLACK_MS = 5_000;

/** Largest difference between our clock and Discord's, in milliseconds. */
const SKEW_MS = 10 * 60_000;

/** How far back to read a channel before a message counts as absent. */
export interface EarliestTime {
  /** Unix time in milliseconds by Discord's clock: the message is not older. */
  readonly from: number;
  /** The same by our own clock; counts only if `from` is out of reach. */
  readonly orFrom: number;
}

/**
 * Finds the earliest time of a message.
 *
 * An answer is younger than the message that it answers, by Discord's own clock. Our time of the
 * first attempt is the second choice, unless the clock has been set back since.
 */
export function earliestTimeOf({ message, firstAttemptAt }: OutboxRow, now: number): EarliestTime {
  const isBelievable = firstAttemptAt !== undefined && now >= firstAttemptAt - CLOCK_SLACK_MS;
  const orFrom = isBelievable ? firstAttemptAt - SKEW_MS : -Infinity;
  return { from: message.of ? createdAtMs(message.of.cause) : orFrom, orFrom };
}

/**
 * Whether a posted message is this one, as far as Discord shows.
 *
 * Discord trims texts, changes line ends, and drops the quote of a deleted message. A draft may
 * have grown since it was posted, so only its beginning must match. Of a progress line, only the mark
 * stays.
 *
 * @param fileSizes Bytes of each file that goes with `message`.
 */
export function isSame(
  message: OutboundMessage,
  fileSizes: readonly number[],
  posted: Posted,
): boolean {
  const [sent, there] = [sameText(message.content), sameText(posted.content)];
  const isDraft = message.of?.kind === "draft";
  const stem = !isDraft ? "" : isProgressLine(message) ? PROGRESS_MARK : stemOf(sent);
  const isText = stem === "" ? there === sent : there.startsWith(stem);
  return isText &&
    (posted.quote === undefined || posted.quote === message.quote) &&
    fileSizes.length === posted.fileSizes.length &&
    fileSizes.every((size, at) => size === posted.fileSizes[at]);
}

/** A draft without its mark, and without characters that may close a code block in it. */
function stemOf(draft: string): string {
  return draft.replace(/[\s`~…]+$/, "");
}

function sameText(text: string): string {
  return text.replaceAll("\r\n", "\n").trim();
}

export type Delivery =
  /** `wasEchoed`: the gateway's echo settled the row before Discord's answer arrived. */
  | (PostOutcome & { readonly wasEchoed?: true })
  /** The echo arrived first: Barnacle sent no request. */
  | { readonly kind: "settled" }
  /** The row removes a draft that was never posted: no request is needed. */
  | { readonly kind: "nothing" }
  | { readonly kind: "found"; readonly messageId: MessageId; readonly wasEchoed?: true }
  /** The channel's history shows that Discord does not have it: Barnacle sends it again. */
  | { readonly kind: "absent" }
  /** Barnacle cannot find out whether Discord has it. */
  | { readonly kind: "uncertain"; readonly reason: string }
  /** Barnacle could not read the channel's history. */
  | Unread;

/** The next request for a row. */
export type DeliveryStep =
  /**
   * Send the message, unless it is `notAfter` or later: Unix time in milliseconds from which on
   * Discord may not know the nonce.
   */
  | { readonly kind: "post"; readonly notAfter: number }
  | { readonly kind: "edit" | "delete"; readonly messageId: MessageId }
  /** Read the channel's history, to find out whether the message is there. */
  | { readonly kind: "look" }
  | { readonly kind: "nothing" };

/**
 * Decides the next request for a row. Edits and deletions may be repeated at any time. A message
 * may be, as long as Discord surely remembers its nonce.
 *
 * @param nonceWindowMs Milliseconds after the first attempt for which Discord surely knows the nonce.
 * @param bootedAt Unix time in milliseconds at which the machine started. A Pi's clock stands still
 * while it is off, and goes on from there. So an attempt before the start may be older than it seems.
 */
export function stepFor(
  { action, firstAttemptAt }: OutboxRow,
  now: number,
  nonceWindowMs: number,
  bootedAt: number,
): DeliveryStep {
  if (action.kind !== "post") return action;
  const since = firstAttemptAt ?? now;
  const notAfter = since + nonceWindowMs;
  // A clock that was set back cannot tell how long ago an attempt was.
  const isBeforeItself = now < since - CLOCK_SLACK_MS;
  const isUntold = isBeforeItself || (firstAttemptAt !== undefined && since < bootedAt);
  return now >= notAfter || isUntold ? { kind: "look" } : { kind: "post", notAfter };
}

/** Facts for the decision after an attempt, beside the row and the result. */
export interface AttemptFacts extends Failures {
  readonly now: number;
  /** A random number from 0 up to, but not including, 1. */
  readonly random: number;
  readonly retry: RetryRules;
  /** As of {@link stepFor}, in milliseconds. */
  readonly nonceWindowMs: number;
}

/** The effect on the channel. `dead` and `uncertain` end the row; `on` goes to the next one. */
export type Next =
  | { readonly kind: "on" }
  /**
   * Try the row again after `waitMs` milliseconds. `reason`: why this attempt failed. `isAttempt`:
   * this failure slows down further retries.
   */
  | {
    readonly kind: "again";
    readonly waitMs: number;
    readonly reason: string;
    readonly isAttempt: boolean;
  }
  /**
   * Find out whether the place refuses all messages, and then send nothing there until a person
   * changes that. `code` is Discord's error code. `end`: the row's end if the row alone is refused.
   */
  | {
    readonly kind: "park";
    readonly reason: string;
    readonly code?: number;
    readonly end: "dead" | "uncertain";
  }
  /** Send the row without its files, because Discord refuses these. */
  | { readonly kind: "without_files"; readonly reason: string }
  | { readonly kind: "dead" | "uncertain"; readonly reason: string };

/** Longest delay between two attempts, in milliseconds (D5). */
const MAX_WAIT_MS = 300_000;

/** Shortest first delay of the slow retries, in milliseconds, even if the config asks for less. */
const MIN_SLOW_WAIT_MS = 1_000;

/**
 * Decides the effect of an attempt.
 *
 * A place that refuses everything parks its channel, and a person must change something there. A
 * message that Discord refuses for itself, or fails each time, must not hold up the messages behind
 * it. During an outage of Discord no message is set aside: all of them would fail.
 *
 * The day of D5 counts only once the fast retries have failed, too. So a clock that jumps forward,
 * as a Pi's does once its network is up, costs no message.
 */
export function afterDelivery(row: OutboxRow, delivery: Delivery, facts: AttemptFacts): Next {
  switch (delivery.kind) {
    case "created":
    case "already_gone":
    case "settled":
    case "nothing":
    case "found":
    case "absent":
      return { kind: "on" };
    case "uncertain":
      return delivery;
    case "unanswered":
      return keepFailing(row, delivery.reason, facts, true);
    case "unsent":
      return keepFailing(row, delivery.reason, facts);
    case "unread":
      return delivery.why === "unreachable"
        ? keepFailing(row, delivery.reason, facts)
        : refused(row, { ...delivery, why: delivery.why }, facts, "uncertain");
    case "refused":
      return refused(row, delivery, facts, "dead");
  }
}

type Refused = Omit<Extract<PostOutcome, { readonly kind: "refused" }>, "kind">;

/** @param end End of the row if the request itself is wrong. */
function refused(
  row: OutboxRow,
  { why, reason, code, retryAfterMs = 0, isTooLarge }: Refused,
  facts: AttemptFacts,
  end: "dead" | "uncertain",
): Next {
  if (isTooLarge && row.fileCount > 0) return { kind: "without_files", reason };
  switch (why) {
    case "rate_limited":
      return retryAfterMs > 0
        ? { kind: "again", waitMs: retryAfterMs, reason, isAttempt: false }
        : keepFailing(row, reason, facts);
    case "unauthorized": // concerns the bot and not the row, which stays as it is
      return { kind: "again", waitMs: sendWaitMs(facts), reason, isAttempt: true };
    case "forbidden":
    case "not_found":
    case "rejected":
      if (code === 40058) return keepFailing(row, reason, facts); // a post gets its first message soon
      if (!mayBeOfPlace({ why, code })) return { kind: end, reason };
      if (isOverdue(row, facts.now)) return givenUp(row, reason);
      return { kind: "park", reason, end, code };
  }
}

/** @param mayBeThere Whether Discord may have carried out this attempt. */
function keepFailing(
  row: OutboxRow,
  reason: string,
  facts: AttemptFacts,
  mayBeThere = false,
): Next {
  const isTried = facts.failed >= facts.retry.attempts;
  if (isTried && isOverdue(row, facts.now)) return givenUp(row, reason, mayBeThere);
  if (isStuckAlone(row, facts, facts.now)) {
    return givenUp(row, setAsideText(facts, reason), mayBeThere);
  }
  const waitMs = sendWaitMs(facts);
  // While Discord knows the nonce of the first attempt, Barnacle retries a few more times: the
  // window is short. After a look into the history, each attempt would begin a new one.
  const { failingSince = facts.now } = row;
  const isShort = mayBeThere && row.action.kind === "post" &&
    facts.now - failingSince < facts.nonceWindowMs;
  return {
    kind: "again",
    waitMs: isShort ? Math.min(waitMs, facts.nonceWindowMs / 4) : waitMs,
    reason,
    isAttempt: true,
  };
}

function setAsideText({ failed }: AttemptFacts, reason: string): string {
  return `set aside after ${failed} failed attempts, because other requests to the channel ` +
    `succeeded: ${reason}`;
}

/**
 * The end of a row without success. If Discord may have the message, Barnacle does not report it as
 * lost.
 */
function givenUp(
  { action, firstAttemptAt }: OutboxRow,
  reason: string,
  mayBeThere = false,
): Extract<Next, { readonly kind: "dead" | "uncertain" }> {
  const isOpen = action.kind === "post" && (mayBeThere || firstAttemptAt !== undefined);
  return { kind: isOpen ? "uncertain" : "dead", reason };
}

function isOverdue({ failingSince }: OutboxRow, now: number): boolean {
  return failingSince !== undefined && now - failingSince >= DAY_MS;
}

/**
 * The delay after a number of failures: first the fast retries of the config, then twice as long
 * each time, up to five minutes.
 *
 * @returns Milliseconds.
 */
export function sendWaitMs({ failed, random, retry }: AttemptFacts): number {
  const { attempts, minDelayMs, maxDelayMs, jitter } = retry;
  if (failed < attempts) return retryDelayMs(failed, random, retry);
  const lastMs = Math.min(maxDelayMs, minDelayMs * 2 ** (attempts - 1));
  return retryDelayMs(failed - attempts + 1, random, {
    minDelayMs: Math.max(MIN_SLOW_WAIT_MS, lastMs),
    maxDelayMs: MAX_WAIT_MS,
    jitter,
  });
}
