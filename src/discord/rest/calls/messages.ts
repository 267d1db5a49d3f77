/**
 * Creates, edits and deletes messages. No other module does.
 *
 * The messages arrive frozen, with their nonce; this module knows only Discord's requests and
 * responses. A failure is an outcome, never thrown, because the outbox decides its consequence for
 * the message.
 *
 * @module
 */

import type { Messages } from "../../../core/outbound/calls.ts";
import {
  type AllowedMentions,
  type CreateMessageOptions,
  type EditMessage,
  MessageFlags,
} from "@discordeno/types";
import { z } from "zod";
import type { MessageId } from "../../../core/discord/ids.ts";
import type {
  OutboundFile,
  OutboundMessage,
  PostOutcome,
  VoiceFacts,
} from "../../../core/outbound/outbound.ts";
import { snowflakeSchema } from "../../../core/discord/snowflake_schema.ts";
import { expect, RestError } from "../exchange/rest_error.ts";
import { componentsOf, IS_COMPONENTS_V2, type Layout } from "./layout.ts";
import type { RequestOptions, RestApi } from "../client/client.ts";

/** Discord's code for a message that does not exist. */
const UNKNOWN_MESSAGE = 10008;
/** Discord's code for a request with more than the place takes; its status is 413. */
const TOO_LARGE = 40005;

/** Discord's code for a request with an invalid field. */
const INVALID_FORM_BODY = 50035;

/**
 * Discord's codes for a refused quote: the bot may not read the history here, or a field is
 * invalid, such as a reference to an announcement of Discord's own. Barnacle does not read from the
 * error's text whether the field was the reference: one request without it tells.
 */
const QUOTE_REFUSED: ReadonlySet<number> = new Set([160002, INVALID_FORM_BODY]);

/** Timeout of a request with files in milliseconds: an uplink of 2 Mbit/s needs 42 s for 10 MiB. */
export const UPLOAD_TIMEOUT_MS = 60_000;

type WithLayout<Body> = Omit<Body, "components"> & { readonly components?: Layout };
type CreateBody = WithLayout<CreateMessageOptions>;
type EditBody = WithLayout<Omit<EditMessage, "flags">> & { readonly flags: number };

const messageSchema = z.object({ id: snowflakeSchema<"message">() });

/**
 * Creates the calls for one account.
 *
 * `enforceNonce` makes a repeated request harmless. `parse: []` prevents every ping that the
 * message does not list.
 *
 * @param api The account's client; its scheduler keeps the order within a channel.
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
      const options = { notAfter, ...requestOf(toCreate(message), files, message.voice) };
      const answer = await api.request("POST", path, options);
      return expect("POST /channels/:id/messages", messageSchema, answer).id;
    });
  }

  async function edit(
    messageId: MessageId,
    message: OutboundMessage,
    files: readonly OutboundFile[],
    priority: "spare" | undefined,
  ): Promise<PostOutcome> {
    return await outcomeOf(async () => {
      const path = `/channels/${message.channelId}/messages/${messageId}`;
      const options = { priority, ...requestOf(toEdit(message), files) };
      const answer = await api.request("PATCH", path, options);
      return expect("PATCH /channels/:id/messages/:id", messageSchema, answer).id;
    });
  }

  return {
    async create(message, files, notAfter) {
      let outcome = await create(message, files, notAfter);
      let { quote: _, card: __, ...plain } = message;
      if (message.quote !== undefined && refusesQuote(outcome)) {
        plain = { ...plain, pings: { ...message.pings, quotedAuthor: false } };
        const { card } = message;
        outcome = await create({ ...plain, card }, files, notAfter);
      }
      return message.card && isInvalid(outcome) ? await create(plain, files, notAfter) : outcome;
    },
    async edit(messageId, message, files, priority) {
      const outcome = await edit(messageId, message, files, priority);
      const { card, ...plain } = message;
      return card && isInvalid(outcome) ? await edit(messageId, plain, files, priority) : outcome;
    },
    delete: (channelId, messageId) =>
      outcomeOf(async () => {
        await api.request("DELETE", `/channels/${channelId}/messages/${messageId}`);
        return messageId;
      }),
  };
}

function toCreate(message: OutboundMessage): CreateBody {
  const { nonce, quote, card } = message;
  const flags = createFlagsOf(message);
  return {
    ...(!card && { content: message.content }),
    nonce,
    enforceNonce: true,
    allowedMentions: mentionsOf(message),
    ...(flags !== 0 && { flags }),
    ...(quote && { messageReference: { messageId: quote, failIfNotExists: false } }),
    ...componentsOf(message),
  };
}

/** A voice message has no text, so it has no previews; and a card has none of its own. */
function createFlagsOf({ voice, card, suppressesEmbeds, isSilent }: OutboundMessage): number {
  return (voice
    ? MessageFlags.IsVoiceMessage
    : card
    ? IS_COMPONENTS_V2
    : suppressesEmbeds
    ? MessageFlags.SuppressEmbeds
    : 0) |
    (isSilent ? MessageFlags.SuppressNotifications : 0);
}

