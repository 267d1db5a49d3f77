/**
 * Runs schedules when they are due (T12).
 *
 * One timer waits for the next due schedule of the account. A run has an id that a crash does not
 * change, and the store keeps each id once. So a run that a crash cut is neither lost nor repeated.
 * Runs that were missed while the bot was down happen once, and say that they are late.
 */

import { createdAtMs, type MessageId } from "../../core/discord/ids.ts";
import type { Judged, Judgement, Route } from "../../core/inbound/inbox.ts";
import { ASKED_OTHERWISE, type InboundMessage } from "../../core/inbound/inbound.ts";
import { finalVerdict, ignored } from "../../core/inbound/verdict.ts";
import type { Frozen } from "../../core/outbound/outbound.ts";
import {
  type BegunRun,
  isFailure,
  MAX_FAILURES,
  runIdOf,
  type Schedule,
  type ScheduleOrigin,
  type ScheduleRun,
} from "../../core/turn/schedule.ts";
import type { Account } from "../../core/account/account.ts";
import type { Emits } from "../../core/account/events.ts";
import { DAY_MS } from "../../lib/clock.ts";
import { createWaker } from "../../lib/waker.ts";
import type { Schedules } from "../../store/schedules/schedules.ts";
import type { AcceptedBatches } from "../../store/inbox/batches.ts";

export type CreatorNow =
  | { readonly kind: "here"; readonly origin: ScheduleOrigin }
  /** They have left the guild, or may not see the channel any more. */
  | { readonly kind: "gone" };

export type RunnerAccount =
  & Pick<
    Account<{
      readonly schedules: Pick<
        Schedules,
        "due" | "nextAt" | "begin" | "runsOf" | "scheduleOf" | "find" | "pause"
      >;
      readonly inbox: AcceptedBatches;
    }>,
    "accountId" | "store" | "schedule" | "now" | "log"
  >
  & Emits<"asked" | "outbox">;

/** The facts and texts of runs, and the reports about them. */
export interface RunParts {
  /**
   * Finds the creator's roles and the names of the place, as they are now.
   *
   * @throws {unknown} If Discord does not answer, as a rejection.
   */
  readonly creatorNow: (origin: ScheduleOrigin) => Promise<CreatorNow>;
  /** Judges the message of a run by the current policy. Never rejects. */
  readonly judge: (message: InboundMessage) => Promise<Judgement>;
  readonly route: (message: InboundMessage) => Route;
  readonly compose: (message: InboundMessage) => readonly Frozen[];
  /** The time of the next run of a cron pattern after now; `undefined` if there is none. */
  readonly nextRun: (pattern: string) => Promise<number | undefined>;
  /** Tells the owners that a task has failed in a guild or a group, where no person waits for it. */
  readonly tellFailed: (schedule: Schedule, run: ScheduleRun) => void;
  readonly tellPaused: (schedule: Schedule, last: ScheduleRun) => void;
}

/** Longest delay of the timer: a clock that is set, or a computer that slept, is noticed by then. */
const MAX_WAIT_MS = 10 * 60_000;
/** Milliseconds until a run is tried again that could not begin. */
const RETRY_MS = 60_000;
/** Milliseconds after its time from which a run counts as late. */
const LATE_MS = 2 * 60_000;
/** Maximum number of due schedules to read at once. */
const AT_ONCE = 50;

/** Newest runs among which earlier failures are looked for. */
const LOOKED_RUNS = 50;

/** The rule of a verdict that no key of the config decides. */
const RULE = "agents";

