/**
 * Stores a batch as one transaction (T1): messages with their verdicts, echoes of our own messages,
 * guilds, and the gateway's progress.
 *
 * The sequence number is in the same transaction as the events that it covers. A process that dies
 * before the commit resumes from the number before, and gets all of them again. Messages that were
 * read over REST have no sequence number, and do not change the progress.
 */

import {
  type Accepted,
  type AcceptedBatch,
  type Echo,
  type Judged,
  NOTHING_ACCEPTED,
} from "../../core/inbound/inbox.ts";
import type { InboundMessage } from "../../core/inbound/inbound.ts";
import type { AccountId, ChannelId } from "../../core/discord/ids.ts";
import { directOf, type InboxDeps, prepareStoreBatch } from "./store_batch.ts";
import { prepareWaitingTurns } from "./waiting_turns.ts";
import { prepareUnpairedSenders } from "../pairing/unpaired_senders.ts";
import type { SendQueues } from "../memory/send_queues.ts";
import type { SettleLater } from "../outbox/attempts.ts";
import { prepareMessageBlocks } from "../messages/message_blocks.ts";
import { prepareChanges } from "./changes.ts";
import { prepareStops } from "./cuts.ts";
import { COMMIT_OPTIONS } from "../database/durability.ts";
import type { Transactions } from "../database/transact.ts";

/**
 * Creates the storage of batches. The function is longer than most, because its inner functions
 * share the prepared parts.
 */
