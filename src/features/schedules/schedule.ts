/**
 * Schedules: reminders that post a text, and tasks that run a turn, once or again and again (T12).
 */

import { type MessageId, snowflakeAt } from "../../core/discord/ids.ts";
import type { InboundMessage } from "../../core/inbound/inbound.ts";

/** The message that created a schedule, without its words: who asks, and where. */
export interface SetBy extends
  Pick<
    InboundMessage,
    "accountId" | "id" | "channelId" | "guildId" | "place" | "sender"
  > {
  /** The agent whose turn it was; absent in old schedules. */
  readonly agentId?: string;
}

/**
 * The state of a run.
 *
 * - `running`: its turn waits or runs. `sending`: its messages wait for Discord.
 * - `delivered`: Discord has acknowledged each message. `silent`: the model had nothing to say.
 * - `failed`: its turn failed. `undelivered`: Discord has not taken a message for good.
 * - `refused`: its creator may not ask the bot there any more.
 */
export type RunState =
  | "running"
  | "sending"
  | "delivered"
  | "silent"
  | "failed"
  | "undelivered"
  | "refused";

/** Maximum number of schedules of a user that still have a run before them. */
export const MAX_PER_USER = 20;

/** Number of failed runs in a row that pause a schedule. */
export const MAX_FAILURES = 3;

/** The id of a run. The same run gets the same id after a crash, so it is answered once. */
export function runIdOf(scheduleId: number, dueAt: number): MessageId {
  return snowflakeAt<"message">(dueAt, scheduleId);
}

export function setByOf(
  { accountId, id, channelId, guildId, place, sender }: SetBy,
  agentId: string,
): SetBy {
  return { accountId, id, channelId, guildId, place, sender, agentId };
}

/** Whether a run has ended without its result reaching people. */
export function isFailure(state: RunState): boolean {
  return state === "failed" || state === "undelivered" || state === "refused";
}
