/**
 * Pauses an account (X4). The store keeps the pause, so it outlives a restart, and the command line
 * changes the same row.
 *
 * @module
 */

import { type AccountId, type MessageId, parseSnowflake } from "../../core/discord/ids.ts";
import type { InteractionContext } from "../../interactions/base/context.ts";
import type { Log } from "../../lib/log.ts";
import type { Store } from "../../core/store/store.ts";

/** The dependencies of a pause. */
export interface PauseOptions {
  /** The account. */
  readonly accountId: AccountId;
  /** Settings that people chose. */
  readonly settings: Pick<Store["settings"], "isPaused" | "pauseOf" | "changePause">;
  /** Stops all turns of the account but one; returns how many messages have lost theirs. */
  readonly stopAll: (except: MessageId | undefined) => Promise<number>;
  /** Unix time in milliseconds. */
  readonly now: () => number;
  /** Gets pauses by the command line. */
  readonly log: Log;
}

/** The pause of an account, for commands and turns. */
export interface AccountPause {
  /** For `/pause`. */
  readonly port: InteractionContext["pause"];
  /** Whether the account is paused now. */
  isPaused(): Promise<boolean>;
  /** Another process has written to the store: stops turns if it has paused the account. */
  changedElsewhere(): Promise<void>;
}

/** Creates the pause. */
export function createPause(
  { accountId, settings, stopAll, now, log }: PauseOptions,
): AccountPause {
  /** The beginning of the newest pause whose turns are stopped; the start of the bot runs none. */
  let known: Promise<number | undefined> = settings.pauseOf(accountId)
    .then((pause) => pause?.since, () => undefined); // the next change reads it again

  return {
    isPaused: () => settings.isPaused(accountId),
    port: {
      async toggle({ id, isText, sender }) {
        const change = { to: "other", by: sender.id, callId: id } as const;
        const { pause } = await settings.changePause(accountId, change, now());
        known = Promise.resolve(pause?.since);
        // Also in a second run of the command: a crash may have come before the stop.
        const stopped = pause ? await stopAll(isText && parseSnowflake<"message">(id)) : 0;
        return { isPaused: pause !== undefined, stopped };
      },
    },
    async changedElsewhere() {
      const pause = await settings.pauseOf(accountId);
      const before = await known;
      if (pause?.since === before) return;
      known = Promise.resolve(pause?.since);
      if (!pause) return log.warn("The bot goes on, by the command line");
      const stopped = await stopAll(undefined);
      log.warn("The bot is paused, by the command line", { by: pause.by, stopped });
    },
  };
}
