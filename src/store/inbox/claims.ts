/**
 * Claims waiting messages for turns (T2).
 *
 * One process writes to a store (`host/locks/lock.ts`), so a claim needs no lease. A row that is
 * running when a process starts was claimed by a dead process.
 */

import type { AccountId, ChannelId, MessageId } from "../../core/discord/ids.ts";
import { type Claim, lastOf } from "../../core/inbound/inbox.ts";
import type { InboundMessage } from "../../core/inbound/inbound.ts";
import type { MayBegin, WaitingMessage } from "../memory/backlog.ts";
import { type Memory, readMessage } from "../memory/memory.ts";
import { COMMIT_OPTIONS, UNNAMED } from "../database/durability.ts";
import type { Transactions } from "../database/transact.ts";
import { isRunning } from "../memory/open_turns.ts";
import type { ClaimRecord, InboxRows } from "../turns/inbox_rows.ts";
import { prepareInsertSteps } from "../turns/turn_ends.ts";
import type { Admits, Carries } from "../../core/store/inbox.ts";
import type { Step } from "../../core/step.ts";

/** Maximum number of messages that one turn answers. */
const CARRIED_MAX = 20;

const isAlone: Admits = (_, running) => running.length === 0;

/** Messages that may become part of a turn, or have. */
interface Joining {
  readonly entry: WaitingMessage;
  readonly message: InboundMessage;
}

function claimOf(turn: MessageId, entries: readonly WaitingMessage[], now: number): ClaimRecord {
  const messages = entries.map(({ messageId, attempts }) => ({ messageId, attempt: attempts + 1 }));
  return { turn, messages, now };
}

