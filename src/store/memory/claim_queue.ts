/**
 * Which waiting message is next, in memory.
 *
 * The tables hold what waits and what runs; this holds the same in the order of
 * claiming, so that a claim reads nothing and the messages that were just stored
 * need not be in the tables yet. It can be filled from the tables anew at any time.
 * Texts are kept for the newest messages only, up to a bound; the others are read
 * from the tables when their turn comes.
 *
 * @module
 */

import type { AccountId, ChannelId, MessageId } from "../../core/discord/ids.ts";
import type { Claim, Route } from "../../core/inbound/inbox.ts";
import type { InboundMessage } from "../../core/inbound/inbound.ts";

/** A message that waits. */
export interface WaitingMessage {
  readonly messageId: MessageId;
  readonly accountId: AccountId;
  readonly channelId: ChannelId;
  readonly route: Route;
  /** In the order of arrival. */
  readonly arrival: number;
  /** Turns that were begun for it. */
  readonly attempts: number;
  /** Absent where it is read from the tables. */
  readonly message?: InboundMessage;
  /** Whether this process has stored it: then its first claim needs no commit of its own. */
  readonly isFresh: boolean;
}

export interface ClaimQueue {
  /** Whether the tables must be asked first what waits. */
  readonly isStale: boolean;
  /**
   * Takes what the tables say. A message whose turn runs here stays claimed.
   *
   * @param waiting In the order of arrival: up to {@link SESSION_MAX} of a session and
   * {@link ACCOUNT_MAX} of an account, and one more of those that have more.
   */
  fill(
    waiting: readonly WaitingMessage[],
    running: readonly { readonly messageId: MessageId; readonly sessionKey: string }[],
  ): void;
  /** A message was accepted: it comes into the tables, or is there. */
  accepted(messageId: MessageId): void;
  /** An accepted message is safe, and waits now. */
  add(message: InboundMessage, route: Route): void;
  /**
   * Claims a message of an account's: of the session without a turn whose message has waited
   * longest, the one that was written first.
   */
  take(accountId: AccountId, held: readonly ChannelId[]): WaitingMessage | undefined;
  /** The turn of a claim could not begin: it waits as before. */
  putBack(taken: WaitingMessage): void;
  /** The turn of a claim is over without an end: it waits for its next attempt. */
  release(claim: Claim): void;
  /** Whether the claim is the one that runs. */
  runs(claim: Claim): boolean;
  /**
   * A message comes into the tables.
   *
   * @returns How often it was claimed, where its turn runs already.
   */
  stored(messageId: string): number | undefined;
  /** Whether a message is in the tables, as far as this process knows. */
  isStored(messageId: string): boolean;
  /** The turn of a claim has ended. */
  end(claim: Claim): void;
  /**
   * Takes out a message for which no turn was ever begun.
   *
   * @returns Whether it was one, or only the tables know.
   */
  remove(accountId: AccountId, messageId: MessageId): boolean;
  /** The turns of an account, or all, run no longer. The tables say what waits. */
  void(accountId?: AccountId): void;
  /** What is here may not be what the tables say. */
  forget(): void;
  /** Bytes of memory, about. */
  bytes(): number;
}

/**
 * Messages of a session and of an account in memory, at most; later ones are left in the tables. So
 * neither a busy session nor an account that is stopped keeps the others' messages out.
 */
export const SESSION_MAX = 64;
export const ACCOUNT_MAX = 10_000;
/** UTF-16 units of texts in memory, at most. */
const TEXT_MAX = 2 * 1024 * 1024;
/** Bytes of an entry beside its text, about. */
const ENTRY_BYTES = 400;
/** UTF-16 units of a message beside its text, about. */
const MESSAGE_UNITS = 600;

/** A claim whose turn has not ended; `entry` is absent of what an earlier process has left. */
interface Running {
  readonly sessionKey: string;
  readonly attempt: number;
  readonly entry?: WaitingMessage;
}

