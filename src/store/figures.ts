/**
 * The store in figures, for health and metrics.
 *
 * What is open is counted in the file, by indexes that hold nothing else; what
 * is over is counted as it happens, since the start: to count years of it on
 * each scrape would be work that grows.
 *
 * @module
 */

import type { DatabaseSync } from "node:sqlite";
import { z } from "zod";
import type { Judged } from "../core/inbox.ts";
import type { Verdict } from "../core/verdict.ts";
import type { Transactions } from "./transact.ts";

export interface StoreFigures {
  readonly inbox: {
    readonly waiting: number;
    readonly running: number;
    /** Unix time in milliseconds at which the oldest waiting message was accepted. */
    readonly oldestWaitingAt?: number;
  };
  readonly outbox: {
    readonly pending: number;
    readonly sending: number;
    readonly uncertain: number;
    readonly dead: number;
    /** Unix time in milliseconds at which the oldest unsent message was frozen. */
    readonly oldestUnsentAt?: number;
  };
  /** Shards whose gap is still to be caught up, of all accounts. */
  readonly openGaps: number;
  /** Since the start, by verdict and reason, in the order of their first coming. */
  readonly decisions: readonly DecisionCount[];
}

export interface DecisionCount {
  readonly verdict: Verdict["kind"];
  readonly why: Verdict["why"];
  readonly count: number;
}

export interface Figures {
  health(): Promise<StoreFigures>;
  /** Counts verdicts that are stored now. */
  count(recorded: readonly Judged[]): void;
}

const inboxSchema = z.object({
  waiting: z.number(),
  running: z.number(),
  oldest: z.number().nullable(),
});

const outboxSchema = z.object({
  pending: z.number(),
  sending: z.number(),
  uncertain: z.number(),
  dead: z.number(),
  oldest: z.number().nullable(),
});

const gapsSchema = z.object({ open: z.number() });

/** @param database Open, migrated, and owned by the caller. */
export function createFigures(database: DatabaseSync, { read }: Transactions): Figures {
  const selectInbox = database.prepare(
    `SELECT
       (SELECT COUNT(*) FROM inbox WHERE state = 'waiting') AS waiting,
       (SELECT COUNT(*) FROM inbox WHERE state = 'running') AS running,
       (SELECT accepted_at FROM inbox WHERE state = 'waiting' ORDER BY id LIMIT 1) AS oldest`,
  );
  const selectOutbox = database.prepare(
    `SELECT
       COUNT(*) FILTER (WHERE state = 'pending') AS pending,
       COUNT(*) FILTER (WHERE state = 'sending') AS sending,
       COUNT(*) FILTER (WHERE state = 'uncertain') AS uncertain,
       COUNT(*) FILTER (WHERE state = 'dead') AS dead,
       MIN(created_at) FILTER (WHERE state IN ('pending', 'sending')) AS oldest
     FROM outbox WHERE state <> 'sent'`,
  );
  const selectGaps = database.prepare(
    "SELECT COUNT(*) AS open FROM gateway_session WHERE catch_up_from IS NOT NULL",
  );
  const counts = new Map<string, DecisionCount>();

  return {
    health: () =>
      read(() => {
        const inbox = inboxSchema.parse(selectInbox.get());
        const outbox = outboxSchema.parse(selectOutbox.get());
        const { oldest: oldestWaitingAt, ...inboxCounts } = inbox;
        const { oldest: oldestUnsentAt, ...outboxCounts } = outbox;
        return {
          inbox: { ...inboxCounts, ...(oldestWaitingAt !== null && { oldestWaitingAt }) },
          outbox: { ...outboxCounts, ...(oldestUnsentAt !== null && { oldestUnsentAt }) },
          openGaps: gapsSchema.parse(selectGaps.get()).open,
          decisions: [...counts.values()],
        };
      }),
    count(recorded) {
      for (const { verdict: { kind, why } } of recorded) {
        const key = `${kind} ${why}`;
        counts.set(key, { verdict: kind, why, count: (counts.get(key)?.count ?? 0) + 1 });
      }
    },
  };
}
