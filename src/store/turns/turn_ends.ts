/**
 * Stores the ends of turns (T3): transcript, frozen reply and the message's new state are one
 * transaction.
 *
 * Only a claim that runs according to memory can end, so a second end stores nothing. An answer of
 * plain messages is journaled if the queue of its channel is in memory. If nothing waits in that
 * queue, the intent to send the first message (T4) is part of the same record.
 *
 * The steps of a turn that calls tools are stored before its end, each before the next one begins, so
 * the next process continues the turn (TS). A turn without tools has no steps, and costs nothing here.
 */

import type { DatabaseSync } from "node:sqlite";
import { z } from "zod";
import { column } from "../schema/columns.ts";
import type { ChannelId } from "../../core/discord/ids.ts";
import {
  type FinishedTurn,
  messagesOf,
  type StoredTurn,
  type TurnEnd,
} from "../../core/inbound/inbox.ts";
import type { OutboxRow } from "../../core/outbound/outbound.ts";
import type { PlanQueue } from "../../core/outbound/queue.ts";
import type { Step } from "../../core/step.ts";
import type { Entry } from "../../core/inbound/transcript.ts";
import type { Charge, TurnCost } from "../../core/spending/usage.ts";
import { withoutControls } from "../../lib/text/quoted.ts";
import type { Memory } from "../memory/memory.ts";
import type { SendQueue } from "../memory/send_queues.ts";
import { type PlainRow, prepareInsertRow } from "../outbox/rows.ts";
import { COMMIT_OPTIONS } from "../database/durability.ts";
import type { Transactions } from "../database/transact.ts";
import { prepareInsertUsage } from "../usage/charges.ts";
import { prepareAddTurn } from "../outbox/turn_outbox.ts";
import type { Steps, TurnEnds } from "../../core/store/turns.ts";
import type { TranscriptRows } from "./transcripts.ts";

const NOT_STORED: StoredTurn = { stored: false, folded: 0, dropped: 0 };

const revisionSchema = z.object({ revision: column.number });

/** The journal's record of a T3. */
interface TurnRecord {
  readonly accountId: string;
  readonly messageId: string;
  /** Number of the turn for the message; absent in records of earlier versions: 1. */
  readonly attempt?: number;
  /** When the turn began, which no T2 may have stored; absent in records of earlier versions. */
  readonly claimedAt?: number;
  /** Ids of the further messages that the turn answers; absent: none. */
  readonly also?: readonly string[];
  readonly agentId: string;
  readonly sessionKey: string;
  readonly channelId: ChannelId;
  readonly end: TurnEnd;
  readonly entries: readonly Entry[];
  readonly steps: readonly Step[];
  /** Its messages, if the tables need not decide about them. */
  readonly rows: readonly PlainRow[];
  readonly charges: readonly Charge[];
  readonly cost?: TurnCost;
  readonly told?: NonNullable<FinishedTurn["told"]>;
  readonly now: number;
}

/** A turn that ends, with the time when it began. */
interface EndingTurn extends FinishedTurn {
  readonly claimedAt: number;
}

function recordOf(
  { claim, claimedAt, end, entries, steps = [], charges = [], cost, told }: EndingTurn,
  rows: readonly PlainRow[],
  now: number,
): TurnRecord {
  const { message: { accountId, id: messageId, channelId }, route, attempt } = claim;
  const also = claim.also?.map(({ id }) => id);
  const of = { accountId, messageId, attempt, claimedAt, also, channelId, ...route };
  return { ...of, end, entries, steps, rows, charges, cost, told, now };
}

/**
 * Creates the storage of turn ends.
 *
 * The function is longer than most, because its inner functions share the statements of one
 * transaction (T3).
 */
