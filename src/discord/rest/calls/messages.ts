/**
 * Creates, edits and deletes messages: the one place that can.
 *
 * All that is decided elsewhere stays elsewhere: what arrives here is frozen,
 * with its nonce. This module knows only Discord's request and its answers. A
 * failure is an outcome, never thrown, because what it means for a message is
 * for the outbox to say.
 *
 * @module
 */

import {
  type AllowedMentions,
  type CreateMessageOptions,
  type EditMessage,
  MessageFlags,
} from "@discordeno/types";
import { z } from "zod";
import type { ChannelId, MessageId } from "../../../core/discord/ids.ts";
import type {
  OutboundFile,
  OutboundMessage,
  PostOutcome,
} from "../../../core/outbound/outbound.ts";
import { snowflakeSchema } from "../../../core/discord/snowflake_schema.ts";
import { expect } from "../exchange/answer.ts";
import { type Row, rowsOf } from "./buttons.ts";
import type { RequestOptions, RestApi } from "../client/client.ts";
import { RestError } from "../exchange/rest_error.ts";

/** Discord's code for a message that does not exist. */
const UNKNOWN_MESSAGE = 10008;

/**
 * Discord's codes for a quote that it does not take: the bot may not read the history here, or a
 * field is wrong, such as a reference to an announcement of Discord's own. Whether the field was the
 * reference is not worth reading out of an error's text: to ask once without it tells.
 */
const QUOTE_REFUSED: ReadonlySet<number> = new Set([160002, 50035]);

/** Milliseconds that a request with files may take: an uplink of 2 Mbit/s carries 10 MiB in 42 s. */
export const UPLOAD_TIMEOUT_MS = 60_000;

export interface Messages {
  /**
   * Creates a message.
   *
   * Where Discord does not take its quote, the message is sent without it: a refusal has created
   * nothing, and both requests have the same nonce.
   *
   * @param files At most ten.
   * @param notAfter Unix time in milliseconds after which the request must not leave any more:
   * Discord may have forgotten the nonce of an earlier attempt. A rate limit that ends by then is
   * waited for.
   */
  create(
    message: OutboundMessage,
    files: readonly OutboundFile[],
    notAfter: number,
  ): Promise<PostOutcome>;
  /**
   * Gives a message that is there another text; its quote stays as it is, and so do its buttons
   * where the message has none.
   *
   * @param files Take the place of those that it has; with none, those stay.
   * @param priority `spare`: fails as `unsent` where it cannot leave at once.
   * @returns `created` where it has that text now; `already_gone` where it was deleted.
   */
  edit(
    messageId: MessageId,
    message: OutboundMessage,
    files: readonly OutboundFile[],
    priority?: "spare",
  ): Promise<PostOutcome>;
  /** @returns `created` where it is deleted now; `already_gone` where somebody else did. */
  delete(channelId: ChannelId, messageId: MessageId): Promise<PostOutcome>;
}

type WithButtons<Body> = Omit<Body, "components"> & { readonly components?: readonly Row[] };
type CreateBody = WithButtons<CreateMessageOptions>;
type EditBody = WithButtons<Omit<EditMessage, "flags">> & { readonly flags: number };

const messageSchema = z.object({ id: snowflakeSchema<"message">() });

/**
 * Makes the three for one account.
 *
 * `enforceNonce` makes a repeat harmless, and `parse: []` keeps out every ping
 * that the message does not name.
 *
 * @param api Our client; its scheduler keeps the order within a channel.
 * @see {@link https://docs.discord.com/developers/resources/message}
 */
