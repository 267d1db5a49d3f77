/**
 * Composes the messages that the tool `discord` sends (T3).
 *
 * A model wrote their text, so they pass the same cleaning as an answer: secrets, mentions and
 * foreign links (R9). Only people of the turn are pinged.
 *
 * @module
 */

import type { ChannelId, GuildId, MessageId } from "../core/discord/ids.ts";
import { nonceOfCall } from "../core/outbound/nonce.ts";
import type { Frozen } from "../core/outbound/outbound.ts";
import { freeze } from "./freeze.ts";
import { type Answered, composeReply, type ReplyRules } from "./reply.ts";

/** A text of a tool for a channel. */
export interface ToolMessage extends Answered {
  /** Identifies the call, also after a crash. */
  readonly callKey: string;
  /** Channel or thread to post to. */
  readonly channelId: ChannelId;
  /** Absent in direct messages. */
  readonly guildId?: GuildId;
  /** The text as the model wrote it. */
  readonly text: string;
  /** The message that it replies to. */
  readonly replyTo?: MessageId;
}

/**
 * Composes and freezes a text. Its nonces depend on the call alone.
 *
 * @returns `undefined` if nothing in the text is meant for people.
 */
export function composeToolMessage(
  { message, agentId, callKey, channelId, guildId, text, replyTo }: ToolMessage,
  rules: ReplyRules,
): readonly Frozen[] | undefined {
  const shown = { overheard: [], texts: [], system: "" };
  const composed = composeReply({
    message,
    agentId,
    text,
    shown,
    rules: { ...rules, replyToMode: "off" },
  });
  if (composed.kind !== "reply") return undefined;
  const { guildId: _, ...reply } = composed.reply;
  const frozen = freeze({
    ...reply,
    kind: "tool",
    channelId,
    ...(guildId !== undefined && { guildId }),
    ...(replyTo !== undefined && { quote: { messageId: replyTo, on: "first" } }),
  });
  return frozen.map((part, index) => ({
    ...part,
    message: { ...part.message, nonce: nonceOfCall(callKey, index) },
  }));
}
