/**
 * Composes messages from texts: a model's answer, a failure, text from the command line, and
 * notices. Every message of the bot passes through here.
 *
 * A model asks to reply to a message by a tag in its text, which is read and removed here (R3).
 */

import { type MessageId, parseSnowflake, type RoleId, type UserId } from "../core/discord/ids.ts";
import { cameBy, hookedOf, type InboundMessage, termsOf } from "../core/inbound/inbound.ts";
import { nonceOfCall } from "../core/outbound/outbound.ts";
import type { Frozen, MayPing, OutboundFile, Quote, Reply } from "../core/outbound/outbound.ts";
import { clickable, plainName, withEmojis } from "../core/inbound/mentions.ts";
import type { Overheard } from "../core/inbound/mentions.ts";
import { chunk, type ChunkRules, ONE_MESSAGE } from "./markdown/chunk.ts";
import { checkFiles, type FileRules, tooLong } from "./files.ts";
import { freezeUnprompted } from "./freeze.ts";
import { forDiscord, withoutPreviews } from "./markdown/as_markdown.ts";
import { isNoReply, isVisible, shownText } from "./safety/visible.ts";
import { codeRegions } from "./markdown/code_fence.ts";
import { isWithin } from "./markdown/spans.ts";

export interface Answered {
  readonly message: InboundMessage;
  readonly agentId: string;
}

/** `channels.discord.allowedMentions`: the largest set of people and roles that an answer may ping. */
export interface AllowedMentions {
  /** Users to ping: the people of the turn, only the message's author, or no one. */
  readonly users: "context" | "author" | "none";
  readonly roles: readonly RoleId[];
}

/** Rules for every text, whether a model wrote it or not. */
export interface TextRules extends FileRules {
  readonly chunks: ChunkRules;
  /** `messages.tables`: how to show Markdown tables. */
  readonly tables: "code" | "bullets" | "off";
}

export interface ReplyRules extends TextRules {
  readonly allowedMentions: AllowedMentions;
  /** Which messages of an answer are replies: none, the first, or all. */
  readonly replyToMode: "off" | "first" | "all";
  /** `messages.linkHosts`: `"example.org"`, `"*.example.org"` for its subdomains, or `"*"`. */
  readonly linkHosts: readonly string[];
}

/** Texts that the model received. They limit pings, quotes and links in an answer. */
export interface ShownToModel {
  /** Messages in the channel that did not address the bot. */
  readonly overheard: readonly Overheard[];
  /** All texts by people, as the model read them: envelopes of this turn and of earlier ones. */
  readonly texts: () => readonly string[];
  /** The system prompt. The operator may write links in it. */
  readonly system: string;
}

export interface ModelAnswer extends Answered {
  readonly text: string;
  /** Files that tools made, in order. */
  readonly files?: readonly OutboundFile[];
  readonly shown: ShownToModel;
  readonly rules: ReplyRules;
}

export type ComposedReply =
  /**
   * A reply to send. `text`: the whole visible answer, which the session remembers. `lacksFiles`:
   * it would have files if the bot were allowed to attach them (R12a).
   */
  | {
    readonly kind: "reply";
    readonly text: string;
    readonly reply: Reply;
    readonly lacksFiles?: true;
  }
  /** The model chose to say nothing (R10). */
  | { readonly kind: "declined"; readonly text: string }
  /**
   * Nothing in the answer was meant for people: this counts as a failure, never as silence (L3).
   */
  | { readonly kind: "blank" };

/** Composes a reply from a model's answer, for the channel of the answered message (S3). */
export function composeReply(answer: ModelAnswer): ComposedReply {
  const { text, shown, rules } = answer;
  const visible = shownText(text);
  const tagged: Tagged = visible.includes("[[") ? takeReplyTags(visible) : { text: visible };
  const isSilent = isNoReply(tagged.text);
  if (isSilent && !answer.files?.length) return { kind: "declined", text: tagged.text };
  const clean = isSilent ? "" : rules.cleanSecrets(tagged.text);
  const mayPing = {
    users: mayPingUsers(answer),
    roles: termsOf(answer.message).rights === "config" ? [] : rules.allowedMentions.roles,
  };
  const { files, notes } = answer.files?.length ? checkFiles(answer.files, rules) : NO_FILES;
  // A model may have written the text of a task, and anyone that of an event.
  const written = termsOf(answer.message).isUnasked
    ? [shown.system]
    : [answer.message.text, shown.system];
  const { isCut, ...laidOut } = layOutUntrusted(
    paragraphs(withMentions(clean, answer, mayPing), notes),
    written,
    rules,
  );
  if (files.length === 0 && !laidOut.chunks.some(isVisible)) return { kind: "blank" };
  const quote = tagged.replyTo && quoteOf(tagged.replyTo, answer);
  const reply: Reply = {
    ...replyBase(answer, "reply"),
    ...laidOut,
    files: files.length === 0 ? laidOut.files : [...laidOut.files, ...files],
    mayPing,
    quote,
  };
  const lacksFiles = rules.takesNoFiles && (isCut || (answer.files ?? []).length > 0);
  return { kind: "reply", text: clean, reply, lacksFiles: lacksFiles || undefined };
}

