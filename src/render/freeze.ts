/**
 * Freezes messages: afterwards nothing about them is left to decide.
 *
 * The store keeps frozen messages before the first one is sent, and Barnacle sends them unchanged.
 * So after a crash the next process sends the rest word for word. It does not ask the model again
 * and composes nothing anew.
 */

import { type AnswerKey, nonceOf } from "../core/outbound/nonce.ts";
import {
  type Frozen,
  MAX_FILES,
  MAX_REQUEST_BYTES,
  type MayPing,
  type OutboundFile,
  type Pings,
  type Quote,
  type Reply,
  type VoiceFacts,
  type VoiceFile,
} from "../core/outbound/outbound.ts";

/** A message that answers no one: text from the command line, or a notice to the bot's owner. */
export type Unprompted = Omit<Reply, keyof AnswerKey | "quote">;

/** Text and files of one message. */
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
  const answer: AnswerKey = { cause, revision, kind, agentId };
  return freezeBodies(reply, (part, parts) => ({
    nonce: nonceOf(answer, part),
    quote: quote?.on === "all" || part === 0 ? quote : undefined,
    of: { ...answer, part, parts },
  }));
}

/** Freezes messages that answer no one. The store gives each a nonce when it adds the row. */
export function freezeUnprompted(unprompted: Unprompted): readonly Frozen[] {
  return freezeBodies(unprompted, () => ({ nonce: "", quote: undefined, of: undefined }));
}

function freezeBodies(
  reply: Unprompted,
  detailsOf: (part: number, parts: number) => {
    readonly nonce: string;
    readonly quote: Quote | undefined;
    readonly of: Frozen["message"]["of"];
  },
): readonly Frozen[] {
  const { accountId, channelId, guildId, text, mayPing, suppressesEmbeds } = reply;
  const bodies = bodiesOf(reply);
  return bodies.map(({ content, footer, files, voice }, part) => {
    const { nonce, quote, of } = detailsOf(part, bodies.length);
    // Without an answer that joins them, each part counts as a message of its own.
    const isCut = of ? bodies.length > 1 || content !== text : bodies.length === 1;
    return {
      message: {
        accountId,
        channelId,
        guildId,
        nonce,
        content,
        footer,
        pings: pingsOf(content, mayPing, quote),
        quote: quote?.messageId,
        suppressesEmbeds: suppressesEmbeds || undefined,
        isSilent: (of && part > 0) || undefined, // only the first one notifies (R14)
        voice,
        of,
      },
      files,
      whole: part === 0 && isCut && text !== content ? text : undefined,
    };
  });
}

/** The last chunk gets the first files. */
function bodiesOf({ chunks, footer, files, voice }: Unprompted): readonly MessageBody[] {
  const [first = [], ...others] = requestsOf(files);
  const contents = chunks.length === 0 && files.length > 0 ? [""] : chunks;
  const last = contents.length - 1;
  return [
    ...contents.map((content, index) =>
      index === last ? { content, footer, files: first } : { content, files: [] }
    ),
    ...others.map((group) => ({ content: "", files: group })),
    ...(voice ? [voiceBody(voice)] : []),
  ];
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

function pingsOf(content: string, mayPing: MayPing, quote: Quote | undefined): Pings {
  const mentioned = new Set(content.match(/<@[!&]?\d+>/g));
  return {
    users: mayPing.users.filter((id) => mentioned.has(`<@${id}>`) || mentioned.has(`<@!${id}>`)),
    roles: mayPing.roles.filter((id) => mentioned.has(`<@&${id}>`)),
    quotedAuthor: quote?.authorId !== undefined && mayPing.users.includes(quote.authorId),
  };
}
