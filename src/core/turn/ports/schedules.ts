/** Sets, lists and deletes schedules for tools (T12). */

import type { InboundMessage } from "../../inbound/inbound.ts";

export interface ShownSchedule {
  readonly id: number;
  /** `reminder` posts its text, `task` runs a turn with it. */
  readonly kind: "reminder" | "task";
  /** The text to post, or to answer. Untrusted. Absent if it may not be shown (T4). */
  readonly text?: string;
  /** Cron pattern; absent if it runs once. */
  readonly cron?: string;
  /** The next run in local time with the zone; absent if there is none. */
  readonly next?: string;
  readonly channelId: string;
  /** Set if it is paused. */
  readonly isPaused?: true;
}

/** Schedules, for tools. Each call acts for the sender of a message. */
export interface SchedulesPort {
  /**
   * Sets a schedule that runs in the message's channel.
   *
   * @throws {Error} If it cannot be set; the message tells the model why.
   */
  create(asker: InboundMessage, request: {
    /** A local time, a duration, or a cron pattern. */
    readonly when: string;
    readonly text: string;
    /** Whether it runs a turn. Otherwise it posts its text. */
    readonly isTask: boolean;
    /** Identifies the call, so that a repetition sets no second schedule. */
    readonly callKey: string;
  }): Promise<ShownSchedule>;
  /**
   * The sender's own schedules with a run before them: in a guild only those of the guild, in direct
   * messages all of them (SEC-R4).
   */
  list(asker: InboundMessage): Promise<readonly ShownSchedule[]>;
  /** Deletes one of the schedules of {@link list}. @returns Whether there was such a schedule. */
  remove(asker: InboundMessage, id: number): Promise<boolean>;
}