export function createBatches(
  { database, commit, journaled, read }: Transactions,
  settleLater: SettleLater,
  { memory, verdicts, pruner, transcripts, inbox, known, onRecorded }: InboxDeps,
) {
  const { direct, outgoing } = memory;
  /** Messages that the tables lack: the journal has them, or they are about to be stored. */
  const unstored = new Set<string>();
  const unpairedSenders = prepareUnpairedSenders(database, outgoing);
  const waitingTurns = prepareWaitingTurns(database, memory);
  const blocks = prepareMessageBlocks(database);
  const changes = prepareChanges(database, memory, blocks, transcripts, known);
  const stops = prepareStops(database, memory);
  const deps = { memory, verdicts, pruner, transcripts, inbox, known };
  const store = prepareStoreBatch(database, deps, unpairedSenders, waitingTurns, changes, stops);
  const settleKnown = prepareSettleKnown(outgoing.queues, settleLater);

  const plain = journaled<{
    readonly accountId: AccountId;
    readonly heard: NonNullable<AcceptedBatch["heard"]>;
    readonly judged: readonly Judged[];
    readonly arrivedAt: number;
  }>("batch", ({ arrivedAt, ...batch }) => {
    for (const { message } of batch.judged) unstored.delete(message.id);
    store({ ...batch, echoes: [], guilds: [] }, arrivedAt, true);
  });

  /**
   * Whether the journal alone can store a batch: all of its messages are accepted, and
   * no account has any of them on record. The text of ignored messages must not go to the disk, so
   * they are not journaled.
   */
  function isPlain(
    { judged, repeated = [], heard, guilds, changes = [], reactions = [], hookEvents }:
      AcceptedBatch,
    unknown: readonly Echo[],
  ): boolean {
    const ids = new Set(judged.map(({ message }) => message.id));
    return heard !== undefined && changes.length === 0 && reactions.length === 0 &&
      guilds.length === 0 && repeated.length === 0 && !hookEvents &&
      unknown.length === 0 &&
      ids.size === judged.length &&
      judged.every(({ verdict: { kind }, message, route, stop }) =>
        kind === "accept" && route !== undefined && !stop && !unstored.has(message.id) &&
        verdicts.isNew(message)
      );
  }

  /** Whether all turns of a plain batch may wait; if so, they count from now on. */
  function mayWait({ judged, waiting }: AcceptedBatch): boolean {
    return waitingTurns.reserve(judged, waiting);
  }

  async function storePlain(
    { accountId, heard, judged }: AcceptedBatch,
    arrivedAt: number,
  ): Promise<Accepted> {
    if (!heard) return NOTHING_ACCEPTED;
    for (const { message: { id } } of judged) unstored.add(id);
    try {
      await plain.append(COMMIT_OPTIONS.T1, { accountId, heard, judged, arrivedAt }, {
        onStored: () => memory.accepted(judged),
      });
    } catch (error) {
      for (const { message: { id } } of judged) unstored.delete(id);
      waitingTurns.cancel(judged);
      throw error;
    }
    onRecorded(judged);
    return { ...NOTHING_ACCEPTED, accepted: judged };
  }

  return {
    /**
     * T1. A message that the store has already stays unchanged, with its verdict. Challenges are
     * settled here. A sender who is paired by now is accepted. If a sender gets a code, the message
     * with the code goes to the outbox. If too many turns wait, an accepted message is refused, and
     * the notice about that goes to the outbox (X4).
     *
     * @param arrivedAt Unix time in milliseconds at which the batch arrived. That may be an hour ago,
     * if the disk has refused it since.
     */
    async acceptBatch(batch: AcceptedBatch, arrivedAt: number): Promise<Accepted> {
      // Only a new code, a channel's first message and a call wait for the disk. A flood cannot produce
      // the first two, and calls have a limit of their own.
      const previewed = batch.judged.some(({ verdict }) => verdict.kind === "challenge")
        ? await read(() => batch.judged.map((judged) => unpairedSenders.preview(judged, arrivedAt)))
        : batch.judged;
      const isFirst = previewed.some(({ verdict }) => verdict.kind === "challenge") ||
        directOf(previewed).some((message) => !direct.has(keyOf(message)));
      if (batch.waiting && memory.turns.counts.isStale) await read(memory.readTurns);
      const { settledIn, unknown } = settleKnown(batch);
      const isCall = batch.judged.some(({ message }) => message.called);
      const name = isFirst ? "FIRST_DM" : isCall ? "CALL" : "T1";
      if (name === "T1" && isPlain(batch, unknown) && mayWait(batch)) {
        const accepted = await storePlain(batch, arrivedAt);
        return { ...accepted, settled: settledIn.length, settledIn };
      }
      // Until this batch is stored, a batch of another account with the same message must not be
      // journaled.
      const mayAccept = batch.judged.filter(({ verdict, message }) =>
        verdict.kind !== "ignore" && verdicts.isNew(message)
      );
      for (const { message: { id } } of mayAccept) unstored.add(id);
      const mayCut = (batch.changes ?? []).length > 0 || batch.judged.some(({ stop }) => stop);
      const storing = commit(
        COMMIT_OPTIONS[name],
        () => store({ ...batch, echoes: unknown }, arrivedAt),
        {
          isAlone: mayCut, // so that no turn ends with the answer to another text
          onStored({ recorded, accepted, applied, settledIn }) {
            for (const message of directOf(recorded)) direct.add(keyOf(message));
            for (const channelId of settledIn) outgoing.queues.forget(batch.accountId, channelId);
            memory.accepted(accepted);
            if (applied) changes.remember(applied);
          },
        },
      );
      if (batch.changes) memory.forgotten.begin(storing);
      const { recorded, repeats, applied: _, ...accepted } = await storing.finally(() => {
        for (const { message: { id } } of mayAccept) unstored.delete(id);
      });
      onRecorded(recorded, repeats);
      return {
        ...accepted,
        settled: accepted.settled + settledIn.length,
        settledIn: [...new Set([...settledIn, ...accepted.settledIn])],
      };
    },
  };
}

export type AcceptedBatches = ReturnType<typeof createBatches>;

/** Settles the echoes of messages that are in memory, outside of a transaction. */
function prepareSettleKnown(queues: Pick<SendQueues, "echoed">, settleLater: SettleLater) {
  return ({ accountId, echoes }: AcceptedBatch) => {
    const settledIn: ChannelId[] = [];
    const unknown = echoes.filter((echo) => {
      const match = queues.echoed(accountId, echo);
      if (match?.kind === "first") {
        settledIn.push(match.row.message.channelId);
        settleLater(match.row, echo.messageId);
      }
      return !match;
    });
    return { settledIn, unknown };
  };
}

function keyOf({ accountId, channelId }: InboundMessage): string {
  return `${accountId} ${channelId}`;
}
