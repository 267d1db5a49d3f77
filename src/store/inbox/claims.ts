/**
 * Claims waiting messages for turns (T2).
 *
 * One process writes to a store (`host/locks/lock.ts`), so a claim needs no lease. A row that is
 * running when a process starts was claimed by a dead process.
 */

import type { DatabaseSync } from "node:sqlite";
import type { MessageId } from "../../core/discord/ids.ts";
import { type Claim, lastOf } from "../../core/inbound/inbox.ts";
import type { InboundMessage } from "../../core/inbound/inbound.ts";
import { ACCOUNT_MAX, type MayBegin, SESSION_MAX, type WaitingMessage } from "../memory/backlog.ts";
import type { Memory } from "../memory/memory.ts";
import { COMMIT_OPTIONS, UNNAMED } from "../database/durability.ts";
import type { Transactions } from "../database/transact.ts";
import { IS_PARKED, UPLOADED_FILES } from "../schema/questions.ts";
import type { ClaimRecord, InboxRows } from "../turns/inbox_rows.ts";
import { prepareInsertSteps } from "../turns/turn_ends.ts";
import { readMessage, readWaiting } from "./rows.ts";
import type { Admits, Carries, Claims } from "../../core/store/inbox.ts";

/** Maximum number of messages that one turn answers. */
const CARRIED_MAX = 20;

/** Maximum number of an account's waiting messages whose texts are read before their claims. */
const TEXTS_MAX = 1_000;

const isAlone: Admits = (_, running) => running.length === 0;

/** Messages that became part of a turn. */
interface JoinedMessages {
  readonly entries: readonly WaitingMessage[];
  readonly messages: readonly InboundMessage[];
  /** Those that the tables have. */
  readonly stored: readonly WaitingMessage[];
}

function claimOf(turn: MessageId, entries: readonly WaitingMessage[], now: number): ClaimRecord {
  const messages = entries.map(({ messageId, attempts }) => ({ messageId, attempt: attempts + 1 }));
  return { turn, messages, now };
}

/**
 * Creates the storage of claims.
 *
 * The function is longer than most, because its inner functions share one state: the queue of
 * claims in memory.
 */
