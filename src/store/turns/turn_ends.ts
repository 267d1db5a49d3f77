/**
 * Stores the ends of turns (T3): transcript, frozen reply and the message's new state are one
 * transaction.
 *
 * Only a claim that runs according to memory can end, so a second end stores nothing.
 *
 * The steps of a turn that calls tools are stored before its end, each before the next one begins,
 * so the next process continues the turn (TS). A turn without tools has no steps, and costs nothing
 * here.
 */

import type { DatabaseSync } from "node:sqlite";
import type { ChannelId, MessageId } from "../../core/discord/ids.ts";
import type { InboundMessage } from "../../core/inbound/inbound.ts";
import {
  type Claim,
  type FinishedTurn,
  messagesOf,
  type Route,
  type StoredTurn,
  type TurnEnd,
} from "../../core/inbound/inbox.ts";
import type { Entry } from "../../core/inbound/transcript.ts";
import type { Charge, TurnCost } from "../../core/spending/usage.ts";
import type { Step } from "../../core/step.ts";
import { withoutControls } from "../../lib/text/quoted.ts";
import { COMMIT_OPTIONS, statementsOf, type Transactions } from "../database/durability.ts";
import type { Memory } from "../memory/memory.ts";
import { isRunning } from "../memory/open_turns.ts";
import { prepareAddTurn } from "../outbox/turn_outbox.ts";
import { json, rows } from "../schema/columns.ts";
import type { UsageRows } from "../usage/usage.ts";
import type { TranscriptRows } from "./transcripts.ts";

/** A claim of messages (T2). */
export interface ClaimRecord {
  readonly turn: string;
  readonly messages: readonly { readonly messageId: string; readonly attempt: number }[];
  /** Unix time in milliseconds. */
  readonly now: number;
}

interface EndRecord {
  readonly messageId: string;
  /** Number of the turn for the message, from 1. */
  readonly attempt: number;
  /** When the turn began. */
  readonly claimedAt: number;
  /** Ids of the further messages that the turn answers; absent: none. */
  readonly also?: readonly string[];
  readonly end: TurnEnd;
  /** Cost of the whole turn; absent if no model was asked. */
  readonly cost?: TurnCost;
  /** Unix time in milliseconds. */
  readonly now: number;
}

export function prepareInboxRows(database: DatabaseSync) {
  const sql = statementsOf(database);
  const insert = sql`
    INSERT INTO inbox (message_id, account_id, channel_id, agent_id, session_key, message,
                       accepted_at, state, attempt)
    VALUES (?, ?, ?, ?, ?, ?, ?, 'waiting', 0)
    ON CONFLICT (message_id) DO NOTHING`;
  const markRunning = sql`
    UPDATE inbox SET state = 'running', attempt = ?, claimed_at = ?, turn_of = ?
    WHERE message_id = ? AND (state = 'waiting' OR state = 'running' AND attempt < ?)`;
  const finish = sql`UPDATE inbox
     SET state = ?, attempt = MAX(attempt, ?), claimed_at = COALESCE(claimed_at, ?), turn_of = ?,
         finished_at = ?, failure_id = ?, failure = ?, cost = ?, reply_to = ?
     WHERE message_id = ? AND state IN ('waiting', 'running')`;
  const selectEnded = sql`
    SELECT 1 FROM inbox WHERE message_id = ? AND finished_at IS NOT NULL`;
  const hasEnded = (messageId: string) => selectEnded.get(messageId) !== undefined;

  return {
    /**
     * Adds a message.
     *
     * @returns Whether it was new. If two accounts accept one message, the first one answers it (G7).
     */
    add(message: InboundMessage, route: Route, acceptedAt: number) {
      const { id, accountId, channelId } = message;
      const { agentId, sessionKey } = route;
      const json = JSON.stringify(message);
      return insert.run(id, accountId, channelId, agentId, sessionKey, json, acceptedAt).changes >
        0;
    },
    /** Notes a claim of messages that wait, or that an earlier claim has. */
    claim({ turn, messages, now: claimedAt }: ClaimRecord) {
      // A stop may have ended the first message before this record came: the others keep the turn.
      const kept = messages.length > 1 && hasEnded(turn)
        ? messages.find(({ messageId }) => !hasEnded(messageId))
        : undefined;
      const first = kept?.messageId ?? turn;
      for (const { messageId, attempt } of messages) {
        const turnOf = messageId === first ? null : first;
        markRunning.run(attempt, claimedAt, turnOf, messageId, attempt);
      }
    },
    /** Ends a turn. Returns whether its first message was in the inbox without an end. */
    end({ messageId, attempt, claimedAt, also = [], end: how, cost, now }: EndRecord) {
      const failureId = how.kind === "failed" ? how.failureId : null;
      const reason = "reason" in how ? how.reason ?? null : null;
      const last = also.at(-1);
      const endRow = (id: string, turnOf: string | null, json: string | null) => {
        const replyTo = last === undefined || last === id ? null : last;
        const end = [now, failureId, reason, json, replyTo];
        return finish.run(how.kind, attempt, claimedAt, turnOf, ...end, id).changes > 0;
      };
      if (!endRow(messageId, null, cost ? JSON.stringify(cost) : null)) return false;
      for (const id of also) endRow(id, messageId, null);
      return true;
    },
  };
}

