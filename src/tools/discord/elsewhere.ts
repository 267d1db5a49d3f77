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

/** Actions whose results depend on all channels that the asker may see. */
const THROUGH_ALL = /^(?:searchMessages|channelList|threadList|eventList|voiceStatus)$/;

/** Actions that read nothing: their results have ids of new things, or only say that all is well. */
const WRITES =
  /^(?:send|edit|delete|pin|unpin|channel(?!Info)|category|sticker|role(?!Info)|event|set)|^(?:react|poll|pollEnd|threadCreate|threadReply|timeout|kick|ban|undo)$/;

/**
 * As {@link readsElsewhere}, for actions of the tool `discord`. An unknown action counts as one that
 * reads.
 */
export function actionReadsElsewhere(
  written: unknown,
  message: Pick<InboundMessage, "place" | "channelId">,
): boolean {
  const action = withAction.safeParse(written).data?.action ?? "";
  if (THROUGH_ALL.test(action)) return message.place.kind !== "dm";
  return !WRITES.test(action) && readsElsewhere(written, message);
}
