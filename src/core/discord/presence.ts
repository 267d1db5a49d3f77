/** How Discord shows a bot: its status and its activity. */

/** The values of a status. */
export const STATUSES = ["online", "idle", "dnd", "invisible"] as const;

export type PresenceStatus = (typeof STATUSES)[number];

/** The kinds of activities, by Discord's words. */
export const ACTIVITY_KINDS = [
  "playing",
  "streaming",
  "listening",
  "watching",
  "custom",
  "competing",
] as const;

/** Kind of an activity. `custom` shows the text alone. */
export type ActivityKind = (typeof ACTIVITY_KINDS)[number];

/** The activity below the bot's name. */
export interface Activity {
  readonly type: ActivityKind;
  readonly name: string;
  /** Link of a stream. */
  readonly url?: string;
}

export interface Presence {
  readonly status: PresenceStatus;
  /** Absent for none. */
  readonly activity?: Activity;
}