export function createClaims(
  { database, sql, commit, read }: Transactions,
  { turns, apply, readTurns, forgotten }: Pick<
    Memory,
    "turns" | "apply" | "readTurns" | "forgotten"
  >,
  inbox: Pick<InboxRows, "claim">,
) {
  const { backlog } = turns;
  const insertSteps = prepareInsertSteps(database);
  const selectMessage = sql`SELECT message FROM inbox WHERE message_id = ?`;
  const release = sql`UPDATE inbox SET state = 'waiting'
     WHERE (message_id = ? AND attempt = ? OR turn_of = ?) AND state = 'running'`;
  const voidClaims = sql`UPDATE inbox SET state = 'waiting'
     WHERE finished_at IS NULL AND state = 'running' AND (:accountId IS NULL OR account_id = :accountId)`;

  /**
   * T2. A turn is counted before it begins, so a message that makes the process crash is given up
   * eventually.
   */
  const storeClaim = (claim: Claim, entries: readonly WaitingMessage[], now: number) =>
    commit(COMMIT_OPTIONS.T2, () => inbox.claim(claimOf(claim.message.id, entries, now)));

  const readText = ({ messageId }: WaitingMessage): Promise<InboundMessage> =>
    read(() => readMessage(selectMessage.get(messageId)));

  /** Whether a turn still runs, and messages still wait for it, unchanged. */
  const mayJoin = (turn: MessageId, entries: readonly WaitingMessage[]): boolean =>
    turns.running.has(turn) && entries.every((entry) => backlog.find(entry.messageId) === entry);

  /**
   * Finds messages behind a turn.
   *
   * @param decide Whether the turn gets a message; `end` ends the search.
   * @param max Maximum number of them.
   * @param last Only those behind this message; absent: all of the session.
   */
  async function findBehind(
    turn: WaitingMessage,
    max: number,
    decide: (entry: WaitingMessage, message: InboundMessage) => "take" | "skip" | "end",
    last?: MessageId,
  ): Promise<readonly Joining[]> {
    const found: Joining[] = [];
    let after = last;
    while (found.length < max) {
      const entry = backlog.behind(turn, after);
      if (!entry) break;
      after = entry.messageId;
      const message = entry.message ?? await readText(entry);
      const decision = decide(entry, message);
      if (decision === "end") break;
      if (decision === "skip") continue;
      if (!mayJoin(turn.messageId, [entry])) break; // an edit came in between
      found.push({ entry, message });
    }
    return found;
  }

  /**
   * Of a turn that no attempt has begun. An older message may wait, too: of a person whose turn runs
   * elsewhere. It has a turn of its own, for the answer belongs to the newest message of a turn.
   */
  function findNext(turn: WaitingMessage, last: InboundMessage, carries: Carries, max: number) {
    let newest = last;
    return findBehind(turn, max, (entry, message) => {
      if (entry.attempts > 0 || !carries(newest, message, turn.route.agentId)) return "end";
      newest = message;
      return "take";
    }, last.id);
  }

  const findEarlier = (turn: WaitingMessage) =>
    findBehind(
      turn,
      Infinity,
      ({ turnOf }) => turnOf === turn.messageId ? "take" : "skip",
    );

  /** Reads everything that a claimed turn needs, and stores its claim. */
  async function begin(taken: WaitingMessage, carries: Carries, now: number): Promise<Claim> {
    const { messageId, route, attempts } = taken;
    const message = taken.message ?? await readText(taken);
    const others = attempts > 0
      ? await findEarlier(taken)
      : await findNext(taken, message, carries, CARRIED_MAX - 1);
    const also = others.filter(({ entry }) => mayJoin(messageId, [entry]));
    for (const { entry } of also) apply({ kind: "joined", turn: messageId, entry });
    const claim: Claim = {
      message,
      also: also.length > 0 ? also.map(({ message }) => message) : undefined,
      route,
      attempt: attempts + 1,
    };
    // After all reads: a stored claim that is put back would block its session.
    if (isRunning(turns, claim)) {
      await storeClaim(claim, [taken, ...also.map(({ entry }) => entry)], now);
    }
    return claim;
  }

  return {
    /**
     * T2: claims a waiting message of an account. Of the sessions with messages that may begin, it
     * chooses the one that has waited longest, and in it the message that was written first. Catch-up
     * may bring that message after a later one. Several accounts may share a session.
     *
     * @param blocked Channels without claims for now, because older messages of them may still
     * arrive.
     * @param carries Whether the turn of a message also answers the one that waits behind it (S5).
     * Without it, each message has a turn of its own. A turn that an earlier attempt began keeps its
     * messages, and gets no more.
     * @param admits Whether the turn of a message may begin now, beside these running turns of its
     * session, named by the messages that they began with. Others of its session may begin before it.
     * Absent: each may, if no turn of its session runs.
     */
    async claimNext(
      accountId: AccountId,
      now: number,
      blocked: "all" | readonly ChannelId[],
      carries: Carries = () => false,
      admits: Admits = isAlone,
    ): Promise<Claim | undefined> {
      for (;;) {
        if (blocked === "all") return undefined;
        if (turns.isStale) await read(readTurns);
        const mayBegin: MayBegin = (entry, running) =>
          !blocked.includes(entry.channelId) && admits(entry, running);
        const taken = backlog.next(accountId, mayBegin);
        if (!taken) return undefined;
        apply({ kind: "claimed", entry: taken, now });
        try {
          const claim = await begin(taken, carries, now);
          if (isRunning(turns, claim)) return claim; // else an edit or a deletion came in between
        } catch (error) {
          apply({ kind: "put back", turn: taken.messageId });
          throw error;
        }
      }
    },
    /**
     * TS: adds messages that wait behind a running turn to it, and stores that together with steps.
     *
     * @param carries As for {@link Claims.claimNext}, with the last message of the turn.
     * @param stepsWith The steps to store if the turn gets these messages.
     * @returns The turn with its further messages; `undefined` if none wait that it may get.
     */
    async takeIn(
      running: Claim,
      now: number,
      carries: Carries,
      stepsWith: (messages: readonly InboundMessage[]) => readonly Step[],
    ): Promise<Claim | undefined> {
      const { message: { id: messageId, accountId }, also = [], attempt } = running;
      const [turn] = turns.running.get(messageId)?.entries ?? [];
      if (!turn || !backlog.behind(turn) || !isRunning(turns, running)) return undefined;
      const room = CARRIED_MAX - 1 - also.length;
      const joining = await findNext(turn, lastOf(running), carries, room);
      if (joining.length === 0) return undefined;
      const entries = joining.map(({ entry }) => entry);
      const messages = joining.map(({ message }) => message);
      const isTaken = await commit(COMMIT_OPTIONS.TS, () => {
        if (!isRunning(turns, running)) {
          throw new Error(`The turn of message ${messageId} has ended`);
        }
        if (!mayJoin(messageId, entries)) return false; // an edit came in between
        const steps = stepsWith(messages);
        if (forgotten.hasRead(messageId, steps)) return false; // the next TS ends it
        inbox.claim(claimOf(messageId, entries, now));
        insertSteps({ accountId, messageId, attempt }, steps);
        return true;
      }, {
        onStored(isTaken) {
          if (!isTaken) return;
          for (const entry of entries) apply({ kind: "joined", turn: messageId, entry });
        },
      });
      return isTaken ? { ...running, also: [...also, ...messages] } : undefined;
    },
    /** Whether a claim still runs: neither ended, nor given back, nor touched by a change (H6). */
    isRunning: (claim: Claim) => isRunning(turns, claim),
    /** Makes a message wait again whose turn could not finish. */
    async release(claim: Claim) {
      const { message: { id }, attempt } = claim;
      if (!isRunning(turns, claim)) return; // a change has ended it: its messages wait already
      await commit(UNNAMED, () => void release.run(id, attempt, id), {
        isAlone: true,
        onStored: () => apply({ kind: "released", claim }),
      });
    },
    /**
     * Makes every running message wait again: of one account before its first claim, or of all
     * accounts that ever existed before any claim. Accounts share sessions, and a turn of a removed
     * account would block the others for ever.
     *
     * @returns Number of turns that were left unfinished.
     */
    voidClaims: (accountId?: AccountId) =>
      commit(
        UNNAMED,
        () => Number(voidClaims.run({ accountId: accountId ?? null }).changes),
        { isAlone: true, onStored: () => apply({ kind: "voided", accountId }) },
      ),
  };
}
