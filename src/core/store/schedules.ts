/** The contract of `store.schedules`: reminders and scheduled tasks, with their runs (T12). */

import type { AccountId, MessageId, UserId } from "../discord/ids.ts";
import type { Frozen } from "../outbound/outbound.ts";
import type { BegunRun, NewSchedule, PausedBy, Schedule, ScheduleRun } from "../turn/schedule.ts";

/** All methods of `store.schedules`. */
export interface Schedules extends ScheduleRows, ScheduleRuns {}

/** Schedules by themselves, without their runs. */
export interface ScheduleRows {
  /**
   * Stores a schedule, once for each call.
   *
   * @returns The schedule, or `undefined` if its creator has too many.
   */
  create(schedule: NewSchedule, now: number): Promise<Schedule | undefined>;
  /** Schedules of an account, in the order of their creation; of one creator, if given. */
  list(accountId: AccountId, creatorId?: UserId): Promise<readonly Schedule[]>;
  /** One schedule; `undefined` if there is none with this number. */
  find(id: number): Promise<Schedule | undefined>;
  /** Deletes a schedule with its runs. Runs that have begun end. @returns Whether it existed. */
  remove(id: number): Promise<boolean>;
  /** Pauses a schedule. @returns Whether it existed. */
  pause(id: number, by: PausedBy): Promise<boolean>;
  /**
   * Ends a pause.
   *
   * @param nextAt Unix time in milliseconds of the next run, which replaces a missed one.
   * @returns Whether it existed.
   */
  resume(id: number, nextAt?: number): Promise<boolean>;
  /** Asks for a run at once, beside the schedule's own. Returns whether the schedule existed. */
  ask(id: number, now: number): Promise<boolean>;
}

/** Due schedules and their runs. */
export interface ScheduleRuns {
  /**
   * Schedules of an account that are due, the earliest first. A paused one is due only if an
   * operator asked for a run.
   */
  due(accountId: AccountId, now: number, limit: number): Promise<readonly Schedule[]>;
  /** Unix time in milliseconds of the account's next run; `undefined` if there is none. */
  nextAt(accountId: AccountId): Promise<number | undefined>;
  /**
   * Records that a run begins, with its messages. A repetition changes nothing. Neither does a run
   * of a deleted schedule.
   */
  begin(run: BegunRun, messages: readonly Frozen[], now: number): Promise<void>;
  /** The newest runs of a schedule, newest first. */
  runsOf(scheduleId: number, limit: number): Promise<readonly ScheduleRun[]>;
  /** The number of the schedule whose run has this id; `undefined` if there is none. */
  scheduleOf(messageId: MessageId): Promise<number | undefined>;
}
