/**
 * What arrived together, stored together (T1): messages with their verdicts,
 * echoes of our own, guilds, and how far the gateway has been heard.
 *
 * The sequence number is in the same transaction as what it covers. A process
 * that dies before it resumes from the number before, and hears all of it again.
 * What was read over REST has none, and moves nothing of what is heard.
 *
 * @module
 */

import type { DatabaseSync } from "node:sqlite";
import type { Accepted, AcceptedBatch, Judged } from "../core/inbox.ts";
import type { InboundMessage } from "../core/inbound.ts";
import { toOverheard } from "../core/transcript.ts";
import { prepareKeepOverheard } from "./context.ts";
import { prepareRecordDecision } from "./decisions.ts";
import { prepareKeepDirectChannel } from "./direct_channels.ts";
import { prepareSettleEcho } from "./echoes.ts";
import { prepareAdvanceSession } from "./gateway_sessions.ts";
import { prepareKeepGuild } from "./guilds.ts";
import { prepareAddToInbox } from "./inbox.ts";
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
  const keepDirectChannel = prepareKeepDirectChannel(database);
  const settleEcho = prepareSettleEcho(database);
  const keepGuild = prepareKeepGuild(database);
  const advance = prepareAdvanceSession(database);
  /** Direct channels that this process has put on the disk: so it need not ask which are there. */
  const knownDirect = new Set<string>();

  function store({ accountId, heard, judged, echoes, guilds }: AcceptedBatch, arrivedAt: number) {
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
    for (const message of directOf(recorded)) keepDirectChannel(message);
    const told = echoes.map((echo) => settleEcho(accountId, echo));
    for (const guild of guilds) keepGuild(accountId, guild);
    if (heard) {
      const storedUpTo = Math.max(0, ...recorded.map(({ message }) => message.sentAt));
      advance(accountId, { ...heard, storedUpTo, heardAt: arrivedAt });
    }
    pruner.afterBatch(kept, recorded.length, arrivedAt);
    const settled = told.flatMap(({ settledIn }) => settledIn ?? []);
    return {
      recorded,
      accepted: added,
      settled: settled.length,
      settledIn: [...new Set(settled)],
      foreign: told.flatMap(({ foreign }) => foreign ?? []),
    };
  }

  return {
    async acceptBatch(batch, arrivedAt) {
      const isFirst = directOf(batch.judged).some((message) => !knownDirect.has(keyOf(message)));
      const terms = isFirst ? TERMS.FIRST_DM : TERMS.T1;
      const { recorded, ...accepted } = await commit(terms, () => store(batch, arrivedAt));
      for (const message of directOf(recorded)) knownDirect.add(keyOf(message));
      onRecorded(recorded);
      return accepted;
    },
  };
}

/** The accepted messages outside of guilds. */
function directOf(judged: readonly Judged[]): readonly InboundMessage[] {
  return judged
    .filter(({ verdict, message }) => verdict.kind === "accept" && message.place.kind !== "guild")
    .map(({ message }) => message);
}

function keyOf({ accountId, channelId }: InboundMessage): string {
  return `${accountId} ${channelId}`;
}
