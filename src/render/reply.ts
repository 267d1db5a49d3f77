/**
 * Composes messages from texts: a model's answer, a failure, text from the command line, and
 * notices. Every message of the bot passes through here.
 *
 * A model asks to reply to a message by a tag in its text, which is read and removed here (R3). Files are
 * checked (R12), a text that is too long becomes one (R6), and lines of our own stand around an answer
 * (R15, K2).
 *
 * A composed message is frozen: the store keeps it before the first attempt to send it, and a later
 * process sends it word for word.
 */

import type { Manner } from "../core/config_file.ts";
import { type MessageId, parseSnowflake, type RoleId, type UserId } from "../core/discord/ids.ts";
import {
  cameBy,
  clickable,
  hookedOf,
  type InboundMessage,
  type Overheard,
  plainName,
  termsOf,
  withEmojis,
} from "../core/inbound/inbound.ts";
import type { ModelUsage } from "../core/model.ts";
import {
  type AnswerKey,
  type Frozen,
  MAX_FILES,
  MAX_REQUEST_BYTES,
  type MayPing,
  nonceOf,
  nonceOfCall,
  type OutboundFile,
  type OutboundMessage,
  PERSONAL,
  type Pings,
  type Quote,
  type Reply,
  type SharedFields,
  SMALL,
  type VoiceFacts,
  type VoiceFile,
} from "../core/outbound/outbound.ts";
import type { CardFact } from "../core/people/question.ts";
import { moneyText, type TurnCost } from "../core/spending/budget.ts";
import type { Step } from "../core/step.ts";
import { bounded } from "../lib/text/quoted.ts";
import { sizeOf } from "../lib/text/units.ts";
import { forDiscord, withoutPreviews } from "./markdown/as_markdown.ts";
import { chunk, type ChunkRules, ONE_MESSAGE } from "./markdown/chunk.ts";
import { codeRegions, isWithin, MAX_CHUNK_LENGTH } from "./markdown/code_fence.ts";
import { isNoReply, isVisible, shownText } from "./safety/visible.ts";

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
export interface TextRules {
  /** Maximum size in bytes: the smaller of `mediaMaxMb` and Discord's limit for the place. */
  readonly maxFileBytes: number;
  /** Set if the bot may not attach files in the place (R12a). */
  readonly takesNoFiles?: true;
  readonly cleanSecrets: (text: string) => string;
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
  const isDeclined = isNoReply(tagged.text);
  if (isDeclined && !answer.files?.length) return { kind: "declined", text: tagged.text };
  const clean = isDeclined ? "" : rules.cleanSecrets(tagged.text);
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
  return { chunks: chunk(text, ONE_MESSAGE, most), files: [], mayPing: NO_PINGS };
}

/** A text that no model wrote: from the command line, or a notice to the bot's owner. */
interface UnpromptedText extends SharedFields, Partial<Pick<Reply, "files" | "callKey">> {
  readonly text: string;
}

/**
 * Composes and freezes such a text. It pings no one, and its links stay unchanged. A text with a
 * `callKey` is sent once for each key.
 */
export function composeSend(
  { text, files: given = [], ...shared }: UnpromptedText,
  rules: TextRules,
): readonly Frozen[] {
  const { files, notes } = checkFiles(given, rules);
  const { isCut: _, ...laidOut } = layOut(
    forDiscord(paragraphs(rules.cleanSecrets(text), notes), rules.tables),
    rules,
  );
  return freezeUnprompted({
    ...shared,
    ...laidOut,
    files: [...laidOut.files, ...files],
    mayPing: NO_PINGS,
  });
}

const NO_PINGS: MayPing = { users: [], roles: [] };

function replyBase({ message, agentId }: Answered, kind: "reply" | "failure") {
  const isPersonal = termsOf(message).rights === "own accounts" || undefined;
  return { ...answering(message), agentId, kind, isPersonal };
}

/** The place of a message, and the message as what an answer answers. */
export function answering(
  { accountId, channelId, guildId, id: cause, revision }: InboundMessage,
): SharedFields & Pick<AnswerKey, "cause" | "revision"> {
  return { accountId, channelId, guildId, cause, revision };
}

/** The reading of a text that no prompt belongs to. */
export const NOTHING_SHOWN = { overheard: [], texts: () => [], system: "" };

