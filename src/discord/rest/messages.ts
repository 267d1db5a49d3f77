/**
 * Creates messages: the one place that can.
 *
 * All that is decided elsewhere stays elsewhere: what arrives here is frozen,
 * with its nonce. This module knows only Discord's request and its answers.
 *
 * @module
 */

import type { CreateMessageOptions } from "@discordeno/types";
import { z } from "zod";
import type { OutboundMessage, PostOutcome } from "../../core/outbound.ts";
import { expect } from "./answer.ts";
import type { RestClient } from "./client.ts";
import { RestError } from "./rest_error.ts";
import { snowflakeSchema } from "../../core/snowflake_schema.ts";

const ROUTE = "POST /channels/:id/messages";

/** Discord's code for a message that does not exist. */
const UNKNOWN_MESSAGE = 10008;

/** The part of the client that creating and reading messages needs. */
export type MessageApi = Pick<RestClient, "request">;

/**
 * Asks Discord to create a message; a failure is an outcome, never thrown.
 *
 * @param notAfter Unix time in milliseconds after which the request must not leave any more:
 * Discord may have forgotten the nonce of an earlier attempt. A rate limit that ends by then is
 * waited for.
 */
export type Post = (message: OutboundMessage, notAfter: number) => Promise<PostOutcome>;

const createdSchema = z.object({ id: snowflakeSchema<"message">() });

/**
 * Makes the function that posts for one account.
 *
 * `enforceNonce` makes a repeat harmless, and `parse: []` keeps out every ping
 * that the message does not name.
 *
 * @param api Our client; its scheduler keeps the order within a channel.
 * @see {@link https://docs.discord.com/developers/resources/message#create-message}
 */
export function createPost(api: MessageApi): Post {
  return async (message, notAfter) => {
    try {
      const path = `/channels/${message.channelId}/messages`;
      const answer = await api.request("POST", path, { body: bodyOf(message), notAfter });
      return { kind: "created", messageId: expect(ROUTE, createdSchema, answer).id };
    } catch (thrown) {
      if (!(thrown instanceof RestError)) throw thrown; // not Discord's: a bug of ours
      return outcomeOf(thrown);
    }
  };
}

function bodyOf({ content, nonce, pings, quote }: OutboundMessage): CreateMessageOptions {
  return {
    content,
    nonce,
    enforceNonce: true,
    allowedMentions: {
      parse: [],
      users: pings.users.map(BigInt),
      roles: pings.roles.map(BigInt),
      repliedUser: pings.quotedAuthor,
    },
    ...(quote && { messageReference: { messageId: quote, failIfNotExists: false } }),
  };
}

/**
 * A quote that is gone does not fail a message (`failIfNotExists`), so the only
 * unknown message that Discord can mean is the one that holds this nonce.
 */
function outcomeOf(error: RestError): PostOutcome {
  if (error.code === UNKNOWN_MESSAGE) return { kind: "already_gone" };
  if (error.kind === "unavailable") return { kind: "unanswered" };
  if (error.kind === "unsent") return { kind: "unsent", reason: error.message };
  const { kind: why, message: reason, retryAfterMs } = error;
  return { kind: "refused", why, reason, ...(retryAfterMs !== undefined && { retryAfterMs }) };
}
