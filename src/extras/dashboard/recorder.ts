/**
 * Records the figures of each minute while the dashboard is on (O6), for its charts.
 *
 * It looks at the queues a few times a minute, and stores several minutes in one transaction. Without
 * the dashboard nothing runs.
 */

import type { Bot } from "../../bot.ts";
import type { Store } from "../../store/store.ts";
import type { RecentTurn } from "../../store/messages/messages.ts";
import type { DecisionCount } from "../../core/store/store.ts";
import type { Trend } from "../../store/figures.ts";
import type { Clock, StartTimer } from "../../lib/clock.ts";
import type { Log } from "../../lib/log.ts";

/** Milliseconds between two looks at the queues. */
const LOOK_MS = 15_000;

const MINUTE_MS = 60_000;

/** Minutes that are stored together. */
const STORED_TOGETHER = 5;

/** Turns of a minute that are counted; a bot answers fewer. */
const MAX_TURNS = 1_000;

export function startRecorder({ bot, store, now, schedule, log }: Pick<Clock, "now"> & {
  readonly bot: Pick<Bot, "snapshot" | "refresh">;
  readonly store: Pick<Store, "trends" | "health" | "messages">;
  readonly schedule: StartTimer;
  readonly log: Log;
}) {
  let minuteAt = startOf(now());
  let waiting = 0;
  let unsent = 0;
  let counted: readonly DecisionCount[] | undefined;
  let unstored: readonly Trend[] = [];
  let isClosed = false;
  let hasFailed = false;
  let cancel = schedule(() => void look(), LOOK_MS);

  async function look(): Promise<void> {
    try {
      await bot.refresh();
      if (isClosed) return;
      const { inbox, outbox } = bot.snapshot();
      waiting = Math.max(waiting, inbox.waiting + inbox.running);
      unsent = Math.max(unsent, outbox.pending + outbox.sending);
      if (startOf(now()) > minuteAt) await endMinute();
      hasFailed = false;
    } catch (error) {
      if (!hasFailed) log.warn("Cannot record the figures of the dashboard's charts", { error });
      hasFailed = true;
    }
    if (!isClosed) cancel = schedule(() => void look(), LOOK_MS);
  }

  async function endMinute(): Promise<void> {
    const [at, next] = [minuteAt, startOf(now())];
    minuteAt = next;
    const { decisions } = await store.health();
    const turns = (await store.messages.recentTurns(MAX_TURNS))
      .filter(({ finishedAt }) => finishedAt >= at && finishedAt < next);
    const minute = { at, ...decided(counted ?? decisions, decisions), ...ended(turns) };
    unstored = [...unstored, { ...minute, waiting, unsent }];
    counted = decisions;
    waiting = unsent = 0;
    if (unstored.length >= STORED_TOGETHER) await storeAll();
  }

  async function storeAll(): Promise<void> {
    const minutes = unstored;
    unstored = [];
    if (minutes.length > 0) await store.trends.addMinutes(minutes);
  }

  return {
    /** The minutes that are not stored yet, oldest first. */
    unstored: (): readonly Trend[] => unstored,
    /** Stores them, and ends. */
    async close(): Promise<void> {
      isClosed = true;
      cancel();
      await storeAll().catch((error: unknown) => {
        log.warn("Cannot record the figures of the dashboard's charts", { error });
      });
    },
  };
}

export type Recorder = ReturnType<typeof startRecorder>;

function startOf(at: number): number {
  return at - at % MINUTE_MS;
}

/** Verdicts since an earlier count. */
function decided(
  before: readonly DecisionCount[],
  after: readonly DecisionCount[],
): Pick<Trend, "accepted" | "ignored"> {
  const countOf = (counts: readonly DecisionCount[], isAccepted: boolean) =>
    counts.filter(({ verdict }) => (verdict === "accept") === isAccepted)
      .reduce((sum, { count }) => sum + count, 0);
  return {
    accepted: countOf(after, true) - countOf(before, true),
    ignored: countOf(after, false) - countOf(before, false),
  };
}

function ended(
  turns: readonly RecentTurn[],
): Pick<Trend, "answers" | "failures" | "medianMs" | "slowestMs"> {
  const answered = turns.filter(({ state }) => state === "answered");
  const times = answered.map(({ acceptedAt, finishedAt }) => Math.max(0, finishedAt - acceptedAt))
    .sort((one, other) => one - other);
  return {
    answers: answered.length,
    failures: turns.filter(({ state }) => state === "failed").length,
    medianMs: times[Math.floor(times.length / 2)] ?? 0,
    slowestMs: times.at(-1) ?? 0,
  };
}
