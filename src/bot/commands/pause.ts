/**
 * Pauses an account (X4). The store keeps the pause, so it outlives a restart.
 *
 * @module
 */

import { type AccountId, type MessageId, parseSnowflake } from "../../core/discord/ids.ts";
import type { InteractionContext } from "../../interactions/base/context.ts";
import type { Store } from "../../store/store.ts";

/** The dependencies of a pause. */
export interface PauseOptions {
  /** The account. */
  readonly accountId: AccountId;
  /** Settings that people chose. */
  readonly settings: Pick<Store["settings"], "settingOf" | "change">;
  /** Stops all turns of the account but one; returns how many messages have lost theirs. */
  readonly stopAll: (except: MessageId | undefined) => Promise<number>;
  /** Unix time in milliseconds. */
  readonly now: () => number;
}

/** Creates the port of commands. */
export function createPause(
  { accountId, settings, stopAll, now }: PauseOptions,
): InteractionContext["pause"] {
  return {
    isPaused: async () => await settings.settingOf(accountId, "account", "paused") === "true",
    async set(isPaused, { id, isText }) {
      await settings.change(accountId, "account", "paused", isPaused ? "true" : undefined, now());
      return isPaused ? await stopAll(isText && parseSnowflake<"message">(id)) : 0;
    },
  };
}
