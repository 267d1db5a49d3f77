/**
 * Stores a batch as one transaction (T1): messages with their verdicts, echoes of our own messages,
 * guilds, and the gateway's progress.
 *
 * The sequence number is in the same transaction as the events that it covers. A process that dies
 * before the commit resumes from the number before, and gets all of them again. Messages that were
 * read over REST have no sequence number, and do not change the progress.
 */

import type { Accepted, AcceptedBatch } from "../../core/inbound/inbox.ts";
import type { InboundMessage } from "../../core/inbound/inbound.ts";
import { type BatchDeps, directOf, prepareStoreBatch } from "./store_batch.ts";
import { prepareWaitingTurns } from "./waiting_turns.ts";
import { prepareUnpairedSenders } from "../pairing/unpaired_senders.ts";
import { prepareMessageBlocks } from "../messages/message_blocks.ts";
import { prepareChanges } from "./changes.ts";
import { prepareStops } from "./cuts.ts";
import { COMMIT_OPTIONS } from "../database/durability.ts";
import type { Transactions } from "../database/transact.ts";

export function createBatches(
  { database, commit, read }: Transactions,
  { memory, verdicts, pruner, transcripts, inbox, commands, onRecorded }: BatchDeps,
) {
  const { direct } = memory;
  const unpairedSenders = prepareUnpairedSenders(database);
  const waitingTurns = prepareWaitingTurns(database, memory);
  const blocks = prepareMessageBlocks(database);
  const changes = prepareChanges(database, memory, blocks, transcripts);
  const stops = prepareStops(database);
  const deps = { memory, verdicts, pruner, transcripts, inbox, commands };
  const store = prepareStoreBatch(database, deps, unpairedSenders, waitingTurns, changes, stops);

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
      const name = isFirst ? "FIRST_DM" : "T1";
      const mayCut = (batch.changes ?? []).length > 0 || batch.judged.some(({ stop }) => stop);
      const storing = commit(COMMIT_OPTIONS[name], () => store(batch, arrivedAt), {
        isAlone: mayCut, // so that no turn ends with the answer to another text
        onStored({ recorded, accepted, applied }) {
          for (const message of directOf(recorded)) direct.add(keyOf(message));
          memory.accepted(accepted);
          if (applied) changes.remember(applied);
        },
      });
      const { recorded, applied: _, ...accepted } = await storing;
      onRecorded(recorded);
      return accepted;
    },
  };
}

function keyOf({ accountId, channelId }: InboundMessage): string {
  return `${accountId} ${channelId}`;
}
