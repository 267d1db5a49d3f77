/**
 * Makes messages of words: of a model's answer, of a failure, of what the
 * command line and Barnacle itself have to say. There is no other way out.
 *
 * @module
 */

import { parseSnowflake, type RoleId, type UserId } from "../core/discord/ids.ts";
import type { InboundMessage } from "../core/inbound/inbound.ts";
import {
  type Frozen,
  type MayPing,
  type OutboundFile,
  type Quote,
  type Reply,
} from "../core/outbound/outbound.ts";
import type { Overheard } from "../core/inbound/transcript.ts";
import { chunk, type ChunkRules, MAX_CHUNK_LENGTH } from "./markdown/chunk.ts";
import { checkFiles, type FileRules } from "./files.ts";
import { freezeUnprompted, type Unprompted } from "./freeze.ts";
import { createLinks } from "./safety/links.ts";
import { notice, type Texts } from "./notices.ts";
import { type Tagged, takeReplyTags } from "./reply_tag.ts";
import { renderTables } from "./markdown/table.ts";
import { tooLong } from "./too_long.ts";
import { isNoReply, visibleText } from "./safety/visible.ts";

/** A turn that is to be answered in words. */
export interface Answered {
  readonly message: InboundMessage;
  readonly agentId: string;
}

/** `channels.discord.allowedMentions`: whom an answer may ping, at most. */
export interface AllowedMentions {
  /** The people of the turn, only its author, or nobody. */
  readonly users: "context" | "author" | "none";
  readonly roles: readonly RoleId[];
}

/** What holds for all that is said, whoever says it. */
export interface TextRules extends FileRules {
  readonly chunks: ChunkRules;
  readonly tables: "code" | "bullets" | "off";
}

/** What the config says of a model's answers. */
export interface ReplyRules extends TextRules {
  readonly allowedMentions: AllowedMentions;
  readonly replyToMode: "off" | "first" | "all";
  /** `messages.linkHosts`: `"example.org"`, or `"*.example.org"` for all below it. */
  readonly linkHosts: readonly string[];
}

/** What the model was shown: whom it may ping, quote and link to. */
export interface ShownToModel {
  readonly overheard: readonly Overheard[];
  /** All that came from people, as the model read it: envelopes of this turn and of those before. */
  readonly texts: readonly string[];
  /** The operator's words to the model: they may name hosts as well. */
  readonly system: string;
}

/** A model's answer, and what it answers. */
export interface ModelAnswer extends Answered {
  readonly text: string;
  /** What tools made, in order. */
  readonly files?: readonly OutboundFile[];
  readonly shown: ShownToModel;
  readonly rules: ReplyRules;
}

export type ComposedReply =
  /** `text` is what of the answer is visible, whole: what a session remembers of it. */
  | { readonly kind: "reply"; readonly text: string; readonly reply: Reply }
  /** The model chose to say nothing (R10). */
  | { readonly kind: "declined"; readonly text: string }
  /** Nothing in the answer was meant for people: a failure, never silence (L3). */
  | { readonly kind: "blank" };

/** Makes a reply of a model's answer, for the channel that the message came from (S3). */
export function composeReply(answer: ModelAnswer): ComposedReply {
  const { text, shown, rules } = answer;
  const tagged = takeReplyTags(visibleText(text));
  if (isNoReply(tagged.text)) return { kind: "declined", text: tagged.text };
  const clean = rules.cleanSecrets(tagged.text);
  const { files, notes } = checkFiles(answer.files ?? [], rules);
  const laidOut = layOutUntrusted(paragraphs(clean, notes), shown, rules);
  if (files.length === 0 && !laidOut.chunks.some(isVisible)) return { kind: "blank" };
  const quote = quoteOf(tagged.replyTo, answer);
  const reply: Reply = {
    ...replyBase(answer, "reply"),
    ...laidOut,
    files: [...laidOut.files, ...files],
    mayPing: { users: mayPingUsers(answer), roles: rules.allowedMentions.roles },
    ...(quote && { quote }),
  };
  return { kind: "reply", text: clean, reply };
}

/** What is sent in place of an answer when the turn failed (R11). It pings nobody. */
export function composeFailure(answered: Answered, failureId: string, texts: Texts): Reply {
  return {
    ...replyBase(answered, "failure"),
    ...noticeBody(notice("failure", { id: failureId }, texts)),
  };
}

/** What Barnacle says in its own name, as the body of one message. It pings nobody. */
export function noticeBody(text: string): Pick<Reply, keyof LaidOut | "mayPing"> {
  return {
    chunks: chunk(text, NOTICE_CHUNKS, 1),
    text,
    files: [],
    mayPing: NO_PINGS,
    suppressesEmbeds: false,
  };
}

/** What somebody other than a model says: the command line, or Barnacle to the bot's owner. */
export interface Outgoing
  extends Pick<Reply, "accountId" | "channelId" | "guildId">, Partial<Pick<Reply, "files">> {
  readonly text: string;
}

