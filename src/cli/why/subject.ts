/**
 * What `barnacle why` is asked about: a message by its link or its id, or a failure by the id that
 * the person was told (R11).
 *
 * @module
 */

import {
  type ChannelId,
  type GuildId,
  type MessageId,
  parseSnowflake,
} from "../../core/discord/ids.ts";
import { parseTarget } from "../../core/outbound/target.ts";
import { quoted } from "../../lib/text/quoted.ts";

export type Subject =
  | { readonly kind: "failure"; readonly failureId: string }
  | {
    readonly kind: "message";
    readonly messageId: MessageId;
    /** Of a link; without a guild it is in direct messages. */
    readonly place?: { readonly channelId: ChannelId; readonly guildId?: GuildId };
  }
  | { readonly kind: "problem"; readonly problem: string };

/** As the bot makes them; a message's id has 17 digits at least. */
const FAILURE_ID = /^`?([0-9a-f]{12})`?$/i;

/** Discord's "copy message id" puts the channel's before it, where Shift is held. */
const IDS = /^(?:(\d{15,20})-)?(\d{15,20})$/;

export function parseSubject(text: string): Subject {
  const written = text.trim();
  const [, failureId] = FAILURE_ID.exec(written) ?? [];
  if (failureId !== undefined) return { kind: "failure", failureId: failureId.toLowerCase() };

  const [, , digits] = IDS.exec(written) ?? [];
  const messageId = digits === undefined ? undefined : parseSnowflake<"message">(digits);
  if (messageId) return { kind: "message", messageId };

  const target = parseTarget(written);
  if (target.kind !== "channel" || target.messageId === undefined) {
    return {
      kind: "problem",
      problem: `${quoted(written)} is neither a message's link or id nor the id of a failure`,
    };
  }
  const { channelId, guildId } = target;
  return {
    kind: "message",
    messageId: target.messageId,
    place: { channelId, ...(guildId && { guildId }) },
  };
}
