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
import { type Accepted, type AcceptedBatch, type Judged, NOTHING_ACCEPTED } from "../core/inbox.ts";
import type { InboundMessage } from "../core/inbound.ts";
import { prepareIsOnRecord, prepareRecordDecision } from "./decisions.ts";
import type { AccountId, ChannelId } from "../core/ids.ts";
import type { Echo } from "../core/inbox.ts";
import { prepareSettleEcho } from "./echoes.ts";
import type { FactRows } from "./fact_rows.ts";
import { prepareAdvanceSession } from "./gateway_sessions.ts";
import { prepareKeepGuild } from "./guilds.ts";
import { directOf, prepareKeepJudged } from "./judged.ts";
import type { Memory } from "./memory.ts";
import type { Pruner } from "./retention.ts";
import { prepareStrangers, type Settled } from "./strangers.ts";
import { prepareSettle } from "./settle.ts";
import { TERMS } from "./terms.ts";
import type { Transactions } from "./transact.ts";

export interface BatchesDeps {
  readonly memory: Memory;
  readonly factRows: FactRows;
  readonly pruner: Pruner;
  /** Told of the verdicts that are new, once they are stored. */
  readonly onRecorded: (recorded: readonly Judged[]) => void;
}

export interface Batches {
  /**
   * T1. A message that is there already stays as it is, verdict and all. What is to be challenged
   * is settled here: who is paired by now is accepted, and who gets a code has it in the outbox.
   *
   * @param arrivedAt Unix time in milliseconds at which the gateway was heard: a disk may have
   * refused the batch for an hour since.
   */
  acceptBatch(batch: AcceptedBatch, arrivedAt: number): Promise<Accepted>;
}