/** Composes and freezes it. It pings nobody, and its links are its own. */
export function composeSend(outgoing: Outgoing, rules: TextRules): readonly Frozen[] {
  const { text, files: given = [], accountId, channelId, guildId } = outgoing;
  const { files, notes } = checkFiles(given, rules);
  const laidOut = layOut(
    renderTables(paragraphs(rules.cleanSecrets(text), notes), rules.tables),
    rules,
  );
  const unprompted: Unprompted = {
    accountId,
    channelId,
    ...(guildId !== undefined && { guildId }),
    ...laidOut,
    files: [...laidOut.files, ...files],
    mayPing: NO_PINGS,
    suppressesEmbeds: false,
  };
  return freezeUnprompted(unprompted);
}

/** An operator's own words may be longer than ours. */
const NOTICE_CHUNKS: ChunkRules = {
  limit: MAX_CHUNK_LENGTH,
  maxLines: MAX_CHUNK_LENGTH,
  mode: "length",
  maxChunks: 1,
};

const NO_PINGS: MayPing = { users: [], roles: [] };

function replyBase({ message, agentId }: Answered, kind: "reply" | "failure") {
  const { accountId, channelId, guildId, id: cause, revision } = message;
  return {
    accountId,
    channelId,
    ...(guildId !== undefined && { guildId }),
    cause,
    revision,
    agentId,
    kind,
  };
}

/** Discord takes a message of nothing but a zero-width space; for people it is silence. */
function isVisible(text: string): boolean {
  return /[^\s\p{Default_Ignorable_Code_Point}\u2800]/u.test(text);
}

function paragraphs(text: string, notes: readonly string[]): string {
  return [text, ...notes].filter((paragraph) => paragraph.trim() !== "").join("\n\n");
}

type LaidOut = Pick<Reply, "chunks" | "text" | "files" | "suppressesEmbeds">;

/** Lays a text out whose links are not to be trusted. */
function layOutUntrusted(
  text: string,
  { texts, system }: ShownToModel,
  rules: ReplyRules,
): LaidOut {
  const links = createLinks({ shown: [...texts, system], linkHosts: rules.linkHosts });
  const tabled = renderTables(text, rules.tables);
  const neutralized = (how: "code" | "plain"): LaidOut => {
    const { text, found } = links.neutralize(tabled, how);
    // What stood between two halves of a secret may be gone.
    const laidOut = layOut(found > 0 ? rules.cleanSecrets(text) : text, rules);
    return { ...laidOut, suppressesEmbeds: found > 0 };
  };
  const asCode = neutralized("code");
  return asCode.chunks.some(links.hasUntrusted) ? neutralized("plain") : asCode;
}

function layOut(text: string, rules: TextRules): LaidOut {
  const { chunks: { maxChunks } } = rules;
  const chunks = chunk(text, rules.chunks, maxChunks + 1);
  const common = { text, suppressesEmbeds: false };
  if (chunks.length <= maxChunks) return { ...common, chunks, files: [] };
  const { content, file } = tooLong(text, rules.chunks, rules);
  return { ...common, chunks: [content], files: file ? [file] : [] };
}

/** The message that a tag asks for, where it is one that the model was shown (R3). */
function quoteOf(
  replyTo: Tagged["replyTo"],
  { message, shown, rules: { replyToMode } }: ModelAnswer,
): Quote | undefined {
  if (replyTo === undefined || replyToMode === "off") return undefined;
  const { quoted, sender } = message;
  const targetId = replyTo === "current" ? message.id : replyTo.messageId;
  const overheard = shown.overheard.find(({ messageId }) => messageId === targetId);
  const isQuoted = targetId === quoted?.id;
  if (targetId === message.id || !(isQuoted || overheard || hasMessageId(targetId, shown.texts))) {
    return { messageId: message.id, authorId: sender.id, on: replyToMode };
  }
  const authorId = isQuoted
    ? quoted.author?.id
    : overheard && parseSnowflake<"user">(overheard.authorId);
  return { messageId: targetId, ...(authorId && { authorId }), on: replyToMode };
}

/** Whether a message's id is in what `envelope.ts` wrote, and not a user's or a channel's. */
function hasMessageId(id: string, texts: readonly string[]): boolean {
  const pattern = new RegExp(`(?:message[_ ]id: |"(?:id|reply_to)":")${id}(?!\\d)`);
  return texts.some((text) => pattern.test(text));
}

/** The people whom the turn is about, each once (R4). */
function mayPingUsers({ message, shown, rules }: ModelAnswer): readonly UserId[] {
  const author = message.sender.id;
  switch (rules.allowedMentions.users) {
    case "none":
      return [];
    case "author":
      return [author];
    case "context": {
      const quoted = message.quoted?.author?.id;
      const others = shown.overheard.map(({ authorId }) => parseSnowflake<"user">(authorId));
      return [...new Set([author, quoted, ...others])].filter((id) => id !== undefined);
    }
  }
}
