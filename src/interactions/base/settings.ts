/**
 * Declares the settings that commands choose.
 *
 * @module
 */

import type { ChosenSetting } from "../../core/people/chosen.ts";
import type { CommandCall } from "../../core/inbound/interactions.ts";

/** Settings of conversations and places; each method rejects if the store fails. */
export interface ChosenSettings {
  /** The value that counts there; `undefined`: the config's. */
  of(call: CommandCall, name: ChosenSetting): Promise<string | undefined>;
  /** Chooses a value; `undefined` removes the choice. */
  choose(call: CommandCall, name: ChosenSetting, value: string | undefined): Promise<void>;
}
