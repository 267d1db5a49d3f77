/**
 * Stores the ends of turns (T3): transcript, frozen reply and the message's new state are one
 * transaction.
 *
 * Only a claim that runs according to memory can end, so a second end stores nothing.
 *
 * The steps of a turn that calls tools are stored before its end, each before the next one begins, so
 * the next process continues the turn (TS). A turn without tools has no steps, and costs nothing here.
 */

import type { DatabaseSync } from "node:sqlite";
import { statementsOf } from "../database/statements.ts";
import type { ChannelId, MessageId } from "../../core/discord/ids.ts";
import {
  type Claim,
  type FinishedTurn,
  messagesOf,
  type StoredTurn,
} from "../../core/inbound/inbox.ts";
import type { Entry } from "../../core/inbound/transcript.ts";
import type { Charge } from "../../core/spending/usage.ts";
import type { Step } from "../../core/step.ts";
import { withoutControls } from "../../lib/text/quoted.ts";
import { COMMIT_OPTIONS } from "../database/durability.ts";
import type { Transactions } from "../database/transact.ts";
import type { Memory } from "../memory/memory.ts";
import { isRunning } from "../memory/open_turns.ts";
import { prepareAddTurn } from "../outbox/turn_outbox.ts";
import { json, rows } from "../schema/columns.ts";
import type { EndRecord, InboxRows } from "./inbox_rows.ts";
import type { TranscriptRows } from "./transcripts.ts";
import type { UsageRows } from "../usage/usage.ts";

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
export function prepareInsertSteps(
  database: DatabaseSync,
): (of: {
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
  { turns, apply, spent, forgotten }: Pick<Memory, "turns" | "apply" | "spent" | "forgotten">,
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
