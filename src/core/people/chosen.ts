/**
 * Settings that people choose by commands, for a conversation or a place (K2).
 *
 * @module
 */

/** `messages.queue.mode`, and the values of `/queue`. */
export const QUEUE_MODES = ["collect", "steer", "followup", "interrupt"] as const;
/** What happens to messages that arrive during a turn (S5). */
export type QueueMode = (typeof QUEUE_MODES)[number];

/** The settings that belong to a channel, a thread or a direct message. */
export const PLACE_SETTINGS = ["queue"] as const;
/** Name of such a setting, which is that of its command. */
export type PlaceSetting = (typeof PLACE_SETTINGS)[number];

/** Name of a setting that a person may choose. */
export type ChosenSetting = PlaceSetting;

/** A value of a list; `undefined` for another text, such as one of another version. */
export function oneOf<Value extends string>(
  values: readonly Value[],
  text: string | undefined,
): Value | undefined {
  return values.find((value) => value === text);
}