export function createClaimQueue(): ClaimQueue {
  /** By session, in the order of arrival. */
  const sessions = new Map<string, WaitingMessage[]>();
  /** Those of them in which no turn runs. */
  const ready = new Set<string>();
  /** Ids of all of them. */
  const waiting = new Set<MessageId>();
  const running = new Map<string, Running>();
  /** Sessions in which a turn runs. */
  const busy = new Set<string>();
  /** Messages that are in the journal only. */
  const unstored = new Set<string>();
  let isStale = true;
  /** Messages of each account in memory. */
  const counts = new Map<AccountId, number>();
  /** Sessions and accounts of which more messages wait in the tables. */
  const longSessions = new Set<string>();
  const longAccounts = new Set<AccountId>();
  let units = 0;
  let arrivals = 0;

  /** Once: the tables may have told of a message already that is only now said to be safe. */
  function insert(entry: WaitingMessage): void {
    if (waiting.has(entry.messageId) || running.has(entry.messageId)) return;
    waiting.add(entry.messageId);
    const session = sessions.get(entry.route.sessionKey) ?? [];
    const isLast = (session.at(-1)?.arrival ?? 0) < entry.arrival;
    session.push(entry);
    if (!isLast) session.sort((one, other) => one.arrival - other.arrival);
    sessions.set(entry.route.sessionKey, session);
    if (!busy.has(entry.route.sessionKey)) ready.add(entry.route.sessionKey);
    counts.set(entry.accountId, (counts.get(entry.accountId) ?? 0) + 1);
    units += unitsOf(entry);
  }

  /** Whether a message is to be in memory; if not, the tables have it, and it is noted there. */
  function hasRoom(accountId: AccountId, sessionKey: string): boolean {
    if ((counts.get(accountId) ?? 0) >= ACCOUNT_MAX) longAccounts.add(accountId);
    if ((sessions.get(sessionKey)?.length ?? 0) >= SESSION_MAX) longSessions.add(sessionKey);
    return !longAccounts.has(accountId) && !longSessions.has(sessionKey);
  }

  function takeOut(session: WaitingMessage[], entry: WaitingMessage): void {
    session.splice(session.indexOf(entry), 1);
    waiting.delete(entry.messageId);
    if (session.length === 0) {
      sessions.delete(entry.route.sessionKey);
      ready.delete(entry.route.sessionKey);
      if (longSessions.has(entry.route.sessionKey)) isStale = true;
    }
    const left = (counts.get(entry.accountId) ?? 1) - 1;
    counts.set(entry.accountId, left);
    if (longAccounts.has(entry.accountId) && left < ACCOUNT_MAX / 2) isStale = true;
    units -= unitsOf(entry);
  }

  function forget(): void {
    sessions.clear();
    ready.clear();
    waiting.clear();
    unstored.clear();
    counts.clear();
    longSessions.clear();
    longAccounts.clear();
    units = 0;
    isStale = true;
  }

  function begin(messageId: string, one: Running): void {
    running.set(messageId, one);
    busy.add(one.sessionKey);
    ready.delete(one.sessionKey);
  }

  function free(messageId: string): Running | undefined {
    const found = running.get(messageId);
    if (!found) return undefined;
    running.delete(messageId);
    busy.delete(found.sessionKey);
    if (sessions.has(found.sessionKey)) ready.add(found.sessionKey);
    return found;
  }

  const runs = ({ message, attempt }: Claim) => running.get(message.id)?.attempt === attempt;

  return {
    get isStale() {
      return isStale;
    },
    fill(waitingThere, runningThere) {
      forget();
      for (const { messageId, sessionKey } of runningThere) {
        if (running.has(messageId)) continue;
        begin(messageId, { sessionKey, attempt: 0 });
      }
      for (const entry of waitingThere) {
        arrivals = Math.max(arrivals, entry.arrival);
        if (hasRoom(entry.accountId, entry.route.sessionKey)) insert(entry);
      }
      isStale = false;
    },
    accepted: (messageId) => void unstored.add(messageId),
    add(message, route) {
      if (isStale) return; // the tables will say so
      const { id: messageId, accountId, channelId } = message;
      if (!hasRoom(accountId, route.sessionKey)) return;
      const arrival = ++arrivals;
      const entry = { messageId, accountId, channelId, route, arrival, attempts: 0, isFresh: true };
      insert(units < TEXT_MAX ? { ...entry, message } : entry);
    },
    take(accountId, held) {
      let oldest: WaitingMessage | undefined;
      for (const sessionKey of ready) {
        const first = sessions.get(sessionKey)?.find((entry) => isFree(entry, accountId, held));
        if (first && (!oldest || first.arrival < oldest.arrival)) oldest = first;
      }
      if (!oldest) return undefined;
      const { route: { sessionKey } } = oldest;
      const session = sessions.get(sessionKey) ?? [];
      let next = oldest;
      for (const entry of session) {
        if (isFree(entry, accountId, held) && isBefore(entry.messageId, next.messageId)) {
          next = entry;
        }
      }
      takeOut(session, next);
      begin(next.messageId, { sessionKey, attempt: next.attempts + 1, entry: next });
      return next;
    },
    putBack(taken) {
      free(taken.messageId);
      if (!isStale) insert(taken);
    },
    release(claim) {
      if (!runs(claim)) return;
      const entry = free(claim.message.id)?.entry;
      if (entry && !isStale) insert({ ...entry, attempts: claim.attempt });
    },
    runs,
    stored(messageId) {
      unstored.delete(messageId);
      return running.get(messageId)?.attempt;
    },
    isStored: (messageId) => !unstored.has(messageId),
    end({ message }) {
      free(message.id);
    },
    remove(accountId, messageId) {
      if (running.has(messageId)) return false;
      if (!waiting.has(messageId)) return isStale || longSessions.size + longAccounts.size > 0;
      for (const session of sessions.values()) {
        const found = session.find((entry) => entry.messageId === messageId);
        if (!found) continue;
        const isIt = found.accountId === accountId && found.attempts === 0;
        if (isIt) takeOut(session, found);
        return isIt;
      }
      return false;
    },
    void(accountId) {
      for (const [messageId, { entry }] of running) {
        if (accountId === undefined || !entry || entry.accountId === accountId) free(messageId);
      }
      forget();
    },
    forget,
    bytes: () => waiting.size * ENTRY_BYTES + units * 2,
  };
}

function isFree(
  { accountId: its, channelId }: WaitingMessage,
  accountId: AccountId,
  held: readonly ChannelId[],
): boolean {
  return its === accountId && !held.includes(channelId);
}

/** Numbers in text sort as numbers only after their length. */
function isBefore(one: string, other: string): boolean {
  return one.length === other.length ? one < other : one.length < other.length;
}

function unitsOf({ message }: WaitingMessage): number {
  if (!message) return 0;
  const extras = message.extras.reduce((sum, { text }) => sum + text.length, 0);
  return MESSAGE_UNITS + message.text.length + extras + (message.quoted?.text.length ?? 0);
}