export function withMentions(
  written: string,
  { message, shown }: Pick<ModelAnswer, "message" | "shown">,
  mayPing = NO_PINGS,
): string {
  const { sender, quoted, names = {} } = message;
  const text = withEmojis(written, isCodeIn(written), shown.texts);
  return clickable(text, isCodeIn(text), shown.texts, [
    [`@${sender.id}`, sender.username],
    ...quoted?.author ? [[`@${quoted.author.id}`, quoted.author.tag] as const] : [],
    ...shown.overheard.map(({ authorId, tag }) => [`@${authorId}`, tag] as const),
    ...Object.entries(names).map(([key, name]) => [key, plainName(name)] as const),
  ], mayPing);
}

/** Tells which positions are within code; most answers have nothing to ask it for. */
function isCodeIn(text: string): (at: number) => boolean {
  let code: ReturnType<typeof codeRegions> | undefined;
  return (at) => isWithin(code ??= codeRegions(text), at);
}

function paragraphs(text: string, notes: readonly string[]): string {
  return [text, ...notes].filter((paragraph) => paragraph.trim() !== "").join("\n\n");
}

type LaidOut = Pick<Reply, "chunks" | "files" | "suppressesEmbeds">;

/** `isCut`: its messages lack a part of the text. */
type LaidOutText = LaidOut & { readonly isCut: boolean };

function layOutUntrusted(
  words: string,
  written: readonly string[],
  rules: ReplyRules,
): LaidOutText {
  const { linkHosts } = rules;
  const { text, found } = withoutPreviews(forDiscord(words, rules.tables), { written, linkHosts });
  return { ...layOut(text, rules), suppressesEmbeds: found > 0 || undefined };
}

