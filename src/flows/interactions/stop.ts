/**
 * Pauses an account (X4), and restarts the process.
 *
 * The store keeps the pause, so it outlives a restart, and the command line changes the same row. A
 * command may run a second time after its restart. So its id is stored first, and the second run
 * restarts nothing.
 */

import type { BotAccount } from "../../account/account.ts";
import { perAccount } from "../../account/per_account.ts";
import { parseSnowflake } from "../../core/discord/ids.ts";
import type { CommandCall } from "../../core/inbound/inbound.ts";
import { isSupervised, stopProcess } from "../../host/process/boot.ts";
import { stopTurns } from "../inbound/stored.ts";

/** The beginning of the newest pause whose turns are stopped. */
const known = perAccount("interactions", (): { since?: number | undefined } => ({}));

/** Takes over a pause from before the start, of which no turn runs. Rejects if the store fails. */
export async function knowPause(account: BotAccount): Promise<void> {
  known(account).since = (await account.store.settings.pauseOf(account.accountId))?.since;
}

/**
 * Pauses it, or lets it go on if it is paused. The same call does so once.
 *
 * @returns Its state afterwards, and the number of turns that were stopped.
 */
export async function togglePause(
  account: BotAccount,
  { id, isText, sender }: CommandCall,
): Promise<{ readonly isPaused: boolean; readonly stopped: number }> {
  const { accountId, store, now } = account;
  const change = { to: "other", by: sender.id, callId: id } as const;
  const { pause } = await store.settings.changePause(accountId, change, now());
  known(account).since = pause?.since;
  const except = isText && parseSnowflake<"message">(id);
  // Also in a second run of the command: a crash may have come before the stop.
  const stopped = pause ? await stopTurns(account, { accountId, except, isPause: true }) : 0;
  return { isPaused: pause !== undefined, stopped };
}

/**
 * The command line may have changed the pause: stops turns if it has paused the account. Never
 * rejects.
 */
export async function pauseChanged(account: BotAccount): Promise<void> {
  const { accountId, store, log } = account.forPart("interactions");
  try {
    const pause = await store.settings.pauseOf(accountId);
    const before = known(account).since;
    if (pause?.since === before) return;
    known(account).since = pause?.since;
    if (!pause) return log.warn("The bot goes on, by the command line");
    const stopped = await stopTurns(account, { accountId, isPause: true });
    log.warn("The bot is paused, by the command line", { by: pause.by, stopped });
  } catch (error) {
    log.error("Cannot read whether the bot is paused", { error });
  }
}

/** Milliseconds from the command to the stop, which also waits for answers under way. */
const STOP_AFTER_MS = 1_000;

/**
 * Restarts the process for `/restart`. `done`: this call has restarted it before. `unsupervised`:
 * nothing would start it again, so it goes on.
 */
export async function restartProcess(
  { accountId, bot: { env }, store: { settings }, schedule, now }: BotAccount,
  { id }: CommandCall,
): Promise<"begun" | "done" | "unsupervised"> {
  if (await settings.settingOf(accountId, "account", "restartedBy") === id) return "done";
  if (!isSupervised(env)) return "unsupervised";
  await settings.change(accountId, "account", "restartedBy", id, now());
  schedule(stopProcess, STOP_AFTER_MS);
  return "begun";
}
