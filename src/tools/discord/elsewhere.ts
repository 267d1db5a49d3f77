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
import { FIELDS } from "./fields.ts";

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

/** As {@link readsElsewhere}, for actions of the tool `discord`. A search goes through all channels. */
export function actionReadsElsewhere(
  written: unknown,
  message: Pick<InboundMessage, "place" | "channelId">,
): boolean {
  const action = withAction.safeParse(written).data?.action ?? "";
  if (action.startsWith("search")) return message.place.kind !== "dm";
  return /^(?:read|fetch|list)/.test(action) && readsElsewhere(written, message);
}