export type InboxRows = ReturnType<typeof prepareInboxRows>;

const NOT_STORED: StoredTurn = { stored: false, dropped: 0 };

export interface TurnTables {
  readonly inbox: InboxRows;
  readonly usage: UsageRows;
}

interface TurnRecord extends EndRecord {
  readonly accountId: string;
  readonly agentId: string;
  readonly sessionKey: string;
  readonly channelId: ChannelId;
  readonly entries: readonly Entry[];
  readonly steps: readonly Step[];
  readonly charges: readonly Charge[];
  readonly told?: NonNullable<FinishedTurn["told"]>;
}

interface EndingTurn extends FinishedTurn {
  readonly claimedAt: number;
}

function recordOf(
  { claim, claimedAt, end, entries, steps = [], charges = [], cost, told }: EndingTurn,
  now: number,
): TurnRecord {
  const { message: { accountId, id: messageId, channelId }, route, attempt } = claim;
  const also = claim.also?.map(({ id }) => id);
  const of = { accountId, messageId, attempt, claimedAt, also, channelId, ...route };
  return { ...of, end, entries, steps, charges, cost, told, now };
}

export function createTurnEnds(
  { database, commit }: Transactions,
  { turns, apply: note, spent, forgotten }: Memory,
  transcripts: TranscriptRows,
  tables: TurnTables,
) {
  const addTurn = prepareAddTurn(database);
  const insertSteps = prepareInsertSteps(database);

  /** Does a record's work; `false` and nothing if the turn has an end, or its account has moved. */
  function apply(record: TurnRecord): boolean {
    if (!tables.inbox.end(record)) return false;
    const { accountId, messageId, attempt, entries, steps } = record;
    tables.usage.add(record);
    transcripts.insert(record, entries);
    insertSteps({ accountId, messageId, attempt }, steps);
    return true;
  }

  function store(turn: EndingTurn, now: number, maxWaiting?: number): StoredTurn | "again" {
    const { claim, entries, steps = [] } = turn;
    if (!isRunning(turns, claim)) return NOT_STORED;
    if (forgotten.hasRead(claim.message.id, [...entries, ...steps])) return "again";
    if (!apply(recordOf(turn, now))) return NOT_STORED;
    return { stored: true, dropped: addTurn(turn, now, maxWaiting) };
  }

  return {
    /**
     * T3: stores the end of a turn, its entries and its messages.
     *
     * @param maxWaiting Maximum number of the channel's waiting messages; absent: no bound.
     * @returns `stored` is false if the claim does not run any more; nothing is stored then.
     */
    async finishTurn(given: FinishedTurn, now: number, maxWaiting?: number): Promise<StoredTurn> {
      const { claim } = given;
      const running = turns.running.get(claim.message.id);
      if (running?.attempt !== claim.attempt) return NOT_STORED;
      const { claimedAt } = running;
      const counted = spent.begin(given.charges ?? [], given.told?.userId);
      const remember = transcripts.storing(claim.route.sessionKey);
      const entries = given.entries.map((entry) => ({
        ...entry,
        text: withoutControls(entry.text),
      }));
      const ending = { ...given, entries, claimedAt };
      const storing = commit(COMMIT_OPTIONS.T3, () => store(ending, now, maxWaiting), {
        onStored(done) {
          if (done === "again") return note({ kind: "again", turns: [claim.message.id] });
          if (done.stored) remember(entries);
          note({ kind: "ended", claim });
        },
      });
      const done = await storing.catch((error: unknown) => {
        counted(false);
        throw error;
      });
      const stored = done === "again" ? NOT_STORED : done;
      counted(stored.stored);
      return stored;
    },
  };
}

