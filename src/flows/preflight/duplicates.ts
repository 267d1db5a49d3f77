/**
 * Suspects another program with our bot token, by its traces at Discord (G11).
 *
 * Both programs get every message. A machine's lock cannot see another machine. But Discord shows
 * us messages that we did not send. These are signs and no proof, so all texts say "may". A bot
 * that moves to another host looks the same for a moment. So signs within one minute count as such
 * a move.
 */

import type { BotAccount } from "../../account/account.ts";
import { perAccount } from "../../account/per_account.ts";
import type { Foreign } from "../../core/inbound/inbox.ts";

interface DuplicateDoubt {
  /** Unix time in milliseconds of the first sign. */
  readonly since: number;
  /** Unix time in milliseconds of the last. */
  readonly lastAt: number;
  /** The last sign, for people. */
  readonly evidence: string;
  /** Whether all signs may come from one program that replaces another. */
  readonly isDeploy: boolean;
}

/** Milliseconds for which signs may come from a program that replaces another. */
const DEPLOY_MS = 60_000;

/** Milliseconds for which a sign counts. */
const DOUBT_MS = 10 * 60_000;

const WHAT_TO_DO =
  "If so, both answer: stop the other program, or reset the token on the bot's page in the " +
  "Developer Portal and use the new one only here";

const WHY: Readonly<Record<Foreign["why"], string>> = {
  unknown: "which this process did not send",
  unsent: "which this process had not sent yet",
  early: "which arrived before this process sent it",
};

const watchOf = perAccount("gateway", () => ({
  doubt: undefined as DuplicateDoubt | undefined,
  cancel() {},
  isStopped: false,
}));

/** Messages by our own user came that this store did not send. */
export function sawForeign(account: BotAccount, found: readonly Foreign[]): void {
  const last = found.at(-1);
  const watch = watchOf(account);
  if (!last || watch.isStopped) return; // an ending process must not wait for a timer
  const { now, schedule, log } = account;
  const { messageId, channelId, why } = last;
  const evidence = `Message ${messageId} in channel ${channelId} is by this bot, ${WHY[why]}`;
  const { doubt: before } = watch;
  const at = now();
  const since = Math.min(at, before?.since ?? at);
  // Once it was more than a deploy it stays so: a wall clock can be set back.
  const isDeploy = at - since < DEPLOY_MS && before?.isDeploy !== false;
  watch.doubt = { since, lastAt: at, evidence, isDeploy };
  watch.cancel();
  watch.cancel = schedule(() => end(account), DOUBT_MS);
  if (before && before.isDeploy === isDeploy) return;
  if (isDeploy) {
    log.info(
      "Another program may have used this bot token just now, such as the previous instance",
      { evidence },
    );
  } else {
    log.warn(`Another program may use this bot token. ${WHAT_TO_DO}`, {
      evidence,
      since: new Date(since).toISOString(),
    });
  }
}

function end(account: BotAccount): void {
  const watch = watchOf(account);
  const wasDeploy = watch.doubt?.isDeploy;
  watch.doubt = undefined;
  if (wasDeploy === false) account.log.info("No more signs of another program using this token");
}

/** The current doubt; `undefined` while there is no sign of a second program. */
export function duplicateDoubt(account: BotAccount): DuplicateDoubt | undefined {
  return watchOf(account).doubt;
}

/** Cancels the timer and ignores further signs. */
export function stopDuplicateWatch(account: BotAccount): void {
  const watch = watchOf(account);
  watch.isStopped = true;
  watch.cancel();
}