/** Sets the flags even to 0, because a draft may have had one. Absent buttons stay at Discord. */
function toEdit(message: OutboundMessage): EditBody {
  const { suppressesEmbeds, card } = message;
  return {
    content: card ? null : message.content, // Discord makes a card only of a message without text
    allowedMentions: mentionsOf(message),
    flags: card ? IS_COMPONENTS_V2 : suppressesEmbeds ? MessageFlags.SuppressEmbeds : 0,
    ...componentsOf(message),
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
 * Builds the body and the files of a request. Discord keeps only the listed attachments, so a
 * repeated edit adds no file twice.
 */
function requestOf(
  body: CreateBody | EditBody,
  files: readonly OutboundFile[],
  voice?: VoiceFacts,
): Pick<RequestOptions, "body" | "files"> & { readonly timeoutMs?: number } {
  if (files.length === 0) return { body };
  return {
    body: {
      ...body,
      attachments: files.map(({ name, alt }, index) => ({
        id: String(index),
        filename: name,
        description: alt,
        durationSecs: voice?.durationSec,
        waveform: voice?.waveform,
      })),
    },
    files: files.map(({ name, contentType, bytes }) => ({
      name,
      blob: new Blob([bytes], contentType === undefined ? {} : { type: contentType }),
    })),
    timeoutMs: UPLOAD_TIMEOUT_MS,
  };
}

async function outcomeOf(send: () => Promise<MessageId>): Promise<PostOutcome> {
  try {
    return { kind: "created", messageId: await send() };
  } catch (thrown) {
    if (!(thrown instanceof RestError)) throw thrown; // not a failed request: a bug of Barnacle
    return failureOf(thrown);
  }
}

/**
 * Converts an error to an outcome. A deleted quote does not fail a create (`failIfNotExists`). So
 * for a create, "unknown message" can only mean the message with this nonce, which was deleted.
 */
function failureOf(error: RestError): PostOutcome {
  const { kind, message: reason, status, code, retryAfterMs } = error;
  if (code === UNKNOWN_MESSAGE) return { kind: "already_gone" };
  if (kind === "unavailable") return { kind: "unanswered", reason };
  if (kind === "unsent") return { kind: "unsent", reason };
  return {
    kind: "refused",
    why: kind,
    reason,
    code,
    retryAfterMs,
    isTooLarge: (status === 413 || code === TOO_LARGE) || undefined,
  };
}

function isInvalid(outcome: PostOutcome): boolean {
  return outcome.kind === "refused" && outcome.code === INVALID_FORM_BODY;
}

function refusesQuote(outcome: PostOutcome): boolean {
  return outcome.kind === "refused" && outcome.code !== undefined &&
    QUOTE_REFUSED.has(outcome.code);
}