export function createTurnEnds(
  database: DatabaseSync,
  { commit, journaled }: Transactions,
  { claims, turns, outgoing, spent }: Memory,
  transcripts: TranscriptRows,
): TurnEnds {
  const { queues } = outgoing;
  const addTurn = prepareAddTurn(database, outgoing);
  const insertRow = prepareInsertRow(database);
  const insertSteps = prepareInsertSteps(database);
  const insertUsage = prepareInsertUsage(database);
  // The claim is in memory (T2), so the row may still be `waiting` in the table.
  const finish = database.prepare(
    `UPDATE inbox SET state = ?, finished_at = ?, failure_id = ?, failure = ?, cost = ?,
                      turn_of = ?, reply_to = ?,
                      attempt = MAX(attempt, ?), claimed_at = COALESCE(claimed_at, ?)
     WHERE message_id = ? AND state IN ('waiting', 'running')`,
  );

  const selectRevision = database.prepare(
    "SELECT message ->> '$.revision' AS revision FROM inbox WHERE message_id = ?",
  );

  /** Whether the first message of a turn was in the inbox without an end; ends all of them. */
  function end(record: TurnRecord): boolean {
    const { messageId, attempt = 1, claimedAt = null, also = [], end: how, cost, now } = record;
    const failureId = how.kind === "failed" ? how.failureId : null;
    const reason = how.kind === "failed" || how.kind === "refused" ? how.reason : null;
    const json = cost ? JSON.stringify(cost) : null;
    const last = also.at(-1);
    const endOne = (id: string) =>
      finish.run(
        how.kind,
        now,
        failureId,
        reason,
        id === messageId ? json : null,
        id === messageId ? null : messageId,
        last === undefined || last === id ? null : last,
        attempt,
        claimedAt,
        id,
      ).changes > 0;
    if (!endOne(messageId)) return false;
    for (const id of also) endOne(id);
    return true;
  }

  /** Does a record's work; `false` and nothing if the turn has an end, or its account has moved. */
  function apply(record: TurnRecord): boolean {
    if (!end(record)) return false;
    const { accountId, messageId, attempt = 1, entries, steps, rows, now } = record;
    insertUsage(record);
    transcripts.insert(record, entries);
    insertSteps({ accountId, messageId, attempt }, steps);
    for (const row of rows) insertRow(row, now);
    return true;
  }

  const records = journaled<TurnRecord>("turn", apply);

  async function journal(turn: EndingTurn, queue: SendQueue, now: number): Promise<StoredTurn> {
    const { accountId, channelId } = turn.claim.message;
    const isFirst = queue.waiting.length === 0;
    const firstId = outgoing.reserve(turn.outbox.length);
    const rows = turn.outbox.map(({ message, whole }, index): PlainRow => ({
      id: firstId + index,
      message,
      whole,
      isIntended: isFirst && index === 0,
    }));
    const waiting = rows.map(({ id, message }): OutboxRow => ({
      id,
      message,
      fileCount: 0,
      action: { kind: "post" },
    }));
    queues.add(queue, waiting, isFirst);
    const options = isFirst && rows.length > 0 ? COMMIT_OPTIONS.T3_T4 : COMMIT_OPTIONS.T3;
    try {
      await records.append(options, recordOf(turn, rows, now));
    } catch (error) {
      queues.forget(accountId, channelId);
      throw error;
    }
    queues.stored(queue, waiting);
    return { stored: true, folded: 0, dropped: 0 };
  }

  /** Whether a message of the turn has another text than the turn has answered. */
  function isOutdated({ claim }: FinishedTurn): boolean {
    return messagesOf(claim).some(({ id, revision }) => {
      const row = selectRevision.get(id);
      return row !== undefined && revisionSchema.parse(row).revision > revision;
    });
  }

  function store(turn: EndingTurn, now: number, queue: PlanQueue | undefined): StoredTurn {
    if (claims.isHeld && isOutdated(turn)) return NOT_STORED;
    if (!apply(recordOf(turn, [], now))) return NOT_STORED;
    return { stored: true, ...addTurn(turn, now, queue) };
  }

  return {
    async finishTurn(ended, now, queue) {
      const { claim } = ended;
      const claimedAt = claims.claimedAt(claim);
      if (claimedAt === undefined) return NOT_STORED;
      const entries = ended.entries.map((entry) => ({
        ...entry,
        text: withoutControls(entry.text),
      }));
      const turn = { ...ended, entries, claimedAt };
      const counted = spent.begin(turn.charges ?? [], turn.told?.userId);
      const { isHeld } = claims;
      const remember = transcripts.storing(claim.route.sessionKey);
      const { accountId, channelId } = claim.message;
      const known = isHeld || !queues.hasRoom() ? undefined : queues.queueOf(accountId, channelId);
      const storing = known && isPlain(turn, known.waiting.length, queue)
        ? journal(turn, known, now)
        : commit(COMMIT_OPTIONS.T3, () => store(turn, now, queue));
      const stored = await storing.catch((error: unknown) => {
        counted(false);
        throw error;
      });
      counted(stored.stored);
      if (stored.stored) remember(entries);
      if (!stored.stored && isHeld) return stored; // memory ends the claim with the change
      claims.end(claim);
      for (const { id } of messagesOf(claim)) turns.end(id);
      return stored;
    },
  };
}

/**
 * Whether a turn can be journaled, if memory knows its channel's queue.
 *
 * @param waiting Number of messages in that queue.
 */
