/**
 * Keeps waiting messages by session, in memory, and finds the one to claim next.
 *
 * A session with a running turn has no next message. Only the oldest messages of a long session,
 * and of an account with many messages, are here. The tables have the others.
 */

import type { AccountId, ChannelId, GuildId, MessageId } from "../../core/discord/ids.ts";
import type { Route } from "../../core/inbound/inbox.ts";
import type { InboundMessage } from "../../core/inbound/inbound.ts";

/** A message that waits. */
export interface WaitingMessage {
  readonly messageId: MessageId;
  readonly accountId: AccountId;
  /** The channel, thread or direct message channel that it stands in. */
  readonly channelId: ChannelId;
  /** Guild of the channel; absent in direct messages. */
  readonly guildId?: GuildId;
  /** Agent and session of its turn. */
  readonly route: Route;
  /** Number that rises with each arrival. */
  readonly arrival: number;
  /** Number of turns that have begun for it. */
  readonly attempts: number;
  /** The message itself; absent if it must be read from the tables. */
  readonly message?: InboundMessage;
  /** Message whose turn answers it, too, since an earlier attempt; absent: no other. */
  readonly turnOf?: MessageId;
  /** Whether this process has stored it; its first claim then needs no commit of its own. */
  readonly isFresh: boolean;
}

/**
 * Maximum number of messages of a session in memory; the tables have the later ones. So a busy
 * session does not keep the messages of others out.
 */
export const SESSION_MAX = 64;
/**
 * Maximum number of messages of an account in memory; the tables have the later ones. So a stopped
 * account does not keep the messages of others out.
 */
export const ACCOUNT_MAX = 10_000;
/**
 * Maximum UTF-16 units of texts in memory. A later message is read from the tables when its turn
 * comes, which applies the journal first: with an eighth of this, a backlog of 1,000 messages took
 * an eighth more CPU time.
 */
const TEXT_MAX = 2 * 1024 * 1024;
/** Estimated bytes of an entry beside its text. */
const ENTRY_BYTES = 400;
/** Estimated UTF-16 units of a message beside its text. */
const MESSAGE_UNITS = 600;

/**
 * Creates an empty backlog. The function is longer than most, because its methods share one state:
 * the lists of waiting messages.
 */
export function createBacklog() {
  /** By session, in the order of arrival. */
  const sessions = new Map<string, WaitingMessage[]>();
  /** Sessions with messages and without a running turn. */
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
  const fair = createFairTurns();
  let units = 0;

  return {
    /** Adds a message. A message that is here already stays unchanged. */
    insert(entry: WaitingMessage): void {
      const { messageId, accountId, arrival, route: { sessionKey } } = entry;
      if (ids.has(messageId)) return;
      ids.add(messageId);
      const session = sessions.get(sessionKey) ?? [];
      const isLast = (session.at(-1)?.arrival ?? 0) < arrival;
      session.push(entry);
      if (!isLast) session.sort((a, b) => a.arrival - b.arrival);
      sessions.set(sessionKey, session);
      if (!busy.has(sessionKey)) ready.add(sessionKey);
      counts.set(accountId, (counts.get(accountId) ?? 0) + 1);
      units += unitsOf(entry);
    },
    /**
     * Whether one more message of the account and the session may be in memory. If not, only the
     * tables have it, and the backlog notes that it is partial.
     */
    hasRoom(accountId: AccountId, sessionKey: string): boolean {
      if ((counts.get(accountId) ?? 0) >= ACCOUNT_MAX) longAccounts.add(accountId);
      if ((sessions.get(sessionKey)?.length ?? 0) >= SESSION_MAX) longSessions.add(sessionKey);
      return !longAccounts.has(accountId) && !longSessions.has(sessionKey);
    },
    /** Whether the text of one more message may be in memory. */
    hasRoomForText: (): boolean => units < TEXT_MAX,
    /**
     * Finds the next message of an account, and counts a turn for its guild. Guilds take turns. Of a
     * guild's sessions without a running turn, the one comes first that has waited longest, and in it
     * the message that was written first.
     *
     * @param blocked Channels without a next message for now.
     */
    next(accountId: AccountId, blocked: readonly ChannelId[]): WaitingMessage | undefined {
      let oldest: WaitingMessage | undefined;
      let time = Infinity;
      for (const sessionKey of ready) {
        const first = sessions.get(sessionKey)?.find((entry) =>
          isClaimable(entry, accountId, blocked)
        );
        if (!first) continue;
        const itsTime = fair.timeOf(first);
        if (oldest && (itsTime > time || itsTime === time && first.arrival > oldest.arrival)) {
          continue;
        }
        oldest = first;
        time = itsTime;
      }
      if (!oldest) return undefined;
      fair.begun(oldest);
      let next = oldest;
      for (const entry of sessions.get(oldest.route.sessionKey) ?? []) {
        if (isClaimable(entry, accountId, blocked) && isBefore(entry.messageId, next.messageId)) {
          next = entry;
        }
      }
      return next;
    },
    /** Messages of the same session, channel and account as this one, by their ids. */
    behind(
      { accountId, channelId, route: { sessionKey } }: WaitingMessage,
    ): readonly WaitingMessage[] {
      const session = sessions.get(sessionKey) ?? [];
      return session.filter((entry) =>
        entry.accountId === accountId && entry.channelId === channelId
      ).sort((a, b) => isBefore(a.messageId, b.messageId) ? -1 : 1);
    },
    /** Finds a message by its id; `undefined` if it is not in memory. */
    find(messageId: MessageId): WaitingMessage | undefined {
      if (!ids.has(messageId)) return undefined;
      for (const session of sessions.values()) {
        const entry = session.find((waiting) => waiting.messageId === messageId);
        if (entry) return entry;
      }
      return undefined;
    },
    /**
     * Removes a message that is here.
     *
     * @returns Whether memory now has room for messages that only the tables have.
     */
    takeOut(entry: WaitingMessage): boolean {
      const { messageId, accountId, route: { sessionKey } } = entry;
      const session = sessions.get(sessionKey) ?? [];
      session.splice(session.indexOf(entry), 1);
      ids.delete(messageId);
      const isOver = session.length === 0;
      if (isOver) {
        sessions.delete(sessionKey);
        ready.delete(sessionKey);
      }
      const remaining = (counts.get(accountId) ?? 1) - 1;
      counts.set(accountId, remaining);
      units -= unitsOf(entry);
      return (isOver && longSessions.has(sessionKey)) ||
        (longAccounts.has(accountId) && remaining < ACCOUNT_MAX / 2);
    },
    /** Whether messages wait that only the tables have. */
    isPartial: (): boolean => longSessions.size + longAccounts.size > 0,
    /** Notes that a turn of a session begins: none of its messages is next. */
    block(sessionKey: string): void {
      busy.add(sessionKey);
      ready.delete(sessionKey);
    },
    /** Notes that the turn is over. */
    unblock(sessionKey: string): void {
      busy.delete(sessionKey);
      if (sessions.has(sessionKey)) ready.add(sessionKey);
    },
    /** Forgets all messages; sessions with a running turn stay blocked. */
    clear(): void {
      sessions.clear();
      ready.clear();
      ids.clear();
      counts.clear();
      longSessions.clear();
      longAccounts.clear();
      units = 0;
    },
    /** Estimated bytes of memory. */
    bytes: (): number => ids.size * ENTRY_BYTES + units * 2,
  };
}

