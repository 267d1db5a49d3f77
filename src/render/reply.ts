/**
 * Turns a model's answer into the messages that go out, frozen.
 *
 * They are stored before the first is sent, and sent as they were stored. What
 * a crash interrupts is then finished word for word; nothing is asked of the
 * model, or decided, a second time.
 *
 * @module
 */

import { parseSnowflake, type RoleId, type UserId } from "../core/ids.ts";
import type { InboundMessage } from "../core/inbound.ts";
import { nonceOf } from "../core/nonce.ts";
import type { MayPing, OutboundMessage, Pings, Quote, Reply } from "../core/outbound.ts";
import type { Overheard } from "../core/transcript.ts";
import { chunk, type ChunkRules, MAX_CHUNK_LENGTH } from "./chunk.ts";
import { failureNotice, type Texts } from "./notices.ts";
import { isNoReply, visibleText } from "./visible.ts";

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

/** A model's answer, and what it answers. */
export interface ModelAnswer extends Answered {
  readonly text: string;
  /** What the model was shown beside the message: its authors may be pinged. */
  readonly overheard: readonly Overheard[];
  readonly chunks: ChunkRules;
  readonly allowedMentions: AllowedMentions;
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
  const text = visibleText(answer.text);
  if (isNoReply(text)) return { kind: "declined", text };
  const chunks = chunk(text, answer.chunks);
  if (chunks.length === 0) return { kind: "blank" };
  const mayPing = { users: mayPingUsers(answer), roles: answer.allowedMentions.roles };
  return { kind: "reply", text, reply: replyTo(answer, "reply", chunks, mayPing) };
}

/** What is sent in place of an answer when the turn failed (R11). It pings nobody. */
export function composeFailure(answered: Answered, failureId: string, texts: Texts): Reply {
  const notice = failureNotice(failureId, texts);
  return replyTo(answered, "failure", chunk(notice, NOTICE_CHUNKS), NOBODY);
}

/** An operator's own words may be longer than ours. */
const NOTICE_CHUNKS: ChunkRules = {
  limit: MAX_CHUNK_LENGTH,
  maxLines: MAX_CHUNK_LENGTH,
  mode: "length",
  maxChunks: 1,
};

const NOBODY: MayPing = { users: [], roles: [] };

function replyTo(
  { message, agentId }: Answered,
  kind: "reply" | "failure",
  chunks: readonly string[],
  mayPing: MayPing,
): Reply {
  const { accountId, channelId, id: cause, revision } = message;
  return { accountId, channelId, cause, revision, agentId, kind, chunks, mayPing };
}

/** The people whom the turn is about, each once (R4). */
function mayPingUsers({ message, overheard, allowedMentions }: ModelAnswer): readonly UserId[] {
  const author = message.sender.id;
  switch (allowedMentions.users) {
    case "none":
      return [];
    case "author":
      return [author];
    case "context": {
      const quoted = message.quoted?.author?.id;
      const others = overheard.map(({ authorId }) => parseSnowflake<"user">(authorId));
      return [...new Set([author, quoted, ...others])].filter((id) => id !== undefined);
    }
  }
}

/**
 * Freezes a reply.
 *
 * A text pings only those whom it mentions and the reply may ping: the model
 * writes it, and a model can be talked into `@everyone`.
 *
 * @returns One message per chunk, in the order in which they are to be sent.
 */
export function freeze(reply: Reply): readonly OutboundMessage[] {
  return reply.chunks.map((content, index) => {
    const quote = reply.quote?.on === "all" || index === 0 ? reply.quote : undefined;
    return {
      accountId: reply.accountId,
      channelId: reply.channelId,
      nonce: nonceOf(reply, index),
      content,
      pings: pingsOf(content, reply.mayPing, quote),
      ...(quote && { quote: quote.messageId }),
      ...(index === 0 && { answers: reply.cause }),
    };
  });
}

function pingsOf(content: string, mayPing: MayPing, quote: Quote | undefined): Pings {
  const mentioned = new Set(content.match(/<@[!&]?\d+>/g));
  return {
    users: mayPing.users.filter((id) => mentioned.has(`<@${id}>`) || mentioned.has(`<@!${id}>`)),
    roles: mayPing.roles.filter((id) => mentioned.has(`<@&${id}>`)),
    quotedAuthor: quote !== undefined && mayPing.users.includes(quote.authorId),
  };
}
