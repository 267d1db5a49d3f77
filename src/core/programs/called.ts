/**
 * Calls of programs: questions that come by the API or by MCP, and not from Discord (O14).
 *
 * A call is a message in the inbox, as if the named person had written it directly to the bot. Its
 * answer goes to the program, so nothing of it is posted.
 */

import { type MessageId, snowflakeAt, type UserId } from "../discord/ids.ts";

/** How a program asks: by `/v1/chat/completions`, by `/v1/responses`, or by the MCP tool `ask`. */
export type CallKind = "chat" | "response" | "ask";

/** A text of the conversation that a call without a session brings along. */
export interface EarlierText {
  /** Who wrote it, by the program's word: both are data of the person. */
  readonly role: "user" | "assistant";
  readonly text: string;
}

export interface Called {
  /** Name of the program, as the config has it. */
  readonly program: string;
  readonly kind: CallKind;
  /** The conversation before it, oldest first; absent: that of its session. */
  readonly earlier?: readonly EarlierText[];
}

export function callIdOf(now: number, random: number): MessageId {
  return snowflakeAt<"message">(now, random);
}

/**
 * The session of a call. Its end is that of direct messages, by which a person's sessions are found
 * to forget them (X5).
 */
export function callSessionOf({ agentId, program, userId, conversation }: {
  readonly agentId: string;
  readonly program: string;
  readonly userId: UserId;
  /** The conversation, by the program's name for it, or by the id of its first call. */
  readonly conversation: string;
}): string {
  return `agent:${agentId}:api:${program}:${conversation}:direct:${userId}`;
}

export function isCallSession(sessionKey: string): boolean {
  return /^agent:[^:]*:api:/.test(sessionKey);
}
