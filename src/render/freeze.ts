/**
 * Freezes messages: afterwards nothing about them is left to decide.
 *
 * The store keeps frozen messages before the first one is sent, and Barnacle sends them unchanged.
 * So after a crash the next process sends the rest word for word. It does not ask the model again
 * and composes nothing anew.
 */

import {
  type AnswerKey,
  type Frozen,
  MAX_FILES,
  MAX_REQUEST_BYTES,
  type MayPing,
  nonceOf,
  type OutboundFile,
  PERSONAL,
  type Pings,
  type Quote,
  type Reply,
  type VoiceFacts,
  type VoiceFile,
} from "../core/outbound/outbound.ts";

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
  const { cause, revision, agentId, kind, quote } = reply;
  return freezeBodies(reply, { cause, revision, kind, agentId }, quote);
}

/** Freezes messages that answer no one. The store gives each a nonce when it adds the row. */
export function freezeUnprompted(unprompted: Unprompted): readonly Frozen[] {
  return freezeBodies(unprompted);
}

function freezeBodies(reply: Unprompted, answer?: AnswerKey, quoted?: Quote): readonly Frozen[] {
  const { accountId, channelId, guildId, mayPing, suppressesEmbeds } = reply;
  const bodies = bodiesOf(reply);
  const parts = bodies.length;
  const frozen: Frozen[] = [];
  for (const { content, footer, files, voice } of bodies) {
    const part = frozen.length;
    const quote = quoted?.on === "all" || part === 0 ? quoted : undefined;
    frozen.push({
      message: {
        accountId,
        channelId,
        guildId,
        nonce: answer ? nonceOf(answer, part) : "",
        content: reply.isPersonal && !voice ? [content, PERSONAL].join("\n").trim() : content,
        footer,
        pings: pingsOf(content, mayPing, quote),
        quote: quote?.messageId,
        suppressesEmbeds: suppressesEmbeds || undefined,
        isSilent: (answer && part > 0) || undefined, // only the first one notifies (R14)
        voice,
        of: answer && { ...answer, part, parts },
      },
      files,
    });
  }
  return frozen;
}

const NO_FILES: readonly OutboundFile[] = [];

/** The last chunk gets the first files. */
function bodiesOf({ chunks, footer, files, voice }: Unprompted): readonly MessageBody[] {
  const [first = NO_FILES, ...others] = files.length === 0 ? [] : requestsOf(files);
  const bodies: MessageBody[] = [];
  for (const content of chunks) {
    const isLast = bodies.length === chunks.length - 1;
    bodies.push(isLast ? { content, footer, files: first } : { content, files: NO_FILES });
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