/** Creates the runner of one account; it does nothing before `start`. */
export function createRunner(
  { accountId, store: { schedules, inbox }, events, schedule, now, log }: RunnerAccount,
  ports: RunParts,
) {
  const waker = createWaker({
    run: runAll,
    failed(error) {
      log.error("Cannot run schedules; will try again", { error });
      return RETRY_MS;
    },
    schedule,
  });

  /** @returns Milliseconds until the next check; `undefined` if nothing is scheduled. */
  async function runAll(): Promise<number | undefined> {
    let hasFailed = false;
    for (const due of await schedules.due(accountId, now(), AT_ONCE)) {
      if (waker.isStopped()) return undefined;
      try {
        await run(due);
      } catch (error) {
        hasFailed = true;
        log.warn("Cannot begin a scheduled run; will try again", { schedule: due.id, error });
      }
    }
    if (hasFailed) return RETRY_MS;
    const nextAt = await schedules.nextAt(accountId);
    return nextAt === undefined ? undefined : Math.min(MAX_WAIT_MS, Math.max(0, nextAt - now()));
  }

  async function run(due: Schedule): Promise<void> {
    const { id, nextAt: dueAt, cron, kind, text } = due;
    if (dueAt === undefined) return;
    const messageId = runIdOf(id, dueAt);
    const isLate = now() - dueAt >= LATE_MS;
    const next = cron === undefined ? undefined : await ports.nextRun(cron);
    const creator = await ports.creatorNow(due.origin);
    const { agentId, ...origin } = creator.kind === "here" ? creator.origin : due.origin;
    const message: InboundMessage = {
      ...origin,
      ...ASKED_OTHERWISE,
      id: messageId,
      text,
      sentAt: createdAtMs(messageId),
      scheduled: { scheduleId: id, dueAt, agentId, isLate: isLate || undefined },
    };
    const isMissed = due.isRestored === true;
    const judged = isMissed ? RESTORED : creator.kind === "here" ? await judgedNow(message) : GONE;
    const isAccepted = judged.verdict.kind === "accept";
    const run: BegunRun = {
      scheduleId: id,
      messageId,
      dueAt,
      nextAt: next,
      isRefused: !isAccepted,
    };
    if (kind === "reminder" && isAccepted) {
      await schedules.begin(run, ports.compose(message), now());
      return events.emit.outbox([message.channelId]);
    }
    const route = isAccepted ? { route: ports.route(message) } : {};
    await inbox.acceptBatch({
      accountId,
      judged: [{ ...judged, message, ...route }],
      echoes: [],
      guilds: [],
    }, now());
    await schedules.begin(run, [], now());
    if (isAccepted) return events.emit.asked();
    const { verdict } = judged;
    if (isMissed) {
      return log.info("A schedule was not run: it was due before the restore", { schedule: id });
    }
    log.warn("A schedule was not run: its creator may not ask the bot there any more", {
      schedule: id,
      messageId,
      ...(verdict.kind === "ignore" && { why: verdict.why, rule: verdict.rule }),
    });
    await check(id);
  }

  async function judgedNow(message: InboundMessage): Promise<Judgement> {
    const judged = await ports.judge(message);
    return { ...judged, verdict: finalVerdict(judged.verdict) };
  }

  /**
   * Pauses a schedule whose last runs have all failed. Tells the owners of that, or of one failure: the
   * first one in a day, as it may fail every second time.
   */
  async function check(id: number, ended?: MessageId): Promise<void> {
    const [last, ...before] = await schedules.runsOf(id, LOOKED_RUNS);
    if (!last || !isFailure(last.state)) return;
    const found = await schedules.find(id);
    if (!found) return;
    const isPausable = found.cron !== undefined && found.pausedBy === undefined;
    const failedBefore = before.slice(0, MAX_FAILURES - 1).filter(({ state }) => isFailure(state));
    if (!isPausable || failedBefore.length < MAX_FAILURES - 1) {
      const isUnasked = found.origin.place.kind !== "dm";
      const isKnown = before.some(({ state, startedAt }) =>
        isFailure(state) && last.startedAt - startedAt < DAY_MS
      );
      if (isUnasked && !isKnown && last.messageId === ended && last.state === "failed") {
        ports.tellFailed(found, last);
      }
      return;
    }
    await schedules.pause(id, "failures");
    log.warn("A schedule is paused, because its last runs have failed", { schedule: id });
    ports.tellPaused(found, last);
  }

  async function checkRun(cause: MessageId): Promise<void> {
    const id = await schedules.scheduleOf(cause);
    if (id !== undefined) await check(id, cause);
  }

  return {
    /** Begins to run schedules, once the account is online. Later calls do nothing. */
    start: () => waker.start(),
    changed: waker.wake,
    /** A turn has ended, or a message of an answer could not be delivered. */
    ended(cause: MessageId): void {
      checkRun(cause).catch((error: unknown) => {
        log.warn("Cannot check a schedule's last runs", { messageId: cause, error });
      });
    },
    /** Begins no further run, and resolves once the current one is stored. */
    stop: waker.stop,
  };
}

export type Runner = ReturnType<typeof createRunner>;

const RESTORED: Pick<Judged, "verdict"> = { verdict: ignored("restored", RULE) };

const GONE: Pick<Judged, "verdict"> = { verdict: ignored("creator-gone", RULE) };
