/**
 * What arrived together, stored together (T1): messages with their verdicts,
 * echoes of our own, guilds, and how far the gateway has been heard.
 *
 * The sequence number is in the same transaction as what it covers. A process
 * that dies before it resumes from the number before, and hears all of it again.
 *
 * @module
 */

import type { DatabaseSync } from "node:sqlite";
import type { Accepted, AcceptedBatch, Judged } from "../core/inbox.ts";
import { toOverheard } from "../core/transcript.ts";
import { prepareKeepOverheard } from "./context.ts";
import { prepareRecordDecision } from "./decisions.ts";
import { prepareAdvanceSession } from "./gateway_sessions.ts";
import { prepareKeepGuild } from "./guilds.ts";
import { prepareAddToInbox } from "./inbox.ts";
import { prepareSettleEcho } from "./outbox.ts";
import type { Pruner } from "./retention.ts";
import { TERMS } from "./terms.ts";
import type { Transactions } from "./transact.ts";

export interface BatchesDeps {
  readonly pruner: Pruner;
  /** Told of the verdicts that are new, once they are stored. */
  readonly onRecorded: (recorded: readonly Judged[]) => void;
}

export interface Batches {
  /**
   * T1. A message that is there already stays as it is, verdict and all.
   *
   * @param arrivedAt Unix time in milliseconds at which the gateway was heard: a disk may have
   * refused the batch for an hour since.
   */
  acceptBatch(batch: AcceptedBatch, arrivedAt: number): Promise<Accepted>;
}

/** @param database Open, migrated, and owned by the caller. */
export function createBatches(
  database: DatabaseSync,
  { commit }: Transactions,
  { pruner, onRecorded }: BatchesDeps,
): Batches {
  const record = prepareRecordDecision(database);
  const keepOverheard = prepareKeepOverheard(database);
  const addToInbox = prepareAddToInbox(database);
  const settleEcho = prepareSettleEcho(database);
  const keepGuild = prepareKeepGuild(database);
  const advance = prepareAdvanceSession(database);

  function store({ accountId, seq, judged, echoes, guilds }: AcceptedBatch, arrivedAt: number) {
    const recorded = judged.filter((one) => record(one, arrivedAt));
    const kept = recorded
      .filter(({ verdict }) => verdict.kind === "ignore" && verdict.keepAsContext)
      .map(({ message }) => message);
    for (const message of kept) keepOverheard(message, toOverheard(message), arrivedAt);
    const added = recorded.filter(({ message, verdict, route }) => {
      if (verdict.kind !== "accept") return false;
      if (!route) throw new TypeError(`Cannot accept message ${message.id}: it has no route`);
      return addToInbox(message, route, arrivedAt);
    });
    const settled = echoes.flatMap((echo) => settleEcho(accountId, echo) ?? []);
    for (const guild of guilds) keepGuild(accountId, guild);
    const newest = Math.max(0, ...recorded.map(({ message }) => message.sentAt));
    advance(accountId, { seq, storedUpTo: newest, heardAt: arrivedAt });
    pruner.afterBatch(kept, recorded.length, arrivedAt);
    return {
      recorded,
      accepted: added.length,
      settled: settled.length,
      settledIn: [...new Set(settled)],
    };
  }

  return {
    async acceptBatch(batch, arrivedAt) {
      const { recorded, ...accepted } = await commit(TERMS.T1, () => store(batch, arrivedAt));
      onRecorded(recorded);
      return accepted;
    },
  };
}
