/**
 * The config file, as owners read and change it in Discord (K4), and settings that people choose by
 * commands, for a conversation or a place (K2).
 */

import type { AccountId } from "./discord/ids.ts";

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

/** The config file, as owners read and change it in Discord (K4). */
export interface ConfigFile {
  /** The value at a path as JSON, in which a secret is its source; `undefined` if there is none. */
  get(path: string): Promise<string | undefined>;
  /**
   * Writes a value; `undefined` removes the key. The whole file is checked first.
   *
   * @returns The problem; then nothing has changed.
   */
  set(path: string, value: string | undefined): Promise<string | undefined>;
  /** Whether an account would answer no direct messages after such a change, not even an owner's. */
  closesDms(accountId: AccountId, path: string, value: string | undefined): Promise<boolean>;
  /**
   * Edits a list of texts in one step, and keeps the comments beside its entries. A missing list
   * counts as empty. The whole file is checked first.
   *
   * @param edit Gets the entries of the file; `undefined` changes nothing.
   * @returns The entries of the file afterwards.
   */
  editList(
    path: string,
    edit: (entries: readonly string[]) => readonly string[] | undefined,
  ): Promise<
    | { readonly kind: "changed" | "unchanged"; readonly entries: readonly string[] }
    | { readonly kind: "failed"; readonly problem: string }
  >;
}
