/** Settings that people choose by commands, for a conversation or a place (K2). */

/** `messages.queue.mode`, and the values of the setting `queue`. */
export const QUEUE_MODES = ["collect", "steer", "followup", "interrupt"] as const;
/** What happens to messages that arrive during a turn (S5). */
export type QueueMode = (typeof QUEUE_MODES)[number];

/** Values of the setting `think`: how long a model thinks before it answers. */
export const THINK_LEVELS = ["off", "minimal", "low", "medium", "high"] as const;
export type ThinkLevel = (typeof THINK_LEVELS)[number];

/** Values of the setting `activation`: whether a channel needs mentions. */
export const ACTIVATIONS = ["mention", "always"] as const;

/** How a conversation is answered, as people have chosen; an absent part is the model's, or off. */
export interface Manner {
  /** How long the model thinks. */
  readonly think?: ThinkLevel;
  /** Whether people see the model's thinking above the answer. */
  readonly showsThinking?: boolean;
  /** Whether people see the tools that ran. */
  readonly showsSteps?: boolean;
}

export const CONVERSATION_SETTINGS = ["think", "reasoning", "verbose"] as const;
export type ConversationSetting = (typeof CONVERSATION_SETTINGS)[number];

/** The settings that belong to a channel, a thread or a direct message. */
const PLACE_SETTINGS = ["queue", "activation", "send"] as const;
export type PlaceSetting = (typeof PLACE_SETTINGS)[number];

/** Name of a setting that a person may choose. */
export type ChosenSetting = PlaceSetting | ConversationSetting;

/** A value of a list; `undefined` for another text, such as one of another version. */
export function oneOf<Value extends string>(
  values: readonly Value[],
  text: string | undefined,
): Value | undefined {
  return text === undefined ? undefined : values.find((value) => value === text);
}
