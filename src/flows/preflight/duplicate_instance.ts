/**
 * Suspects another program with our bot token, by its traces at Discord (G11).
 *
 * Both programs get every message. A machine's lock cannot see another machine. But Discord shows
 * us messages that we did not send. These are signs and no proof, so all texts say "may". A bot that moves to another host looks the
 * same for a moment. So signs within one minute count as such a move.
 */

import type { Foreign } from "../../core/inbound/inbox.ts";
import type { Account } from "../../core/account/account.ts";

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

export function createDuplicateWatch(
  { now, schedule, log }: Pick<Account, "log" | "now" | "schedule">,
) {
  let doubt: DuplicateDoubt | undefined;
  let cancelEnd = (): void => {};
  let isStopped = false;

  /** @param since Unix time in milliseconds at which the sign began. */
  function sign(since: number, evidence: string): void {
    if (isStopped) return; // an ending process must not wait for a timer
    const at = now();
    const before = doubt;
    const first = Math.min(since, before?.since ?? since);
    // Once it was more than a deploy it stays so: a wall clock can be set back.
    const isDeploy = at - first < DEPLOY_MS && before?.isDeploy !== false;
    doubt = { since: first, lastAt: at, evidence, isDeploy };
    cancelEnd();
    cancelEnd = schedule(end, DOUBT_MS);
    if (before && before.isDeploy === isDeploy) return;
    if (isDeploy) {
      log.info(
        "Another program may have used this bot token just now, such as the previous instance",
        { evidence },
      );
    } else {
      log.warn(`Another program may use this bot token. ${WHAT_TO_DO}`, {
        evidence,
        since: new Date(first).toISOString(),
      });
    }
  }

  function end(): void {
    const wasDeploy = doubt?.isDeploy;
    doubt = undefined;
    if (wasDeploy === false) log.info("No more signs of another program using this token");
  }

  return {
    /** Tells of messages by our own user that this store did not send. */
    foreign(found: readonly Foreign[]): void {
      const last = found.at(-1);
      if (!last) return;
      const { messageId, channelId, why } = last;
      sign(now(), `Message ${messageId} in channel ${channelId} is by this bot, ${WHY[why]}`);
    },
    /** The current doubt; `undefined` while there is no sign of a second program. */
    doubt: (): DuplicateDoubt | undefined => doubt,
    /** Cancels the timer and ignores further signs. */
    stop(): void {
      isStopped = true;
      cancelEnd();
    },
  };
}
