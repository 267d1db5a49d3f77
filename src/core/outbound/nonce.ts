/**
 * Computes an outbound message's nonce from the message that it answers.
 *
 * Discord returns the first message to whoever repeats its nonce. So the nonce is computed, never
 * drawn. A bot may die between the request and its response, or an operator may start a second one
 * by mistake. The next bot computes the same nonce, and the channel shows the message once.
 */

import { hash } from "node:crypto";
import { createdAtMs, type MessageId, parseSnowflake, type Snowflake } from "../discord/ids.ts";

/** Distinguishes the messages that one cause may have; a failure must not get the reply's nonce. */
export type OutboundKind =
  | "reply"
  | "failure"
  | "notice"
  | "challenge"
  | "draft"
  /** A fixed text in place of one that Discord does not take. */
  | "word"
  | "tool";

export interface AnswerKey {
  readonly cause: MessageId;
  /** Answered revision of `cause`, as `InboundMessage.revision` counts. */
  readonly revision: number;
  /** The agent that answers; absent for messages of Barnacle's own. */
  readonly agentId?: string;
  readonly kind: OutboundKind;
}

/** Maximum characters of a nonce at Discord. */
const NONCE_LENGTH = 25;

/**
 * Computes the nonce of one message of an answer.
 *
 * It depends on every field of the answer: Discord compares nonces by author, not by channel.
 *
 * A reply's nonce begins with the time of the answered message. So replies are neighbours in the
 * outbox's index of nonces: in a large store, each of them would change another page of it.
 *
 * @param index Index of the message within the answer, from 0.
 * @returns 25 characters of base64url, which hold 150 bits of a SHA-256, or 102 behind the time.
 * @see {@link https://docs.discord.com/developers/resources/message#create-message}
 */
export function nonceOf({ cause, revision, agentId = "", kind }: AnswerKey, index: number): string {
  const nonce = hashed(["b1", cause, revision, agentId, kind, index]);
  return kind === "reply" ? `${secondsOf(cause)}${nonce}`.slice(0, NONCE_LENGTH) : nonce;
}

/**
 * Computes the nonce of a message that answers none, from its outbox row.
 *
 * It depends on the time as well, because two data directories both have a row 1.
 *
 * @param createdAt Unix time in milliseconds at which the row was made.
 * @returns 25 characters of base64url, which hold 150 bits of a SHA-256.
 */
export function nonceOfRow(id: number, createdAt: number): string {
  return hashed(["b1", "row", id, createdAt]);
}

/**
 * Computes the nonce of one message that a tool (T3) or `barnacle send` sends, from the key of the
 * call. A crash may repeat the call, and the message exists once.
 *
 * @param index Index of the message within the text, from 0.
 * @returns As {@link nonceOfRow} does.
 */
export function nonceOfCall(callKey: string, index: number): string {
  return hashed(["b1", "call", callKey, index]);
}

/** Computes the id of the file of a call, which a repeated call finds again. */
export function fileIdOfCall(callKey: string): Snowflake<"attachment"> {
  const digits = BigInt(`0x${hash("sha256", `b1|file|${callKey}`, "hex").slice(0, 15)}`);
  const id = parseSnowflake<"attachment">(`${digits + 1n}`);
  if (!id) throw new RangeError("Cannot compute the id of a file");
  return id;
}

/** When a message was sent: Unix time in seconds, 8 hexadecimal digits. */
function secondsOf(id: MessageId): string {
  return Math.floor(createdAtMs(id) / 1_000).toString(16).padStart(8, "0");
}

function hashed(parts: readonly (string | number)[]): string {
  return hash("sha256", parts.join("|"), "base64url").slice(0, NONCE_LENGTH);
}
