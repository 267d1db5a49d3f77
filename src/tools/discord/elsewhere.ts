/**
 * Tells whether a call reads a channel other than the turn's own.
 *
 * The asker may read that channel, but others in this conversation perhaps not. So later turns do
 * not see the result (SEC-R4).
 *
 * @module
 */

import { z } from "zod";
import type { InboundMessage } from "../../core/inbound/inbound.ts";
import { FIELDS } from "./action/fields.ts";

const withChannel = z.looseObject({ channelId: FIELDS.channelId });
const withAction = z.looseObject({ action: z.string() });

/** Whether the arguments of a call name another channel. In direct messages, there are no others. */
export function readsElsewhere(
  written: unknown,
  { place, channelId }: Pick<InboundMessage, "place" | "channelId">,
): boolean {
  if (place.kind === "dm") return false;
  const parsed = withChannel.safeParse(written);
  return parsed.success && parsed.data.channelId !== channelId;
}

/** Actions that show texts or facts of one channel. */
const OF_A_CHANNEL: ReadonlySet<string> = new Set([
  "readMessages",
  "fetchMessage",
  "reactions",
  "pollResults",
  "listPins",
  "channelInfo",
  "permissions",
]);

/** Actions that show the channels that the asker may view, or what is in them. */
const OF_THE_SERVER: ReadonlySet<string> = new Set([
  "searchMessages",
  "threadList",
  "channelList",
  "eventList",
  "voiceStatus",
]);

/** As {@link readsElsewhere}, for actions of the tool `discord`. */
export function actionReadsElsewhere(
  written: unknown,
  message: Pick<InboundMessage, "place" | "channelId">,
): boolean {
  const action = withAction.safeParse(written).data?.action ?? "";
  if (OF_THE_SERVER.has(action)) return message.place.kind !== "dm";
  return OF_A_CHANNEL.has(action) && readsElsewhere(written, message);
}
