/**
 * Another program with our bot token, as it shows from Discord's side (G11).
 *
 * Both get every message. The lock of a machine cannot see another machine, but
 * Discord tells us of messages that we did not send, and ends our session
 * whenever the other one begins its own. A bot that moves to another host looks
 * the same for a moment, so what is over within a minute is taken for that.
 *
 * @module
 */

import type { Foreign } from "../../core/inbound/inbox.ts";
import type { Log } from "../../lib/log.ts";
import type { Schedule } from "../../lib/schedule.ts";

/** Why we think that we are not alone. */
export interface DuplicateDoubt {
  /** Unix time in milliseconds of the first sign. */
  readonly since: number;
  /** Unix time in milliseconds of the last. */
  readonly lastAt: number;
  /** For people: what was seen last. */
  readonly evidence: string;
  /** Whether all of it may be one program that took the place of another. */
  readonly isDeploy: boolean;
}

export interface DuplicatePorts {
  /** Unix time in milliseconds. */
  readonly now: () => number;
  readonly schedule: Schedule;
  readonly log: Log;
  /** The doubt began, was confirmed, or is over. */
  readonly onChange: (doubt: DuplicateDoubt | undefined) => void;
}

export interface DuplicateWatch {
  /** Messages of our own user's that this store did not send, as they arrive. */
  foreign(found: readonly Foreign[]): void;
  /** Discord ended a session that had become ready, and will not have it resumed. */
  sessionInvalidated(shardId: number): void;
  /** `undefined` while nothing speaks for a second program. */
  doubt(): DuplicateDoubt | undefined;
  stop(): void;
}

/** For how long two programs may be one that is being replaced, in milliseconds. */
const DEPLOY_MS = 60_000;

/** For how long a sign counts, in milliseconds. */
const DOUBT_MS = 10 * 60_000;

/**
 * Sessions of one shard that Discord ended within {@link DOUBT_MS}; fewer happen to everybody, and
 * one of each shard when Discord begins anew.
 */
const INVALIDATED_MIN = 3;

const WHAT_TO_DO =
  "Stop the other one, or make a new token on the bot's page in the Developer Portal " +
  "and give it to this one alone";

const WHY: Readonly<Record<Foreign["why"], string>> = {
  unknown: "that this one did not send",
  unsent: "that this one had not sent yet",
  early: "that came before this one sent it",
};

export function createDuplicateWatch(
  { now, schedule, log, onChange }: DuplicatePorts,
): DuplicateWatch {
  let doubt: DuplicateDoubt | undefined;
  let invalidated: readonly { readonly shardId: number; readonly at: number }[] = [];
  let cancelEnd = (): void => {};
  let isStopped = false;

  /** @param since When what it tells of began. */
  function sign(since: number, evidence: string): void {
    if (isStopped) return; // a process that ends waits for no timer
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
      log.info("Another program has used this bot token just now; it may be the one before", {
        evidence,
      });
    } else {
      log.warn(`Another program uses this bot token, and both answer. ${WHAT_TO_DO}`, {
        evidence,
        since: new Date(first).toISOString(),
      });
    }
    onChange(doubt);
  }

  function end(): void {
    const wasDeploy = doubt?.isDeploy;
    doubt = undefined;
    invalidated = [];
    if (wasDeploy === false) log.info("Nothing speaks for a second program with this token now");
    onChange(undefined);
  }

  return {
    foreign(found) {
      const last = found.at(-1);
      if (!last) return;
      const { messageId, channelId, why } = last;
      sign(now(), `Message ${messageId} in channel ${channelId} is the bot's, ${WHY[why]}`);
    },
    sessionInvalidated(shardId) {
      const at = now();
      invalidated = [...invalidated.filter((one) => at - one.at < DOUBT_MS), { shardId, at }];
      const [first, ...others] = invalidated.filter((one) => one.shardId === shardId);
      const count = others.length + 1;
      if (!first || count < INVALIDATED_MIN) return;
      sign(first.at, `Discord ended ${count} sessions within ${DOUBT_MS / 60_000} min`);
    },
    doubt: () => doubt,
    stop() {
      isStopped = true;
      cancelEnd();
    },
  };
}