const STEP = rows({ step: json<Step>() }); // ours, written below

/** Adds steps within a transaction of the caller's. */
export function prepareInsertSteps(database: DatabaseSync): (of: {
  readonly accountId: string;
  readonly messageId: string;
  /** Number of the turn for the message, from 1. */
  readonly attempt: number;
}, steps: readonly Step[]) => void {
  const sql = statementsOf(database);
  const insert = sql`
    INSERT INTO step (account_id, message_id, attempt, step, at) VALUES (?, ?, ?, ?, ?)`;
  return ({ accountId, messageId, attempt }, steps) => {
    for (const step of steps) {
      insert.run(accountId, messageId, attempt, JSON.stringify(step), step.at);
    }
  };
}

export function createSteps(
  { database, sql, commit, read }: Transactions,
  { turns, apply, spent, forgotten }: Memory,
  tables: TurnTables,
) {
  const select = sql`SELECT step FROM step WHERE message_id = ? ORDER BY id`;
  const insert = prepareInsertSteps(database);
  return {
    /** The stored steps of a message's turn, in order, from all processes that ran it. */
    stepsOf: (messageId: MessageId): Promise<readonly Step[]> =>
      read(() => select.all(messageId).map((row) => STEP.read(row).step)),
    /**
     * TS: adds steps to a turn.
     *
     * @param waitsForDisk Whether the steps must survive a power cut.
     * @param charges Requests to models since the last TS.
     * @throws {Error} If the claim does not run any more; then the turn must not continue.
     */
    async addSteps(
      claim: Claim,
      steps: readonly Step[],
      waitsForDisk: boolean,
      charges: readonly Charge[] = [],
    ) {
      const { message: { id: turn, accountId }, attempt } = claim;
      const messages = messagesOf(claim).map(({ id }) => ({ messageId: id, attempt }));
      const claimed = { turn, messages, now: steps[0]?.at ?? 0 };
      const assertRunning = (): void => {
        if (isRunning(turns, claim)) return;
        throw new Error(`The turn of message ${turn} has ended`);
      };
      assertRunning();
      const end = spent.begin(charges);
      const options = waitsForDisk ? COMMIT_OPTIONS.TS_BEGUN : COMMIT_OPTIONS.TS;
      try {
        await commit(options, () => {
          assertRunning();
          tables.usage.add({ charges });
          if (forgotten.hasRead(turn, steps)) return true;
          tables.inbox.claim(claimed);
          insert({ accountId, messageId: turn, attempt }, steps);
          return false;
        }, {
          onStored(isAgain) {
            if (isAgain) apply({ kind: "again", turns: [turn] });
          },
        });
        end(true);
      } catch (error) {
        end(false);
        throw error;
      }
      assertRunning(); // a change may have ended it meanwhile
    },
  };
}

export type Steps = ReturnType<typeof createSteps>;