const NO_FILES: ReturnType<typeof checkFiles> = { files: [], notes: [] };

/** Composes a sentence in place of an answer, such as why a turn failed (R11). It pings no one. */
export function composeFailure(answered: Answered, text: string): Reply {
  return { ...replyBase(answered, "failure"), ...noticeBody(text) };
}

/**
 * Composes an event of a hook that no model answers (W5). It pings no one, and has no previews.
 *
 * @param post {@link Hooked.post}, perhaps with a line of our own below it.
 */
export function composeEvent(answered: Answered, post: string): Reply {
  return { ...composeFailure(answered, post), suppressesEmbeds: true };
}

/** Fills a message with a notice, or a few with a longer text. It pings no one. */
export function noticeBody(text: string, most = 1): Pick<Reply, keyof LaidOut | "mayPing"> {
  return {
    chunks: chunk(text, ONE_MESSAGE, most),
    text,
    files: [],
    mayPing: NO_PINGS,
    suppressesEmbeds: false,
  };
}

/** A text that no model wrote: from the command line, or a notice to the bot's owner. */
interface UnpromptedText
  extends Pick<Reply, "accountId" | "channelId" | "guildId">, Partial<Pick<Reply, "files">> {
  readonly text: string;
}

/** Composes and freezes such a text. It pings no one, and its links stay unchanged. */
export function composeSend(outgoing: UnpromptedText, rules: TextRules): readonly Frozen[] {
  const { text, files: given = [], accountId, channelId, guildId } = outgoing;
  const { files, notes } = checkFiles(given, rules);
  const { isCut: _, ...laidOut } = layOut(
    forDiscord(paragraphs(rules.cleanSecrets(text), notes), rules.tables),
    rules,
  );
  return freezeUnprompted({
    accountId,
    channelId,
    guildId,
    ...laidOut,
    files: [...laidOut.files, ...files],
    mayPing: NO_PINGS,
    suppressesEmbeds: false,
  });
}

/** As {@link composeSend}, with nonces of a key: the same key sends it once. */
export function composeOnce(
  outgoing: UnpromptedText,
  key: string,
  rules: TextRules,
): readonly Frozen[] {
  return composeSend(outgoing, rules).map((frozen, index) => ({
    ...frozen,
    message: { ...frozen.message, nonce: nonceOfCall(key, index) },
  }));
}

const NO_PINGS: MayPing = { users: [], roles: [] };

function replyBase({ message, agentId }: Answered, kind: "reply" | "failure") {
  const { accountId, channelId, guildId, id: cause, revision } = message;
  const isPersonal = termsOf(message).rights === "own accounts" || undefined;
  return { accountId, channelId, guildId, cause, revision, agentId, kind, isPersonal };
}

/** The reading of a text that no prompt belongs to. */
export const NOTHING_SHOWN = { overheard: [], texts: () => [], system: "" };

export function withMentions(
  written: string,
  { message, shown }: Pick<ModelAnswer, "message" | "shown">,
  mayPing = NO_PINGS,
): string {
  const { sender, quoted, names = {} } = message;
  const before = codeRegions(written);
  const text = withEmojis(written, (at) => isWithin(before, at), shown.texts);
  const code = text === written ? before : codeRegions(text);
  return clickable(text, (at) => isWithin(code, at), shown.texts, [
    [`@${sender.id}`, sender.username],
    ...quoted?.author ? [[`@${quoted.author.id}`, quoted.author.tag] as const] : [],
    ...shown.overheard.map(({ authorId, tag }) => [`@${authorId}`, tag] as const),
    ...Object.entries(names).map(([key, name]) => [key, plainName(name)] as const),
  ], mayPing);
}

function paragraphs(text: string, notes: readonly string[]): string {
  return [text, ...notes].filter((paragraph) => paragraph.trim() !== "").join("\n\n");
}

type LaidOut = Pick<Reply, "chunks" | "text" | "files" | "suppressesEmbeds">;

/** `isCut`: its messages lack a part of the text. */
type LaidOutText = LaidOut & { readonly isCut: boolean };

function layOutUntrusted(
  words: string,
  written: readonly string[],
  rules: ReplyRules,
): LaidOutText {
  const { linkHosts } = rules;
  const { text, found } = withoutPreviews(forDiscord(words, rules.tables), { written, linkHosts });
  return { ...layOut(text, rules), suppressesEmbeds: found > 0 };
}

