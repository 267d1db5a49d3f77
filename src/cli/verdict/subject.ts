/** Reads the argument of commands about one message: its link or id, or an error id. */

import {
  type ChannelId,
  type GuildId,
  type MessageId,
  parseSnowflake,
} from "../../core/discord/ids.ts";
import { parseTarget } from "../../core/outbound/target.ts";
import { quoted } from "../../lib/text/quoted.ts";

/** The message or failure to explain. */
export type Subject =
  | { readonly kind: "failure"; readonly failureId: string }
  | {
    readonly kind: "message";
    readonly messageId: MessageId;
    /** From a link; without a guild it is a direct message. */
    readonly place?: { readonly channelId: ChannelId; readonly guildId?: GuildId };
  }
  | { readonly kind: "problem"; readonly problem: string };

/** Format of error ids; a message id has at least 17 digits. */
const FAILURE_ID = /^`?([0-9a-f]{12})`?$/i;

/** With Shift, Discord's "Copy Message ID" puts the channel's id before the message's. */
const IDS = /^(?:(\d{15,20})-)?(\d{15,20})$/;

export function parseSubject(text: string): Subject {
  const trimmed = text.trim();
  const [, failureId] = FAILURE_ID.exec(trimmed) ?? [];
  if (failureId !== undefined) return { kind: "failure", failureId: failureId.toLowerCase() };

  const [, , digits] = IDS.exec(trimmed) ?? [];
  const messageId = digits === undefined ? undefined : parseSnowflake<"message">(digits);
  if (messageId) return { kind: "message", messageId };

  const target = parseTarget(trimmed);
  if (target.kind !== "channel" || target.messageId === undefined) {
    return {
      kind: "problem",
      problem: `${quoted(trimmed)} is neither a message link or id nor an error id`,
    };
  }
  const { channelId, guildId } = target;
  return {
    kind: "message",
    messageId: target.messageId,
    place: { channelId, guildId: guildId || undefined },
  };
}
