/**
 * Pauses an account (X4), and restarts the process.
 *
 * The store keeps the pause, so it outlives a restart, and the command line changes the same row. A
 * command may run a second time after its restart. So its id is stored first, and the second run
 * restarts nothing.
 */

import type { Account } from "../../core/account/account.ts";
import { type MessageId, parseSnowflake } from "../../core/discord/ids.ts";
import type { CommandCall } from "../../core/inbound/interactions.ts";
import type { Store } from "../../store/store.ts";

type SwitchedAccount = Pick<
  Account<Pick<Store, "settings">>,
  "accountId" | "store" | "now"
>;

/**
 * Creates the pause.
 *
 * @param stopAll Stops all turns of the account but one; returns how many messages have lost theirs.
 */
export function createPause(
  { accountId, store: { settings }, now, log }: SwitchedAccount & Pick<Account, "log">,
  stopAll: (except: MessageId | undefined) => Promise<number>,
) {
  /** The beginning of the newest pause whose turns are stopped; the start of the bot runs none. */
  let known: Promise<number | undefined> = settings.pauseOf(accountId)
    .then((pause) => pause?.since, () => undefined); // the next change reads it again

  return {
    port: {
      /**
       * Pauses it, or lets it go on if it is paused. The same call does so once.
       *
       * @returns Its state afterwards, and the number of turns that were stopped.
       */
      async toggle({ id, isText, sender }: CommandCall) {
        const change = { to: "other", by: sender.id, callId: id } as const;
        const { pause } = await settings.changePause(accountId, change, now());
        known = Promise.resolve(pause?.since);
        // Also in a second run of the command: a crash may have come before the stop.
        const stopped = pause ? await stopAll(isText && parseSnowflake<"message">(id)) : 0;
        return { isPaused: pause !== undefined, stopped };
      },
    },
    /** The command line may have changed the pause: stops turns if it has paused the account. */
    async changed(): Promise<void> {
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

export type AccountPause = ReturnType<typeof createPause>;

/** Milliseconds from the command to the stop, which also waits for answers under way. */
const STOP_AFTER_MS = 1_000;

/**
 * Creates the restart for `/restart`. `done`: this call has restarted the process before.
 * `unsupervised`: nothing would start it again, so it goes on.
 *
 * @param isSupervised Whether a supervisor starts this process again.
 * @param stop Begins an orderly stop: a signal to this process.
 */
export function createRestart(
  { accountId, store: { settings }, schedule, now }: SwitchedAccount & Pick<Account, "schedule">,
  isSupervised: () => boolean,
  stop: () => void,
): (call: CommandCall) => Promise<"begun" | "done" | "unsupervised"> {
  return async ({ id }) => {
    if (await settings.settingOf(accountId, "account", "restartedBy") === id) return "done";
    if (!isSupervised()) return "unsupervised";
    await settings.change(accountId, "account", "restartedBy", id, now());
    schedule(stop, STOP_AFTER_MS);
    return "begun";
  };
}