function layOut(text: string, rules: TextRules): LaidOutText {
  const { chunks: { maxChunks } } = rules;
  const chunks = chunk(text, rules.chunks, maxChunks + 1);
  const common = { text, suppressesEmbeds: false };
  if (chunks.length <= maxChunks) return { ...common, chunks, files: [], isCut: false };
  const { file, ...shortened } = tooLong(text, rules.chunks, rules);
  return { ...common, ...shortened, files: file ? [file] : [], isCut: true };
}

/** The message that a reply tag asks for, if the model was shown that message (R3). */
function quoteOf(
  replyTo: NonNullable<Tagged["replyTo"]>,
  { message, shown, rules: { replyToMode } }: ModelAnswer,
): Quote | undefined {
  if (replyToMode === "off") return undefined;
  const { quoted, sender } = message;
  const targetId = replyTo === "current" ? message.id : replyTo.messageId;
  const overheard = shown.overheard.find(({ messageId }) => messageId === targetId);
  const isQuoted = targetId === quoted?.id;
  if (
    targetId === message.id || !(isQuoted || overheard || hasMessageId(targetId, shown.texts()))
  ) {
    const { quotes } = termsOf(message);
    if (quotes === "what it quotes") {
      return quoted && { messageId: quoted.id, authorId: quoted.author?.id, on: replyToMode };
    }
    const messageId = quotes ? message.id : cameBy(message, "passive")?.messageId;
    return messageId && { messageId, authorId: sender.id, on: replyToMode };
  }
  const authorId = isQuoted
    ? quoted.author?.id
    : overheard && parseSnowflake<"user">(overheard.authorId);
  return { messageId: targetId, authorId: authorId || undefined, on: replyToMode };
}

/** Whether `prompt/envelope.ts` wrote this id as a message's id, and not as a user's or a channel's. */
function hasMessageId(id: string, texts: readonly string[]): boolean {
  const pattern = new RegExp(`(?:message[_ ]id: |"(?:id|reply_to)":")${id}(?!\\d)`);
  return texts.some((text) => pattern.test(text));
}

/** The people of the turn, each once (R4). */
function mayPingUsers({ message, shown, rules }: ModelAnswer): readonly UserId[] {
  const author = message.sender.id;
  const hooked = hookedOf(message);
  if (hooked && rules.allowedMentions.users !== "none") return hooked.greets ?? [];
  switch (rules.allowedMentions.users) {
    case "none":
      return [];
    case "author":
      return [author];
    case "context": {
      const quoted = message.quoted?.author?.id;
      if (quoted === undefined && shown.overheard.length === 0) return [author];
      const others = shown.overheard.map(({ authorId }) => parseSnowflake<"user">(authorId));
      return [...new Set([author, quoted, ...others])].filter((id) => id !== undefined);
    }
  }
}

interface Tagged {
  /** The text without tags; tags in code stay. */
  readonly text: string;
  /** The message to reply to. `current`: the answered message. Absent without a tag. */
  readonly replyTo?: "current" | { readonly messageId: MessageId };
}

/**
 * `[[reply_to_current]]` and `[[reply_to: 123]]`. A tag without an id is removed and asks for
 * nothing. One closing bracket is enough.
 */
const TAG = /\[\[\s{0,99}(?:reply_to_current|reply_to\s{0,99}:([^\]\n]{0,1000}))\s{0,99}\]{1,2}/gi;

/**
 * Removes reply tags from a text, and reads them. The last valid id counts. Without one, a tag for
 * the current message or with an invalid id asks for the current message.
 */
export function takeReplyTags(text: string): Tagged {
  const code = codeRegions(text);
  let replyTo: Tagged["replyTo"];
  let kept = "";
  let from = 0;
  for (const { 0: tag, 1: target, index } of text.matchAll(TAG)) {
    if (isWithin(code, index)) continue;
    const id = target?.trim();
    const messageId = id === undefined ? undefined : parseSnowflake<"message">(id);
    if (messageId) replyTo = { messageId };
    else if (id !== "") replyTo ??= "current";
    kept = withSpace(kept + text.slice(from, index), text, index + tag.length);
    from = skipSpaces(text, index + tag.length, kept);
  }
  if (from === 0) return { text };
  return { text: (kept + text.slice(from)).trim(), replyTo };
}

const ENDS_IN_SPACE = /(?:^|\s)$/;
const SPACE = /[^\S\n]*/y;

/** Keeps one space in place of a tag between two words. */
function withSpace(kept: string, text: string, end: number): string {
  const next = text[end];
  return next === undefined || /\s/.test(next) || ENDS_IN_SPACE.test(kept.slice(-1))
    ? kept
    : `${kept} `;
}

/** Skips the spaces after a tag if there are spaces before it. */
function skipSpaces(text: string, end: number, kept: string): number {
  if (!ENDS_IN_SPACE.test(kept.slice(-1))) return end;
  SPACE.lastIndex = end;
  return end + (SPACE.exec(text)?.[0].length ?? 0);
}