/** Waiting messages by session. */
export type WaitingMessages = ReturnType<typeof createBacklog>;

function isClaimable(
  { accountId: receiver, channelId }: WaitingMessage,
  accountId: AccountId,
  blocked: readonly ChannelId[],
): boolean {
  return receiver === accountId && !blocked.includes(channelId);
}

/** Compares ids as numbers: a shorter one is smaller. */
function isBefore(id: string, other: string): boolean {
  return id.length === other.length ? id < other : id.length < other.length;
}

function unitsOf({ message }: WaitingMessage): number {
  if (!message) return 0;
  const extras = message.extras.reduce((sum, { text }) => sum + text.length, 0);
  return MESSAGE_UNITS + message.text.length + extras + (message.quoted?.text.length ?? 0);
}

/** The place of a waiting message. */
interface Placed {
  readonly accountId: string;
  readonly channelId: string;
  /** Absent in direct messages. */
  readonly guildId?: string;
}

/** Number of guilds of an account from which those without effect are forgotten. */
const MANY = 256;

/**
 * Shares turns fairly among guilds, so that one guild with many waiting messages delays no other.
 *
 * This is start-time fair queueing. Each turn of a guild moves its time on by one, and the guild
 * with the earliest time comes first. The time of a guild without waiting messages does not stay
 * behind: it gains no lead by being silent. A direct message counts as a guild of its own.
 */
function createFairTurns() {
  /** By account, and by guild or direct message channel: a joined key costs much in a burst. */
  const accounts = new Map<string, Map<string, number>>();
  let now = 0;
  const timeOf = ({ accountId, guildId, channelId }: Placed) =>
    Math.max(now, accounts.get(accountId)?.get(guildId ?? channelId) ?? 0);
  return {
    /** The time of a message's guild; among waiting messages, the lowest is next. */
    timeOf,
    /** Notes that a turn for the message begins. */
    begun(entry: Placed): void {
      const { accountId, guildId, channelId } = entry;
      now = timeOf(entry);
      const times = accounts.get(accountId) ?? new Map<string, number>();
      accounts.set(accountId, times);
      times.set(guildId ?? channelId, now + 1);
      if (times.size < MANY) return;
      for (const [place, time] of times) if (time <= now) times.delete(place);
    },
  };
}
