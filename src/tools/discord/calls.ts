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
import type { WaitingAction } from "../../core/turn/ports/discord_place.ts";
import type { OpenCall } from "../../core/turn/tool.ts";
import { type Action, FIELDS } from "./actions/action.ts";

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

/** Fields that do not tell what an action does. */
const LEFT_OUT: ReadonlySet<string> = new Set(["action", "dryRun", "reason"]);

/** Whether a call changes something that people may want back. A dry run does not. */
export function isDestructive(
  action: Action | undefined,
  { dryRun }: Readonly<Record<string, unknown>>,
): boolean {
  return action?.undo !== undefined && dryRun !== true;
}

/** The destructive actions of calls of the tool `discord`, in order. */
export function destructiveOf(
  open: readonly OpenCall[],
  actionOf: (name: unknown) => Action | undefined,
): readonly WaitingAction[] {
  return open.flatMap(({ callKey, name, arguments: written }) => {
    const given = name === "discord" ? recordOf(written) : undefined;
    const action = given && actionOf(given["action"]);
    if (!given || !action || !isDestructive(action, given)) return [];
    const fields = Object.entries(given).filter(([key, value]) =>
      !LEFT_OUT.has(key) && value !== null
    ).map(([key, value]) => `${key}=${JSON.stringify(value)}`);
    return [{ callKey, line: [action.name, ...fields].join(" ") }];
  });
}

function recordOf(written: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(written);
    return typeof value === "object" && value !== null ? { ...value } : undefined;
  } catch {
    return undefined; // the call fails, and tells the model
  }
}
