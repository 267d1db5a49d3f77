/**
 * Claims waiting messages, in memory (T2).
 *
 * The tables hold all waiting and running messages. This queue holds the same messages in the order
 * of claiming (`backlog.ts`). So a claim reads nothing, and the tables need not have new messages
 * yet. The tables can fill the queue anew at any time. Texts are kept for the newest messages only,
 * up to a bound; the others are read from the tables when their turn comes.
 */

import type { AccountId, MessageId } from "../../core/discord/ids.ts";
import type { Claim, Route } from "../../core/inbound/inbox.ts";
import type { InboundMessage } from "../../core/inbound/inbound.ts";
import { createBacklog, type MayBegin, type WaitingMessage } from "./backlog.ts";
import { createRunningTurns, type RunningMessage } from "./open_turns.ts";

/** Waiting messages and running claims of all accounts. */
export interface ClaimQueue {
  /** Whether {@link ClaimQueue.fill} must be called before the next claim. */
  readonly isStale: boolean;
  /**
   * Replaces the waiting messages by those of the tables.
   *
   * @param waiting The open messages without those of {@link ClaimQueue.running}, in the order of
   * arrival: up to `SESSION_MAX` of a session and `ACCOUNT_MAX` of an account (`backlog.ts`), and
   * one more of those that have more.
   */
  fill(waiting: readonly WaitingMessage[]): void;
  /**
   * The messages that running turns answer. Only memory knows them: the tables also call a turn
   * `running` that a change or an earlier process has ended.
   */
  running(): readonly MessageId[];
  /** Notes that a message is about to be stored, in the journal first or at once. */
  storing(messageId: MessageId): void;
  /** Adds an accepted message, once it is stored. */
  add(message: InboundMessage, route: Route): void;
  /**
   * Claims a message of an account. Guilds take turns. Of a guild's sessions, it chooses the one that
   * has waited longest, and in it the message that was written first.
   *
   * @param mayBegin Whether the turn of a message may begin now, beside the running turns of its
   * session; others keep their places.
   * @param now Unix time in milliseconds.
   */
  take(accountId: AccountId, mayBegin: MayBegin, now: number): WaitingMessage | undefined;
  /**
   * Finds a message that waits behind a running turn, in its session, channel and account.
   *
   * @returns By the ids, the first behind `after`; `undefined` if there is none.
   */
  behind(turn: MessageId, after?: MessageId): WaitingMessage | undefined;
  /** The messages of a running turn, as they waited; empty if the turn does not run. */
  entriesOf(turn: MessageId): readonly WaitingMessage[];
  /**
   * Adds a waiting message to a running turn.
   *
   * @returns Whether the turn still runs, and the message still waits unchanged.
   */
  join(turn: MessageId, entry: WaitingMessage): boolean;
  /** Takes messages out of a running turn again; they wait as before. */
  unjoin(turn: MessageId, entries: readonly WaitingMessage[]): void;
  /** Takes back a claim whose turn could not begin: its messages wait as before. */
  putBack(taken: WaitingMessage): void;
  /**
   * Notes that a message has another text. A turn that answers it ends without an answer, and its
   * messages wait for the next attempt.
   */
  edit(message: InboundMessage): void;
  /**
   * Notes that a message gets no answer. A turn that answers it ends, and its other messages wait
   * for the next attempt.
   */
  drop(messageId: MessageId): void;
  /** Ends a claim whose turn stopped without an end: the message waits for its next attempt. */
  release(claim: Claim): void;
  /**
   * Notes that changes of messages are being stored, which memory does not show yet.
   *
   * @returns Notes that memory shows them.
   */
  hold(): () => void;
  /** Whether changes are being stored: the tables must tell whether a turn may end. */
  readonly isHeld: boolean;
  /** Whether this claim of its message is running. */
  isRunning(claim: Claim): boolean;
  /** When a claim was made; `undefined` if it is not running. */
  claimedAt(claim: Claim): number | undefined;
  /**
   * Notes that a message reaches the tables, or could not be stored.
   *
   * @returns Number of its claims and the message that its turn began with, if that runs already.
   */
  stored(messageId: MessageId): RunningMessage | undefined;
  /** Whether the tables have a message, as far as this process knows. */
  isStored(messageId: string): boolean;
  /** Notes that the turn of a claim has ended. */
  end(claim: Claim): void;
  /**
   * Removes a message for which no turn has begun.
   *
   * @returns Whether it was removed; also `true` if only the tables can tell.
   */
  remove(accountId: AccountId, messageId: MessageId): boolean;
  /** Ends the claims of an account, or all. The tables then tell which messages wait. */
  void(accountId?: AccountId): void;
  /** Forgets all waiting messages, because the tables may differ. */
  forget(): void;
  /** Estimated bytes of memory. */
  bytes(): number;
}

/**
 * Creates a queue that must be filled before the first claim. The function is longer than most,
 * because its methods share one state: the queue and the sessions with a turn.
 */