export function createMessages(api: RestApi): Messages {
  async function create(
    message: OutboundMessage,
    files: readonly OutboundFile[],
    notAfter: number,
  ): Promise<PostOutcome> {
    const path = `/channels/${message.channelId}/messages`;
    return await outcomeOf(async () => {
      const options = { notAfter, ...requestOf(toCreate(message), files) };
      const answer = await api.request("POST", path, options);
      return expect("POST /channels/:id/messages", messageSchema, answer).id;
    });
  }

  return {
    async create(message, files, notAfter) {
      const outcome = await create(message, files, notAfter);
      if (message.quote === undefined || !refusesQuote(outcome)) return outcome;
      const { quote: _, ...plain } = message;
      const pings = { ...message.pings, quotedAuthor: false };
      return await create({ ...plain, pings }, files, notAfter);
    },
    edit: (messageId, message, files, priority) =>
      outcomeOf(async () => {
        const path = `/channels/${message.channelId}/messages/${messageId}`;
        const options = { ...(priority && { priority }), ...requestOf(toEdit(message), files) };
        const answer = await api.request("PATCH", path, options);
        return expect("PATCH /channels/:id/messages/:id", messageSchema, answer).id;
      }),
    delete: (channelId, messageId) =>
      outcomeOf(async () => {
        await api.request("DELETE", `/channels/${channelId}/messages/${messageId}`);
        return messageId;
      }),
  };
}

function toCreate(message: OutboundMessage): CreateBody {
  const { nonce, quote, suppressesEmbeds, buttons } = message;
  return {
    content: message.content,
    nonce,
    enforceNonce: true,
    allowedMentions: mentionsOf(message),
    ...(suppressesEmbeds && { flags: MessageFlags.SuppressEmbeds }),
    ...(quote && { messageReference: { messageId: quote, failIfNotExists: false } }),
    ...(buttons && { components: rowsOf(buttons) }),
  };
}

/** Flags are said even where there are none: a draft may have had one. Buttons stay unless named. */
function toEdit(message: OutboundMessage): EditBody {
  const { suppressesEmbeds, buttons } = message;
  return {
    content: message.content,
    allowedMentions: mentionsOf(message),
    flags: suppressesEmbeds ? MessageFlags.SuppressEmbeds : 0,
    ...(buttons && { components: rowsOf(buttons) }),
  };
}

function mentionsOf({ pings }: OutboundMessage): AllowedMentions {
  return {
    parse: [],
    users: pings.users.map(BigInt),
    roles: pings.roles.map(BigInt),
    repliedUser: pings.quotedAuthor,
  };
}

/**
 * A body and what goes with it. The attachments that it lists are all that the message has in the
 * end, so an edit that is asked for twice adds nothing twice.
 */
function requestOf(
  body: CreateBody | EditBody,
  files: readonly OutboundFile[],
): Pick<RequestOptions, "body" | "files"> & { readonly timeoutMs?: number } {
  if (files.length === 0) return { body };
  return {
    body: {
      ...body,
      attachments: files.map(({ name, alt }, index) => ({
        id: String(index),
        filename: name,
        ...(alt !== undefined && { description: alt }),
      })),
    },
    files: files.map(({ name, contentType, bytes }) => ({
      name,
      blob: new Blob([bytes], contentType === undefined ? {} : { type: contentType }),
    })),
    timeoutMs: UPLOAD_TIMEOUT_MS,
  };
}

async function outcomeOf(ask: () => Promise<MessageId>): Promise<PostOutcome> {
  try {
    return { kind: "created", messageId: await ask() };
  } catch (thrown) {
    if (!(thrown instanceof RestError)) throw thrown; // not Discord's: a bug of ours
    return failureOf(thrown);
  }
}

/**
 * A quote that is gone does not fail a message (`failIfNotExists`), so of a create the only unknown
 * message that Discord can mean is the one that holds this nonce.
 */
function failureOf(error: RestError): PostOutcome {
  const { kind, message: reason, code, retryAfterMs } = error;
  if (code === UNKNOWN_MESSAGE) return { kind: "already_gone" };
  if (kind === "unavailable") return { kind: "unanswered", reason };
  if (kind === "unsent") return { kind: "unsent", reason };
  return {
    kind: "refused",
    why: kind,
    reason,
    ...(code !== undefined && { code }),
    ...(retryAfterMs !== undefined && { retryAfterMs }),
  };
}

function refusesQuote(outcome: PostOutcome): boolean {
  return outcome.kind === "refused" && outcome.code !== undefined &&
    QUOTE_REFUSED.has(outcome.code);
}