function isPlain(
  { claim: { message: { channelId }, attempt }, outbox, mayHaveDrafts }: FinishedTurn,
  waiting: number,
  queue?: PlanQueue,
): boolean {
  // An earlier attempt may have left drafts, which the tables know.
  return !mayHaveDrafts && attempt === 1 &&
    waiting + outbox.length <= (queue?.maxQueueSize ?? Infinity) &&
    outbox.every(({ message, files, draft }) =>
      files.length === 0 && !draft && message.nonce !== "" && message.channelId === channelId
    );
}

/** Adds steps within a transaction of the caller's. */
export type InsertSteps = (of: TurnOfSteps, steps: readonly Step[]) => void;

/** The turn that steps belong to. */
export interface TurnOfSteps {
  readonly accountId: string;
  /** The answered message. */
  readonly messageId: string;
  /** Number of the turn for the message, from 1. */
  readonly attempt: number;
}

const stepSchema = z.object({ step: column.text });

/** Prepares the adding of steps. */
export function prepareInsertSteps(database: DatabaseSync): InsertSteps {
  const insert = database.prepare(
    "INSERT INTO step (account_id, message_id, attempt, step, at) VALUES (?, ?, ?, ?, ?)",
  );
  return ({ accountId, messageId, attempt }, steps) => {
    for (const step of steps) {
      insert.run(accountId, messageId, attempt, JSON.stringify(step), step.at);
    }
  };
}

/** The journal's record of a T2. */
export interface ClaimRecord {
  /** The message that the turn begins with. */
  readonly turn: string;
  readonly messages: readonly { readonly messageId: string; readonly attempt: number }[];
  /** Unix time in milliseconds. */
  readonly now: number;
}

/** Prepares the statement of claims, within a transaction of the caller's. */
export function prepareMarkRunning(database: DatabaseSync): (claim: ClaimRecord) => void {
  const claim = database.prepare(
    `UPDATE inbox SET state = 'running', attempt = ?, claimed_at = ?, turn_of = ?
     WHERE message_id = ? AND (state = 'waiting' OR state = 'running' AND attempt < ?)`,
  );
  return ({ turn, messages, now }) => {
    for (const { messageId, attempt } of messages) {
      claim.run(attempt, now, messageId === turn ? null : turn, messageId, attempt);
    }
  };
}

/**
 * The journal's record of a TS. It has the claim, too, because a crash may undo a first T2: a turn
 * without an attempt before it would not look for steps.
 */
interface StepsRecord {
  readonly claim: ClaimRecord;
  readonly accountId: string;
  readonly attempt: number;
  readonly steps: readonly Step[];
  readonly charges: readonly Charge[];
}

/** Creates the storage of steps. */
export function createSteps(
  database: DatabaseSync,
  { journaled, read }: Transactions,
  { claims, spent }: Pick<Memory, "claims" | "spent">,
): Steps {
  const insertUsage = prepareInsertUsage(database);
  const select = database.prepare("SELECT step FROM step WHERE message_id = ? ORDER BY id");
  const insert = prepareInsertSteps(database);
  const markRunning = prepareMarkRunning(database);
  const records = journaled<StepsRecord>("steps", (record) => {
    const { claim, accountId, attempt, steps, charges } = record;
    markRunning(claim);
    insert({ accountId, messageId: claim.turn, attempt }, steps);
    insertUsage({ charges });
  });

  return {
    stepsOf: (messageId) => read(() => select.all(messageId).map(readStep)),
    async addSteps(claim, steps, waitsForDisk, charges = []) {
      const { message: { id: turn, accountId }, attempt } = claim;
      const messages = messagesOf(claim).map(({ id }) => ({ messageId: id, attempt }));
      const claimed = { turn, messages, now: steps[0]?.at ?? 0 };
      const assertRunning = (): void => {
        if (claims.isRunning(claim)) return;
        throw new Error(`The turn of message ${turn} has ended`);
      };
      assertRunning();
      const end = spent.begin(charges);
      const options = waitsForDisk ? COMMIT_OPTIONS.TS_BEGUN : COMMIT_OPTIONS.TS;
      try {
        await records.append(options, { claim: claimed, accountId, attempt, steps, charges });
        end(true);
      } catch (error) {
        end(false);
        throw error;
      }
      assertRunning(); // a change may have ended it meanwhile
    },
  };
}

/** Ours, written by {@link prepareInsertSteps}. */
function readStep(row: unknown): Step {
  return JSON.parse(stepSchema.parse(row).step);
}