export function createClaims(
  database: DatabaseSync,
  { commit, journaled, read }: Transactions,
  { claims: queue, outgoing }: Pick<Memory, "claims" | "outgoing">,
  inbox: Pick<InboxRows, "claim">,
): Claims {
  const insertSteps = prepareInsertSteps(database);
  // A turn that a change has ended is `running` in the table until its next claim.
  const selectWaiting = database.prepare(
    `SELECT id, message_id, account_id, channel_id, agent_id, session_key, attempt, turn_of,
            message ->> '$.guildId' AS guild_id, message ->> '$.sender' AS sender,
            message ->> '$.scheduled' IS NOT NULL AS is_scheduled,
            CASE WHEN in_account <= ${TEXTS_MAX} THEN message END AS message, uploaded FROM (
       SELECT *, ${UPLOADED_FILES} AS uploaded,
              ROW_NUMBER() OVER (PARTITION BY session_key ORDER BY id) AS in_session,
              ROW_NUMBER() OVER (PARTITION BY account_id ORDER BY id) AS in_account
       FROM inbox
       WHERE finished_at IS NULL AND state IN ('waiting', 'running') AND NOT ${IS_PARKED}
         AND message_id NOT IN (SELECT value FROM json_each(?))
     )
     WHERE in_session <= ${SESSION_MAX + 1} AND in_account <= ${ACCOUNT_MAX + 1}
     ORDER BY id`,
  );
  const selectMessage = database.prepare(
    `SELECT message, ${UPLOADED_FILES} AS uploaded FROM inbox WHERE message_id = ?`,
  );
  const release = database.prepare(
    `UPDATE inbox SET state = 'waiting'
     WHERE (message_id = ? AND attempt = ? OR turn_of = ?) AND state = 'running'`,
  );
  const voidClaims = database.prepare(
    `UPDATE inbox SET state = 'waiting'
     WHERE finished_at IS NULL AND state = 'running' AND (:accountId IS NULL OR account_id = :accountId)`,
  );

  const claimed = journaled<ClaimRecord>("claim", inbox.claim);

  function fill(): void {
    queue.fill(selectWaiting.all(JSON.stringify(queue.running())).map(readWaiting));
  }

  /**
   * T2, as far as it must be stored. A turn that an earlier process began is counted before it
   * begins again. So a message that makes the process crash is given up eventually. A message that
   * this process has stored may lose its first claim in a crash: it gets one more attempt. So that
   * claim is not stored if the turn soon ends.
   *
   * @param stored Messages that the tables have; the others reach the tables as claimed.
   */
  async function storeClaim(claim: Claim, stored: readonly WaitingMessage[], now: number) {
    const record = claimOf(claim.message.id, stored, now);
    if (stored.every(({ isFresh, attempts }) => isFresh && attempts === 0)) {
      claimed.ifNeeded(COMMIT_OPTIONS.T2, record, () => queue.isRunning(claim));
    } else await claimed.append(COMMIT_OPTIONS.T2, record);
  }

  const readText = ({ messageId }: WaitingMessage): Promise<InboundMessage> =>
    read(() => readMessage(selectMessage.get(messageId)));

  /**
   * Adds messages that wait behind a turn to it, in memory.
   *
   * @param decide Whether the turn gets a message; `end` ends the search.
   * @param max Maximum number of them.
   * @param last Only those behind this message; absent: all of the session.
   */
  async function join(
    turn: WaitingMessage,
    max: number,
    decide: (entry: WaitingMessage, message: InboundMessage) => "take" | "skip" | "end",
    last?: MessageId,
  ): Promise<JoinedMessages> {
    const entries: WaitingMessage[] = [];
    const stored: WaitingMessage[] = [];
    const messages: InboundMessage[] = [];
    let after = last;
    while (entries.length < max) {
      const entry = queue.behind(turn.messageId, after);
      if (!entry) break;
      after = entry.messageId;
      const message = entry.message ?? await readText(entry);
      const decision = decide(entry, message);
      if (decision === "end") break;
      if (decision === "skip") continue;
      const isStored = queue.isStored(entry.messageId); // otherwise it reaches the tables as claimed
      if (!queue.join(turn.messageId, entry)) break; // an edit came in between
      entries.push(entry);
      messages.push(message);
      if (isStored) stored.push(entry);
    }
    return { entries, messages, stored };
  }

  /**
   * Of a turn that no attempt has begun. An older message may wait, too: of a person whose turn runs
   * elsewhere. It has a turn of its own, for the answer belongs to the newest message of a turn.
   */
  function joinBehind(turn: WaitingMessage, last: InboundMessage, carries: Carries, max: number) {
    let newest = last;
    return join(turn, max, (entry, message) => {
      if (entry.attempts > 0 || !carries(newest, message)) return "end";
      newest = message;
      return "take";
    }, last.id);
  }

  /** The messages that an earlier attempt of the turn had. */
  const joinEarlier = (turn: WaitingMessage) =>
    join(turn, Infinity, ({ turnOf }) => turnOf === turn.messageId ? "take" : "skip");

  return {
    async claimNext(accountId, now, blocked, carries = () => false, admits = isAlone) {
      for (;;) {
        if (blocked === "all") return undefined;
        if (queue.isStale) await read(() => queue.isStale && fill());
        const mayBegin: MayBegin = (entry, running) =>
          !blocked.includes(entry.channelId) && admits(entry, running);
        const taken = queue.take(accountId, mayBegin, now);
        if (!taken) return undefined;
        const { messageId, route, attempts } = taken;
        try {
          const isStored = queue.isStored(messageId); // otherwise it reaches the tables as claimed
          // If nothing waits in the channel, the answer is stored with its intent (T3 and T4).
          if (!outgoing.queues.queueOf(accountId, taken.channelId)) {
            await read(() => outgoing.checkChannel(accountId, taken.channelId));
          }
          const message = taken.message ?? await readText(taken);
          const { messages: also, stored } = attempts > 0
            ? await joinEarlier(taken)
            : await joinBehind(taken, message, carries, CARRIED_MAX - 1);
          const claim = {
            message,
            also: also.length > 0 ? also : undefined,
            route,
            attempt: attempts + 1,
          };
          if (!queue.isRunning(claim)) continue; // an edit or a deletion came in between
          // After all reads: a stored claim that is put back would block its session.
          const inTables = isStored ? [taken, ...stored] : stored;
          if (inTables.length > 0) await storeClaim(claim, inTables, now);
          return claim;
        } catch (error) {
          queue.putBack(taken);
          throw error;
        }
      }
    },
    async takeIn(running, now, carries, stepsWith) {
      const { message: { id: messageId, accountId }, also = [], attempt } = running;
      if (!queue.behind(messageId)) return undefined;
      const [turn] = queue.entriesOf(messageId);
      if (!turn || !queue.isRunning(running)) return undefined;
      const room = CARRIED_MAX - 1 - also.length;
      const { entries: joined, messages } = await joinBehind(turn, lastOf(running), carries, room);
      if (messages.length === 0) return undefined;
      try {
        await commit(COMMIT_OPTIONS.TS, () => {
          if (!queue.isRunning(running)) {
            throw new Error(`The turn of message ${messageId} has ended`);
          }
          inbox.claim(claimOf(messageId, joined, now));
          insertSteps({ accountId, messageId, attempt }, stepsWith(messages));
        });
      } catch (error) {
        queue.unjoin(messageId, joined);
        throw error;
      }
      return { ...running, also: [...also, ...messages] };
    },
    isRunning: queue.isRunning,
    async release(ended) {
      const { message, attempt } = ended;
      if (!queue.isRunning(ended)) return; // a change has ended it: its messages wait already
      await commit(UNNAMED, () => void release.run(message.id, attempt, message.id));
      queue.release(ended);
    },
    async voidClaims(accountId) {
      const voided = await commit(
        UNNAMED,
        () => Number(voidClaims.run({ accountId: accountId ?? null }).changes),
      );
      queue.void(accountId);
      return voided;
    },
  };
}