export function createClaimQueue(): ClaimQueue {
  const backlog = createBacklog();
  const running = createRunningTurns(backlog);
  /** Messages that the tables lack: they are in the journal only, or about to be stored. */
  const unstored = new Set<string>();
  let isStale = true;
  let arrivals = 0;
  let holds = 0;

  /**
   * Inserts a message, unless its turn runs already: a refill may bring a message before `add`
   * does.
   */
  function insert(entry: WaitingMessage): void {
    if (!running.has(entry.messageId)) backlog.insert(entry);
  }

  function takeOut(entry: WaitingMessage): void {
    if (backlog.takeOut(entry)) isStale = true;
  }

  function forget(): void {
    backlog.clear();
    isStale = true;
  }

  /** Makes the messages of a turn that has ended wait for its next attempt, together. */
  function again(entries: readonly WaitingMessage[]): void {
    if (isStale) return;
    const [first, ...others] = entries;
    if (!first) return;
    insert({ ...withoutTurn(first), attempts: first.attempts + 1 });
    for (const entry of others) {
      insert({ ...entry, attempts: entry.attempts + 1, turnOf: first.messageId });
    }
  }

  return {
    get isStale() {
      return isStale;
    },
    fill(waiting) {
      forget();
      for (const entry of waiting) {
        arrivals = Math.max(arrivals, entry.arrival);
        if (!backlog.hasRoom(entry.accountId, entry.route.sessionKey)) continue;
        insert(backlog.hasRoomForText() ? entry : { ...entry, message: undefined });
      }
      isStale = false;
    },
    running: running.messages,
    storing: (messageId) => void unstored.add(messageId),
    add(message, route) {
      if (isStale) return; // the next fill reads it from the tables
      const { id: messageId, accountId, channelId, guildId } = message;
      if (!backlog.hasRoom(accountId, route.sessionKey)) return;
      const entry = {
        messageId,
        accountId,
        channelId,
        guildId,
        route,
        arrival: ++arrivals,
        attempts: 0,
        sender: message.sender,
        isScheduled: message.scheduled !== undefined,
        isFresh: true,
      };
      insert(backlog.hasRoomForText() ? { ...entry, message } : entry);
    },
    take(accountId, mayBegin, claimedAt) {
      const next = backlog.next(accountId, mayBegin);
      if (!next) return undefined;
      const { messageId, route: { sessionKey }, attempts } = next;
      running.begin(messageId, {
        sessionKey,
        attempt: attempts + 1,
        claimedAt,
        entries: [next],
      });
      takeOut(next);
      return next;
    },
    behind(turn, after) {
      const first = running.turn(turn)?.entries[0];
      return first && backlog.behind(first, after);
    },
    entriesOf: (turn) => running.turn(turn)?.entries ?? [],
    join(turn, entry) {
      if (!running.turn(turn) || backlog.find(entry.messageId) !== entry) return false;
      takeOut(entry);
      running.join(turn, entry);
      return true;
    },
    unjoin(turn, entries) {
      for (const entry of entries) {
        if (running.leave(turn, entry.messageId) && !isStale) insert(entry);
      }
    },
    putBack(taken) {
      const turn = running.end(taken.messageId);
      if (isStale) return;
      for (const entry of turn?.entries ?? [taken]) insert(entry);
    },
    release(claim) {
      if (!running.isRunning(claim)) return;
      const turn = running.end(claim.message.id);
      if (turn) again(turn.entries);
    },
    edit(message) {
      const entry = backlog.find(message.id);
      if (entry) {
        takeOut(entry);
        if (!isStale) insert(withText(entry, message));
        return;
      }
      const turn = running.endTurnOf(message.id);
      if (!turn) return void (isStale = true); // a parked turn, which is none now
      again(turn.entries.map((one) => one.messageId === message.id ? withText(one, message) : one));
    },
    drop(messageId) {
      const entry = backlog.find(messageId);
      if (entry) takeOut(entry);
      const turn = running.endTurnOf(messageId);
      if (!entry && !turn) isStale = true; // as for an edit
      if (turn) again(turn.entries.filter((one) => one.messageId !== messageId));
    },
    hold() {
      holds++;
      let isOver = false;
      return () => {
        if (!isOver) holds--;
        isOver = true;
      };
    },
    get isHeld() {
      return holds > 0;
    },
    isRunning: running.isRunning,
    claimedAt({ message, attempt }) {
      const turn = running.turn(message.id);
      return turn?.attempt === attempt ? turn.claimedAt : undefined;
    },
    stored(messageId) {
      unstored.delete(messageId);
      return running.messageOf(messageId);
    },
    isStored: (messageId) => !unstored.has(messageId),
    end: ({ message }) => void running.end(message.id),
    remove(accountId, messageId) {
      if (running.has(messageId)) return false;
      const entry = backlog.find(messageId);
      if (!entry) return isStale || backlog.isPartial();
      const isRemovable = entry.accountId === accountId && entry.attempts === 0;
      if (isRemovable) takeOut(entry);
      return isRemovable;
    },
    void(accountId) {
      running.endAll(accountId);
      forget();
    },
    forget,
    bytes: backlog.bytes,
  };
}

/** The entry with the message's new text; without text if that must be read from the tables. */
function withText(entry: WaitingMessage, message: InboundMessage): WaitingMessage {
  return entry.message ? { ...entry, message } : { ...entry };
}

function withoutTurn({ turnOf: _, ...entry }: WaitingMessage): WaitingMessage {
  return entry;
}
