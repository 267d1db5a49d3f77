/**
 * Schedules: reminders that post a text, and tasks that run a turn, once or again and again (T12).
 */

import { type AccountId, type MessageId, snowflakeAt } from "../discord/ids.ts";
import type { InboundMessage } from "../inbound/inbound.ts";

/** The message that created a schedule, without its words: who asks, and where. */
export interface ScheduleOrigin extends
  Pick<
    InboundMessage,
    "accountId" | "id" | "channelId" | "guildId" | "place" | "sender"
  > {
  /** The agent whose turn it was; absent in old schedules. */
  readonly agentId?: string;
}

export interface ScheduledWork {
  /** `reminder` posts its text. `task` runs a turn of its creator with the text as message. */
  readonly kind: "reminder" | "task";
  /** The text to post, or to answer. Untrusted. */
  readonly text: string;
  /** Cron pattern with five fields; absent if it runs once. */
  readonly cron?: string;
}

export interface NewSchedule extends ScheduledWork {
  /** Identifies the call that creates it, so that a repeated call creates no second one. */
  readonly callKey: string;
  /** Whether each word of its text is the creator's: it then stays, whatever its turn has read. */
  readonly isOwnWords: boolean;
  readonly origin: ScheduleOrigin;
  readonly nextAt: number;
}

export interface Schedule extends ScheduledWork {
  /** The store's number, which is never used again. */
  readonly id: number;
  readonly accountId: AccountId;
  readonly origin: ScheduleOrigin;
  /** Unix time in milliseconds of the next run; absent once the only run has begun. */
  readonly nextAt?: number;
  /** Why it is paused; absent while it is not. */
  readonly pausedBy?: PausedBy;
  /** Set if its run was due before the store was restored: it may have run elsewhere (O11). */
  readonly isRestored?: boolean;
  /** The newest run; absent before the first. */
  readonly lastRun?: ScheduleRun;
}

/** `operator`: by a command. `failures`: its last runs have failed. */
export type PausedBy = "operator" | "failures";

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

export interface ScheduleRun {
  /** The id under which the run is on record: `barnacle why <id>`. */
  readonly messageId: MessageId;
  readonly dueAt: number;
  readonly startedAt: number;
  readonly state: RunState;
}

export interface BegunRun {
  readonly scheduleId: number;
  readonly messageId: MessageId;
  readonly dueAt: number;
  /** Unix time in milliseconds of the next run; absent if there is none. */
  readonly nextAt?: number;
  /** Set if its creator may not ask the bot there any more. */
  readonly isRefused: boolean;
}

/** Maximum number of schedules of a user that still have a run before them. */
export const MAX_PER_USER = 20;

/** Number of failed runs in a row that pause a schedule. */
export const MAX_FAILURES = 3;

/** The id of a run. The same run gets the same id after a crash, so it is answered once. */
export function runIdOf(scheduleId: number, dueAt: number): MessageId {
  return snowflakeAt<"message">(dueAt, scheduleId);
}

export function originOf(
  { accountId, id, channelId, guildId, place, sender }: ScheduleOrigin,
  agentId: string,
): ScheduleOrigin {
  return { accountId, id, channelId, guildId, place, sender, agentId };
}

/** Whether a run has ended without its result reaching people. */
export function isFailure(state: RunState): boolean {
  return state === "failed" || state === "undelivered" || state === "refused";
}