/** @param database Open, migrated, and owned by the caller. */
export function createBatches(
  database: DatabaseSync,
  { commit, journaled, later, read }: Transactions,
  { memory, factRows, pruner, onRecorded }: BatchesDeps,
): Batches {
  const { claims, outgoing } = memory;
  const isOnRecord = prepareIsOnRecord(database);
  const record = prepareRecordDecision(database, factRows);
  const strangers = prepareStrangers(database, outgoing);
  const keep = prepareKeepJudged(database, memory);
  const settleEcho = prepareSettleEcho(database);
  const settle = prepareSettle(database);
  const newest = prepareNewest(database);
  const keepGuild = prepareKeepGuild(database);
  const advance = prepareAdvanceSession(database);
  /** Direct channels that this process has put on the disk: so it need not ask which are there. */
  const knownDirect = new Set<string>();

  /** One after the other: a second message of a stranger finds what the first one has made. */
  function recordAll({ judged, pairing }: AcceptedBatch, now: number): readonly Settled[] {
    return judged.flatMap((one) => {
      if (one.verdict.kind === "challenge" && isOnRecord(one.message)) return [];
      const settled = strangers.settle(one, pairing, now);
      return record(settled.judged, now) ? [settled] : [];
    });
  }

  function store(batch: AcceptedBatch, arrivedAt: number) {
    const { accountId, heard, echoes, guilds } = batch;
    const settled = recordAll(batch, arrivedAt);
    const recorded = settled.map(({ judged }) => judged);
    const { accepted, undecided, overheard } = keep(recorded, arrivedAt);
    const told = echoes.map((echo) => settleEcho(accountId, echo));
    for (const guild of guilds) keepGuild(accountId, guild);
    if (heard) {
      const storedUpTo = Math.max(0, ...recorded.map(({ message }) => message.sentAt));
      advance(accountId, { ...heard, storedUpTo, heardAt: arrivedAt });
    }
    pruner.afterBatch(overheard, recorded.length, arrivedAt);
    const settledRows = told.flatMap(({ settledIn }) => settledIn ?? []);
    return {
      recorded,
      accepted,
      undecided,
      challenged: settled.flatMap(({ request }) => request ?? []),
      settled: settledRows.length,
      settledIn: [...new Set(settledRows)],
      foreign: told.flatMap(({ foreign }) => foreign ?? []),
    };
  }

  const append = journaled<PlainBatch>("batch", ({ arrivedAt, ...batch }) => {
    store({ ...batch, echoes: [], guilds: [] }, arrivedAt);
  });

  /** Settles the echoes of messages that are in memory. */
  function settleKnown({ accountId, echoes }: AcceptedBatch) {
    const settledIn: ChannelId[] = [];
    const unknown = echoes.filter((echo) => {
      const known = outgoing.queues.echoed(accountId, echo);
      if (known?.kind === "news") {
        const { row: { id, fileCount, message: { channelId } } } = known;
        settledIn.push(channelId);
        later(TERMS.T5, () => {
          const row = { id: outgoing.idInTable(id), accountId, channelId, fileCount };
          settle(row, echo.messageId);
        });
      }
      return !known;
    });
    return { settledIn, unknown };
  }

  /**
   * Whether the tables need not be asked what comes of a batch: nobody has to be challenged,
   * nothing waits for a fact, and no account has any of the messages on record.
   */
  function isPlain({ judged, heard, guilds }: AcceptedBatch, unknown: readonly Echo[]): boolean {
    const ids = new Set(judged.map(({ message }) => message.id));
    return ids.size === judged.length && heard !== undefined && guilds.length === 0 &&
      unknown.length === 0 &&
      judged.some(({ verdict }) => verdict.kind === "accept") &&
      judged.every(({ verdict: { kind }, message, route }) =>
        (kind === "ignore" || (kind === "accept" && route)) && newest.isNew(message.id)
      );
  }

  async function storePlain(
    { accountId, heard, judged }: AcceptedBatch,
    arrivedAt: number,
  ): Promise<Accepted> {
    if (!heard) return NOTHING_ACCEPTED;
    for (const { message, verdict } of judged) {
      newest.note(message.id);
      if (verdict.kind === "accept") claims.accepted(message.id);
    }
    await append(TERMS.T1, { accountId, heard, judged, arrivedAt });
    onRecorded(judged);
    return {
      ...NOTHING_ACCEPTED,
      accepted: judged.filter(({ verdict }) => verdict.kind === "accept"),
    };
  }

  async function acceptUnqueued(batch: AcceptedBatch, arrivedAt: number): Promise<Accepted> {
    // Only what makes a code or a first claim to a channel waits for the disk, and no flood does.
    const foreseen = batch.judged.some(({ verdict }) => verdict.kind === "challenge")
      ? await read(() => batch.judged.map((one) => strangers.foresee(one, arrivedAt)))
      : batch.judged;
    const isFirst = foreseen.some(({ verdict }) => verdict.kind === "challenge") ||
      directOf(foreseen).some((message) => !knownDirect.has(keyOf(message)));
    const { settledIn, unknown } = settleKnown(batch);
    if (!isFirst && isPlain(batch, unknown)) {
      const accepted = await storePlain(batch, arrivedAt);
      return { ...accepted, settled: settledIn.length, settledIn };
    }
    const terms = isFirst ? TERMS.FIRST_DM : TERMS.T1;
    for (const { message } of batch.judged) newest.note(message.id);
    const { recorded, ...accepted } = await commit(
      terms,
      () => store({ ...batch, echoes: unknown }, arrivedAt),
    );
    for (const message of directOf(recorded)) knownDirect.add(keyOf(message));
    for (const channelId of accepted.settledIn) {
      outgoing.queues.forget(batch.accountId, channelId);
    }
    onRecorded(recorded);
    return {
      ...accepted,
      settled: accepted.settled + settledIn.length,
      settledIn: [...new Set([...settledIn, ...accepted.settledIn])],
    };
  }

  return {
    async acceptBatch(batch, arrivedAt) {
      const accepted = await acceptUnqueued(batch, arrivedAt);
      for (const { message, route } of accepted.accepted) if (route) claims.add(message, route);
      return accepted;
    },
  };
}

/** The journal's record of a T1. */
interface PlainBatch {
  readonly accountId: AccountId;
  readonly heard: NonNullable<AcceptedBatch["heard"]>;
  readonly judged: readonly Judged[];
  /** Unix time in milliseconds. */
  readonly arrivedAt: number;
}

function keyOf({ accountId, channelId }: InboundMessage): string {
  return `${accountId} ${channelId}`;
}

/** TODO at merge: the highest id on record. */
function prepareNewest(database: DatabaseSync) {
  const select = database.prepare(
    "SELECT message_id AS id FROM decision ORDER BY length(message_id) DESC, message_id DESC LIMIT 1",
  );
  let newest: string | undefined;
  const isAfter = (one: string, other: string) =>
    one.length === other.length ? one > other : one.length > other.length;
  return {
    isNew(id: string): boolean {
      newest ??= String(select.get()?.["id"] ?? "");
      return isAfter(id, newest);
    },
    note(id: string): void {
      if (newest !== undefined && isAfter(id, newest)) newest = id;
    },
  };
}
