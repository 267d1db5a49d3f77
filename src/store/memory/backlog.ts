/**
 * Keeps waiting messages by session, in memory, and finds the one to claim next.
 *
 * A session in which a turn runs gives none. Of a long session and of an account
 * with many messages only the oldest ones are here; the tables have the others.
 *
 * @module
 */

import type { AccountId, ChannelId, MessageId } from "../../core/discord/ids.ts";
import type { Route } from "../../core/inbound/inbox.ts";
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

export interface Backlog {
  /** Adds a message, once: one that is here stays as it is. */
  insert(entry: WaitingMessage): void;
  /** Whether a message is to be in memory; if not, the tables have it, and it is noted there. */
  hasRoom(accountId: AccountId, sessionKey: string): boolean;
  /** Whether the text of one more message may be in memory. */
  hasRoomForText(): boolean;
  /**
   * Finds the message of an account's that is next: of the session without a turn whose message
   * has waited longest, the one that was written first.
   *
   * @param held Channels of which none is next.
   */
  next(accountId: AccountId, held: readonly ChannelId[]): WaitingMessage | undefined;
  find(messageId: MessageId): WaitingMessage | undefined;
  /**
   * Takes out a message that is here.
   *
   * @returns Whether messages that are only in the tables have room now.
   */
  takeOut(entry: WaitingMessage): boolean;
  /** Whether messages wait that are only in the tables. */
  isPartial(): boolean;
  /** A turn of a session begins: none of its messages is next. */
  hold(sessionKey: string): void;
  /** It is over. */
  free(sessionKey: string): void;
  /** Forgets all messages; sessions in which a turn runs stay held. */
  clear(): void;
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

export function createBacklog(): Backlog {
  /** By session, in the order of arrival. */
  const sessions = new Map<string, WaitingMessage[]>();
  /** Those of them in which no turn runs. */
  const ready = new Set<string>();
  /** Sessions in which a turn runs. */
  const busy = new Set<string>();
  /** Ids of all messages. */
  const ids = new Set<MessageId>();
  /** Messages of each account in memory. */
  const counts = new Map<AccountId, number>();
  /** Sessions and accounts of which more messages wait in the tables. */
  const longSessions = new Set<string>();
  const longAccounts = new Set<AccountId>();
  let units = 0;

  return {
    insert(entry) {
      const { messageId, accountId, arrival, route: { sessionKey } } = entry;
      if (ids.has(messageId)) return;
      ids.add(messageId);
      const session = sessions.get(sessionKey) ?? [];
      const isLast = (session.at(-1)?.arrival ?? 0) < arrival;
      session.push(entry);
      if (!isLast) session.sort((one, other) => one.arrival - other.arrival);
      sessions.set(sessionKey, session);
      if (!busy.has(sessionKey)) ready.add(sessionKey);
      counts.set(accountId, (counts.get(accountId) ?? 0) + 1);
      units += unitsOf(entry);
    },
    hasRoom(accountId, sessionKey) {
      if ((counts.get(accountId) ?? 0) >= ACCOUNT_MAX) longAccounts.add(accountId);
      if ((sessions.get(sessionKey)?.length ?? 0) >= SESSION_MAX) longSessions.add(sessionKey);
      return !longAccounts.has(accountId) && !longSessions.has(sessionKey);
    },
    hasRoomForText: () => units < TEXT_MAX,
    next(accountId, held) {
      let oldest: WaitingMessage | undefined;
      for (const sessionKey of ready) {
        const first = sessions.get(sessionKey)?.find((entry) => isFree(entry, accountId, held));
        if (first && (!oldest || first.arrival < oldest.arrival)) oldest = first;
      }
      if (!oldest) return undefined;
      let next = oldest;
      for (const entry of sessions.get(oldest.route.sessionKey) ?? []) {
        if (isFree(entry, accountId, held) && isBefore(entry.messageId, next.messageId)) {
          next = entry;
        }
      }
      return next;
    },
    find(messageId) {
      if (!ids.has(messageId)) return undefined;
      for (const session of sessions.values()) {
        const found = session.find((entry) => entry.messageId === messageId);
        if (found) return found;
      }
      return undefined;
    },
    takeOut(entry) {
      const { messageId, accountId, route: { sessionKey } } = entry;
      const session = sessions.get(sessionKey) ?? [];
      session.splice(session.indexOf(entry), 1);
      ids.delete(messageId);
      const isOver = session.length === 0;
      if (isOver) {
        sessions.delete(sessionKey);
        ready.delete(sessionKey);
      }
      const left = (counts.get(accountId) ?? 1) - 1;
      counts.set(accountId, left);
      units -= unitsOf(entry);
      return (isOver && longSessions.has(sessionKey)) ||
        (longAccounts.has(accountId) && left < ACCOUNT_MAX / 2);
    },
    isPartial: () => longSessions.size + longAccounts.size > 0,
    hold(sessionKey) {
      busy.add(sessionKey);
      ready.delete(sessionKey);
    },
    free(sessionKey) {
      busy.delete(sessionKey);
      if (sessions.has(sessionKey)) ready.add(sessionKey);
    },
    clear() {
      sessions.clear();
      ready.clear();
      ids.clear();
      counts.clear();
      longSessions.clear();
      longAccounts.clear();
      units = 0;
    },
    bytes: () => ids.size * ENTRY_BYTES + units * 2,
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