function layOut(text: string, rules: TextRules): LaidOutText {
  const { chunks: { maxChunks } } = rules;
  const chunks = chunk(text, rules.chunks, maxChunks + 1);
  if (chunks.length <= maxChunks) return { chunks, files: [], isCut: false };
  const { file, ...shortened } = tooLong(text, rules);
  return { ...shortened, files: file ? [file] : [], isCut: true };
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

/** Whether `prompt/prompt.ts` wrote this id as a message's id, and not as a user's or a channel's. */
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

/** Maximum characters of thinking: with the tools, it fits into a message. */
const MAX_THINKING = 1_200;

const MAX_CONTENT = 2_000;

const MAX_TOOLS = 10;

/**
 * Puts what people asked to see above an answer, as messages of its own: the bot's lines in small type, and each line of the
 * thinking as a quote, so that it can imitate none of them.
 *
 * @param compose Composes the thinking as an answer.
 */
export function withPreface(
  answer: ReplyToSend,
  { thinking = "", steps = [] }: { readonly thinking?: string; readonly steps?: readonly Step[] },
  { showsThinking, showsSteps }: Manner,
  compose: (text: string) => ComposedReply,
): ReplyToSend {
  const { reply } = answer;
  const composed = showsThinking && thinking.trim() !== "" ? compose(quietOf(thinking)) : undefined;
  const thought = composed?.kind === "reply" ? composed.reply : undefined;
  const lines = [...showsSteps ? stepLines(steps) : [], ...thought ? ["My thinking:"] : []];
  if (lines.length === 0) return answer;
  const own = lines.map((line) => `${SMALL}${line}`).join("\n");
  const [first = "", ...others] = thought?.chunks.map((one) => one.replace(/^/gm, "> ")) ?? [];
  const joined = `${own}\n${first}`.trim();
  const chunks = joined.length > MAX_CONTENT ? [own, first, ...others] : [joined, ...others];
  return {
    ...answer,
    reply: {
      ...reply,
      chunks: [...chunks, ...reply.chunks],
      suppressesEmbeds: thought?.suppressesEmbeds || reply.suppressesEmbeds,
    },
  };
}

/** A mention would notify a person whom the model only thought of. */
function quietOf(thinking: string): string {
  const quiet = thinking.trim().replace(/<(@[!&]?\d+)>/g, "$1").replace(/\n{2,}/g, "\n");
  return bounded(quiet, MAX_THINKING);
}

function stepLines(steps: readonly Step[]): readonly string[] {
  const results = new Map(
    steps.flatMap((step) => step.kind === "result" ? [[step.callId, step] as const] : []),
  );
  const calls = steps.flatMap((step) => step.kind === "answer" ? step.calls : []);
  const lines = calls.slice(0, MAX_TOOLS).map(({ id, name }) => {
    const tool = bounded(name.replace(/[^\w.-]/g, "?"), 60);
    const isDone = results.get(id)?.end === "done";
    return isDone ? `used \`${tool}\`` : `\`${tool}\` failed`;
  });
  const more = calls.length - lines.length;
  return more > 0 ? [...lines, `and ${more} more`] : lines;
}

export type ReplyToSend = Extract<ComposedReply, { kind: "reply" }>;

/**
 * The line; `undefined` if it has nothing to tell.
 *
 * @param cost Absent: no cost is shown, or the model has told none.
 * @param agent Name of the agent; absent: it is not shown.
 */
export function footerOf(
  cost: TurnCost | undefined,
  currency: string | undefined,
  agent?: string,
): string | undefined {
  const parts = [
    ...(agent === undefined ? [] : [agent.replace(/[`\s]+/g, " ")]),
    ...(cost ? costParts(cost, currency) : []),
  ];
  return parts.length > 0 ? `${SMALL}${parts.join(" · ")}` : undefined;
}

function costParts(cost: TurnCost, currency: string | undefined): readonly string[] {
  const { model, inputTokens, cachedTokens, outputTokens, micros, ms } = cost;
  const cached = inputTokens === 0 ? 0 : Math.round(100 * cachedTokens / inputTokens);
  return [
    model.replace(/[`\n]/g, ""),
    `${inputTokens} + ${outputTokens} tokens`,
    `${cached} % cached`,
    ...(micros === undefined || micros === 0 ? [] : [moneyText(micros, currency)]),
    `${(ms / 1_000).toFixed(1)} s`,
  ];
}

/**
 * Adds the line to the last message, or as a message of its own if it does not fit there.
 *
 * @param limit Maximum length of a message, in UTF-16 units.
 */
export function withFooter(
  composed: ReplyToSend,
  footer: string | undefined,
  limit: number,
): ReplyToSend {
  if (!footer) return composed;
  const { reply } = withLineBelow(composed, footer, limit);
  return { ...composed, reply: { ...reply, footer } };
}

/** Adds a line of ours below an answer. The session remembers the answer without it. */
export function withLineBelow(composed: ReplyToSend, line: string, limit: number): ReplyToSend {
  const { chunks } = composed.reply;
  const last = chunks.at(-1);
  const joined = `${last}\n${line}`;
  const all = last !== undefined && joined.length <= limit
    ? [...chunks.slice(0, -1), joined]
    : [...chunks, line];
  return { ...composed, reply: { ...composed.reply, chunks: all } };
}

/** The fact for a card; `undefined` if no server has told its tokens. */
export function costFactOf(
  steps: readonly Step[],
  currency: string | undefined,
): CardFact | undefined {
  const known = steps.flatMap((step) => step.kind === "answer" && step.usage ? [step.usage] : []);
  if (known.length === 0) return undefined;
  const sum = (of: (usage: ModelUsage) => number) => known.reduce((all, one) => all + of(one), 0);
  const isPriced = known.every(({ micros }) => micros !== undefined);
  const micros = isPriced ? sum(({ micros = 0 }) => micros) : 0;
  const about = known.some(({ isEstimate }) => isEstimate) ? "about " : "";
  const tokens = `${about}${sum(({ inputTokens }) => inputTokens)} + ${
    sum(({ outputTokens }) => outputTokens)
  } tokens`;
  const money = micros === 0 ? "" : ` · ${moneyText(micros, currency)}`;
  return { name: "Cost so far", value: tokens + money };
}

const refusedText = (file: string) =>
  `\`${file}\` is not attached, because Discord doesn't accept it here.`;

/** Discord's maximum number of characters for a file's description. */
const MAX_ALT = 1_024;
/** Maximum number of characters of a file name that common file systems accept. */
const MAX_NAME = 200;

/**
 * Checks files, and removes secrets from their names, descriptions and contents.
 *
 * @returns The files to send, in their order, and a sentence for each refused one.
 */
export function checkFiles(
  files: readonly OutboundFile[],
  rules: TextRules,
): { readonly files: readonly OutboundFile[]; readonly notes: readonly string[] } {
  const results = files.map((file) => checkFile(file, rules));
  return {
    files: results.filter((result) => typeof result !== "string"),
    notes: results.filter((result) => typeof result === "string"),
  };
}

/** @returns The file to send, or a sentence that replaces a refused file. */
function checkFile(file: OutboundFile, rules: TextRules): OutboundFile | string {
  const { maxFileBytes, takesNoFiles, cleanSecrets } = rules;
  const name = toName(cleanSecrets(file.name));
  if (takesNoFiles) return refusedText(name);
  if (file.bytes.length > maxFileBytes) {
    return `\`${name}\` is not attached: it has ${sizeOf(file.bytes.length)}, and I can attach ` +
      `at most ${sizeOf(maxFileBytes)} here.`;
  }
  const bytes = withoutSecrets(file.bytes, cleanSecrets);
  if (!bytes) return `\`${name}\` is not attached, because it contains a secret.`;
  const alt = file.alt === undefined ? undefined : cutText(cleanSecrets(file.alt), MAX_ALT).trim();
  return { ...file, name, alt: alt || undefined, bytes };
}

/**
 * Removes secrets from a file's bytes.
 *
 * @returns `undefined` if they cannot be removed: a picture or an archive breaks if a part of it
 * changes its length.
 */
function withoutSecrets(
  bytes: OutboundFile["bytes"],
  clean: (text: string) => string,
): OutboundFile["bytes"] | undefined {
  const text = textOf(bytes);
  const decoded = text ?? new TextDecoder("latin1").decode(bytes);
  const cleaned = clean(decoded);
  if (cleaned === decoded) return bytes;
  return text === undefined ? undefined : new TextEncoder().encode(cleaned);
}

function textOf(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined; // a TypeError means that it is no UTF-8
  }
}

/** Reduces a file name to one line without path or Markdown. */
function toName(name: string): string {
  const plain = name.toWellFormed().replace(/[\p{Cc}\p{Cf}`/\\]+/gu, "_").trim();
  return cutText(plain, MAX_NAME) || "file";
}

function cutText(text: string, most: number): string {
  return text.length > most ? text.slice(0, most).replace(/[\ud800-\udbff]$/, "") : text;
}

function textFile(name: string, text: string): OutboundFile {
  return {
    name,
    contentType: "text/markdown; charset=utf-8",
    bytes: new TextEncoder().encode(text),
  };
}

const ANSWER_FILE = "answer.md";

/**
 * Shortens an answer, and puts the whole answer into a file if the place takes one.
 *
 * @returns One text, or as many as an answer may have if there is no file.
 */
export function tooLong(
  text: string,
  rules: TextRules,
): { readonly chunks: readonly string[]; readonly file?: OutboundFile } {
  const { chunks, maxFileBytes, takesNoFiles } = rules;
  const file = textFile(ANSWER_FILE, text);
  const size = file.bytes.length;
  if (!takesNoFiles && size <= maxFileBytes) {
    const line = `This is only the beginning. The whole answer is in \`${ANSWER_FILE}\`.`;
    return { chunks: [withLastLine(text, line, chunks)], file };
  }
  const line = `This is only the beginning. The whole answer has ${sizeOf(size)}, and I ` +
    "can't attach it here.";
  const first = chunk(text, chunks, chunks.maxChunks);
  const last = withLastLine(first.at(-1) ?? "", line, chunks);
  return { chunks: [...first.slice(0, -1), last] };
}

/** The beginning of a text with a line after it. If there is no room for both, only the line. */
function withLastLine(text: string, line: string, chunks: ChunkRules): string {
  const limit = chunks.limit - line.length - 2;
  const room = { ...chunks, limit, maxLines: Math.max(1, chunks.maxLines - 2) };
  const [beginning] = limit >= 2 ? chunk(text, room, 1) : [];
  if (beginning !== undefined) return `${beginning}\n\n${line}`;
  return chunk(line, { ...chunks, maxLines: chunks.limit, mode: "length" }, 1)[0] ?? "";
}

/**
 * Rewrites a message.
 *
 * @param names Names of its files.
 */
export function withoutFiles(message: OutboundMessage, names: readonly string[]): OutboundMessage {
  const lines = names.map((file) => refusedText(file)).join("\n");
  const content = message.content === "" && lines.length <= MAX_CHUNK_LENGTH
    ? lines
    : withLastLine(message.content, lines, ONE_MESSAGE);
  const { voice: _, ...plain } = message; // a voice message has no text
  return { ...plain, content };
}

/** A message that answers no one: text from the command line, or a notice to the bot's owner. */
type Unprompted = Omit<Reply, keyof AnswerKey | "quote">;

interface MessageBody {
  readonly content: string;
  readonly footer?: string;
  readonly files: readonly OutboundFile[];
  /** Set if its file is a voice message. */
  readonly voice?: VoiceFacts;
}

/**
 * Freezes a reply.
 *
 * A text pings only people that it mentions and that the reply may ping. The model writes the text, and
 * a person can talk a model into `@everyone`.
 *
 * @returns One message per chunk, in order. The last one has the files; if they do not fit,
 * messages without text follow. The spoken text comes last.
 */
export function freeze(reply: Reply): readonly Frozen[] {
  const { cause, revision, agentId, kind, quote, ...unprompted } = reply;
  return freezeBodies(unprompted, { cause, revision, kind, agentId }, quote);
}

/** Freezes messages that answer no one. Without a call, the store gives each a nonce with its row. */
export function freezeUnprompted(unprompted: Unprompted): readonly Frozen[] {
  return freezeBodies(unprompted);
}

function freezeBodies(reply: Unprompted, answer?: AnswerKey, quoted?: Quote): readonly Frozen[] {
  const { chunks, files, footer, voice, mayPing, isPersonal, callKey, ...shared } = reply;
  const bodies = bodiesOf({ chunks, files, footer, voice });
  return bodies.map(({ content, files, ...body }, part): Frozen => {
    const quote = quoted?.on === "all" || part === 0 ? quoted : undefined;
    return {
      message: {
        ...shared,
        ...body,
        nonce: callKey ? nonceOfCall(callKey, part) : answer ? nonceOf(answer, part) : "",
        content: isPersonal && !body.voice ? [content, PERSONAL].join("\n").trim() : content,
        pings: pingsOf(content, mayPing, quote),
        quote: quote?.messageId,
        ...answer && part > 0 && { suppressesNotifications: true }, // only the first one notifies (R14)
        of: answer && { ...answer, part, parts: bodies.length },
      },
      files,
    };
  });
}

const WITHOUT_FILES: readonly OutboundFile[] = [];

/** The last chunk gets the first files. */
function bodiesOf(
  { chunks, footer, files, voice }: Pick<Unprompted, "chunks" | "footer" | "files" | "voice">,
): readonly MessageBody[] {
  const [first = WITHOUT_FILES, ...others] = files.length === 0 ? [] : requestsOf(files);
  const bodies: MessageBody[] = [];
  for (const content of chunks) {
    const isLast = bodies.length === chunks.length - 1;
    bodies.push(isLast ? { content, footer, files: first } : { content, files: WITHOUT_FILES });
  }
  if (chunks.length === 0 && files.length > 0) bodies.push({ content: "", footer, files: first });
  for (const group of others) bodies.push({ content: "", files: group });
  if (voice) bodies.push(voiceBody(voice));
  return bodies;
}

function voiceBody({ file, durationSec, waveform }: VoiceFile): MessageBody {
  return { content: "", files: [file], voice: { durationSec, waveform } };
}

/** Groups files so that no request has too many of them, or too many bytes (R17). */
function requestsOf(files: readonly OutboundFile[]): readonly (readonly OutboundFile[])[] {
  const groups: OutboundFile[][] = [];
  let bytes = 0;
  for (const file of files) {
    const group = groups.at(-1);
    bytes += file.bytes.length;
    if (group && group.length < MAX_FILES && bytes <= MAX_REQUEST_BYTES) group.push(file);
    else {
      groups.push([file]);
      bytes = file.bytes.length;
    }
  }
  return groups;
}

const NO_USERS: Pings["users"] = [];
const NO_ROLES: Pings["roles"] = [];

function pingsOf(content: string, mayPing: MayPing, quote: Quote | undefined): Pings {
  const quotedAuthor = quote?.authorId !== undefined && mayPing.users.includes(quote.authorId);
  if (!content.includes("<@")) return { users: NO_USERS, roles: NO_ROLES, quotedAuthor };
  const mentioned = new Set(content.match(/<@[!&]?\d+>/g));
  return {
    users: mayPing.users.filter((id) => mentioned.has(`<@${id}>`) || mentioned.has(`<@!${id}>`)),
    roles: mayPing.roles.filter((id) => mentioned.has(`<@&${id}>`)),
    quotedAuthor,
  };
}
