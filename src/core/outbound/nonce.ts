/**
 * Names an outbound message by what it answers.
 *
 * Discord returns the first message to whoever repeats its nonce. So the nonce
 * is computed, never drawn: a bot that died between sending and hearing the
 * answer, or a second one started by mistake, names the message the same, and
 * the channel shows it once.
 *
 * @module
 */

import { hash } from "node:crypto";
import type { MessageId } from "../discord/ids.ts";

/** Tells apart the messages that one cause may have; a failure must not get the reply's nonce. */
export type OutboundKind = "reply" | "failure" | "notice" | "challenge" | "folded" | "draft";

/** What an outbound message answers, and as what. */
export interface Answer {
  /** The message that is answered. */
  readonly cause: MessageId;
  /** Which revision of `cause` is answered. */
  readonly revision: number;
  /** The agent that answers; absent where Barnacle speaks for itself. */
  readonly agentId?: string;
  readonly kind: OutboundKind;
}

/** Characters that Discord takes as a nonce, at most. */
const NONCE_LENGTH = 25;

/**
 * Computes the nonce of one message of an answer.
 *
 * All of the answer goes in: Discord tells nonces apart by author, not by
 * channel.
 *
 * @param index Place of the message within the answer, from 0.
 * @returns 25 characters of base64url, which hold 150 bits of a SHA-256.
 * @see {@link https://docs.discord.com/developers/resources/message#create-message}
 */
export function nonceOf({ cause, revision, agentId = "", kind }: Answer, index: number): string {
  return hashed(["b1", cause, revision, agentId, kind, index]);
}

/**
 * Computes the nonce of a message that answers none, from its row of the outbox.
 *
 * The time goes in as well: two data directories both have a row 1.
 *
 * @param createdAt Unix time in milliseconds at which the row was made.
 * @returns As {@link nonceOf} does.
 */
export function nonceOfRow(id: number, createdAt: number): string {
  return hashed(["b1", "row", id, createdAt]);
}

function hashed(parts: readonly (string | number)[]): string {
  return hash("sha256", parts.join("|"), "base64url").slice(0, NONCE_LENGTH);
}
