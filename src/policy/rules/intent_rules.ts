/** The keys of an intent filter, and how those of several levels combine (I1). */

import { pathTo } from "../../core/config_file.ts";

/** The keys of an `intentFilter`, as a level writes them. An absent one is inherited. */
export interface IntentKeys {
  /** Whether the filter decides. */
  readonly enabled?: boolean;
  /** The classifier: `"lightweight"`. */
  readonly model?: string;
  /** Score from which on the bot answers, from 0 to 1. */
  readonly respondThreshold?: number;
  /** Whether mentions need no score. */
  readonly alwaysRespondToMentions?: boolean;
}

/** The values of keys that no level writes. */
export const INTENT_DEFAULTS: Required<IntentKeys> = {
  enabled: false,
  model: "lightweight",
  respondThreshold: 0.7,
  alwaysRespondToMentions: true,
};

/** The filter of a place: each key with the config path that sets it. */
export type IntentRules = {
  readonly [Key in keyof IntentKeys]-?: {
    readonly value: Required<IntentKeys>[Key];
    readonly rule: string;
  };
};

/** An entry that may have an `intentFilter`, with its config path. */
interface IntentLevel {
  readonly rules: { readonly intentFilter?: IntentKeys };
  readonly path: string;
}

/** The level of an account's own filter, from which guilds inherit. */
export function accountLevel(intentFilter: IntentKeys | undefined): IntentLevel {
  return { rules: { intentFilter }, path: "channels.discord" };
}

/**
 * Combines levels, the most specific first.
 *
 * @param home Config path of the entry at which to write a key that no level has.
 */
export function combineIntent(levels: readonly IntentLevel[], home: string): IntentRules {
  function find<Key extends keyof IntentKeys>(name: Key): IntentRules[Key];
  function find(name: keyof IntentKeys): IntentRules[keyof IntentKeys] {
    for (const { rules: { intentFilter }, path } of levels) {
      const value = intentFilter?.[name];
      if (value !== undefined) return { value, rule: intentPath(path, name) };
    }
    return { value: INTENT_DEFAULTS[name], rule: intentPath(home, name) };
  }
  return {
    enabled: find("enabled"),
    model: find("model"),
    respondThreshold: find("respondThreshold"),
    alwaysRespondToMentions: find("alwaysRespondToMentions"),
  };
}

function intentPath(path: string, name: string): string {
  return pathTo(pathTo(path, "intentFilter"), name);
}
