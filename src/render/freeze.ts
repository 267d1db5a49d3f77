/**
 * Freezes what is to be sent: after this nothing is left to decide.
 *
 * It is stored before the first of it is sent, and sent as it was stored. What
 * a crash interrupts is then finished word for word; nothing is asked of the
 * model, or composed, a second time.
 *
 * @module
 */

import { type Answer, nonceOf } from "../core/outbound/nonce.ts";
import {
  type Frozen,
  MAX_FILES,
  type MayPing,
  type OutboundFile,
  type Pings,
  type Quote,
  type Reply,
} from "../core/outbound/outbound.ts";

/** What answers nobody: the words of the command line, and ours to the bot's owner. */
export type Unprompted = Omit<Reply, keyof Answer | "quote">;

/** One message's words and files. */
interface Body {
  readonly content: string;
  readonly files: readonly OutboundFile[];
}

/**
 * Freezes a reply.
 *
 * A text pings only those whom it mentions and the reply may ping: the model
 * writes it, and a model can be talked into `@everyone`.
 *
 * @returns One message per chunk, in the order in which they are to be sent; the last carries the
 * files, and where there are more of them than fit, others without words follow.
 */
export function freeze(reply: Reply): readonly Frozen[] {
  const { cause, revision, agentId, kind, quote } = reply;
  const answer: Answer = { cause, revision, kind, ...(agentId !== undefined && { agentId }) };
  return frozen(reply, (part, parts) => ({
    nonce: nonceOf(answer, part),
    quote: quote?.on === "all" || part === 0 ? quote : undefined,
    of: { ...answer, part, parts },
  }));
}

/** Freezes what answers nobody; the store gives each of it a nonce of its row's. */
export function freezeUnprompted(unprompted: Unprompted): readonly Frozen[] {
  return frozen(unprompted, () => ({ nonce: "", quote: undefined, of: undefined }));
}

function frozen(
  { accountId, channelId, guildId, chunks, text, files, mayPing, suppressesEmbeds }: Unprompted,
  detailsOf: (part: number, parts: number) => {
    readonly nonce: string;
    readonly quote: Quote | undefined;
    readonly of: Frozen["message"]["of"];
  },
): readonly Frozen[] {
  const bodies = bodiesOf(chunks, files);
  return bodies.map(({ content, files }, part) => {
    const { nonce, quote, of } = detailsOf(part, bodies.length);
    // Parts that nothing binds together each stand for themselves.
    const isCut = of ? bodies.length > 1 || content !== text : bodies.length === 1;
    return {
      message: {
        accountId,
        channelId,
        ...(guildId !== undefined && { guildId }),
        nonce,
        content,
        pings: pingsOf(content, mayPing, quote),
        ...(quote && { quote: quote.messageId }),
        ...(suppressesEmbeds && { suppressesEmbeds }),
        ...(of && { of }),
      },
      files,
      ...(part === 0 && isCut && text !== content && { whole: text }),
    };
  });
}

/** The first files go with the last words. */
function bodiesOf(chunks: readonly string[], files: readonly OutboundFile[]): readonly Body[] {
  const contents = chunks.length === 0 && files.length > 0 ? [""] : chunks;
  const last = contents.length - 1;
  const bodies: Body[] = contents.map((content, index) => ({
    content,
    files: index === last ? files.slice(0, MAX_FILES) : [],
  }));
  for (let from = MAX_FILES; from < files.length; from += MAX_FILES) {
    bodies.push({ content: "", files: files.slice(from, from + MAX_FILES) });
  }
  return bodies;
}

function pingsOf(content: string, mayPing: MayPing, quote: Quote | undefined): Pings {
  const mentioned = new Set(content.match(/<@[!&]?\d+>/g));
  return {
    users: mayPing.users.filter((id) => mentioned.has(`<@${id}>`) || mentioned.has(`<@!${id}>`)),
    roles: mayPing.roles.filter((id) => mentioned.has(`<@&${id}>`)),
    quotedAuthor: quote?.authorId !== undefined && mayPing.users.includes(quote.authorId),
  };
}
