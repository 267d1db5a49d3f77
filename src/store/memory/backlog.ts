/**
 * Keeps waiting messages by session, in memory, and finds the one to claim next.
 *
 * Its callers decide which messages may begin while turns of their session run. Only the oldest
 * messages of a long session, and of an account with many messages, are here. The tables have the
 * others.
 */

import type { AccountId, ChannelId, GuildId, MessageId, UserId } from "../../core/discord/ids.ts";
import type { Route, WaitingTurn } from "../../core/inbound/inbox.ts";

export interface WaitingMessage extends WaitingTurn {
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
  /** Message whose turn answers it, too, since an earlier attempt; absent: no other. */
  readonly turnOf?: MessageId;
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
 * comes.
 */
const TEXT_MAX = 2 * 1024 * 1024;
/** Estimated UTF-16 units of a message beside its text. */
const MESSAGE_UNITS = 600;

/** Whether a message may be next, beside the running turns of its session. */
export type MayBegin = (entry: WaitingMessage, running: readonly MessageId[]) => boolean;

/** The waiting messages of one session in memory. */
interface Session {
  /** In the order of arrival. */
  readonly entries: WaitingMessage[];
  /** The running turns, in the order of their beginnings, by the messages that they began with. */
  readonly running: MessageId[];
  /** The people whom these turns answer first. */
  readonly askers: UserId[];
  /** Whether more of its messages wait in the tables. */
  isLong: boolean;
  /** Whether its messages may be of several guilds, direct messages or accounts. */
  isMixed: boolean;
}

interface AccountBacklog {
  waiting: number;
  /** Whether more of its messages wait in the tables. */
  isLong: boolean;
  readonly fair: ReturnType<typeof createFairTurns>;
}

export function createBacklog() {
  /** Sessions with messages or a running turn. */
  const sessions = new Map<string, Session>();
  /** Sessions with messages that may begin: those with running turns only while others wait, too. */
  const ready = new Set<Session>();
  const accounts = new Map<AccountId, AccountBacklog>();
  const messages = new Map<MessageId, WaitingMessage>();
  /** Whether the tables may have messages that are not here. */
  let isPartial = false;
  let units = 0;

  function sessionOf(sessionKey: string): Session {
    let session = sessions.get(sessionKey);
    if (!session) {
      session = { entries: [], running: [], askers: [], isLong: false, isMixed: false };
      sessions.set(sessionKey, session);
    }
    return session;
  }

  /** A person's turns in a session run one after another, so most sessions with a turn have none. */
  function review(session: Session): void {
    const { entries, askers } = session;
    if (entries.some(({ sender }) => !askers.includes(sender.id))) ready.add(session);
    else ready.delete(session);
  }

  function accountOf(accountId: AccountId): AccountBacklog {
    let account = accounts.get(accountId);
    if (!account) {
      account = { waiting: 0, isLong: false, fair: createFairTurns() };
      accounts.set(accountId, account);
    }
    return account;
  }

  return {
    /** Adds a message. A message that is here already stays unchanged. */
    insert(entry: WaitingMessage): void {
      const { messageId, accountId, arrival, route: { sessionKey } } = entry;
      if (messages.has(messageId)) return;
      messages.set(messageId, entry);
      const session = sessionOf(sessionKey);
      const last = session.entries.at(-1);
      const isLast = (last?.arrival ?? 0) < arrival;
      session.isMixed = last !== undefined && (session.isMixed || !isOfSamePlace(last, entry));
      session.entries.push(entry);
      if (!isLast) session.entries.sort((a, b) => a.arrival - b.arrival);
      if (!session.askers.includes(entry.sender.id)) ready.add(session);
      accountOf(accountId).waiting++;
      units += unitsOf(entry);
    },
    /**
     * Whether one more message of the account and the session may be in memory. If not, only the
     * tables have it, and the backlog notes that it is partial.
     */
    hasRoom(accountId: AccountId, sessionKey: string): boolean {
      const account = accountOf(accountId);
      const session = sessions.get(sessionKey);
      if (account.waiting >= ACCOUNT_MAX) account.isLong = true;
      if (session && session.entries.length >= SESSION_MAX) session.isLong = true;
      const hasRoom = !account.isLong && !session?.isLong;
      isPartial ||= !hasRoom;
      return hasRoom;
    },
    /** Whether the text of one more message may be in memory. */
    hasRoomForText: (): boolean => units < TEXT_MAX,
    /**
     * Finds the next message of an account. Guilds take turns. Of a guild's sessions, the one comes
     * first that has waited longest, and in it the message that was written first. A message of another
     * one's turn waits for that one.
     *
     * @param mayBegin Whether a message may be next now, beside the running turns of its session.
     */
    next(accountId: AccountId, mayBegin: MayBegin): WaitingMessage | undefined {
      const { fair } = accountOf(accountId);
      const isFree = (entry: WaitingMessage, { running }: Session) =>
        entry.accountId === accountId &&
        (entry.turnOf === undefined || !messages.has(entry.turnOf)) && mayBegin(entry, running);
      let chosen: Session | undefined;
      let oldest: WaitingMessage | undefined;
      let time = Infinity;
      const isLater = (entry: WaitingMessage) => {
        const itsTime = fair.timeOf(entry);
        return itsTime > time || itsTime === time && entry.arrival > (oldest?.arrival ?? Infinity);
      };
      for (const session of ready) {
        const [head] = session.entries;
        // Its others arrived later. Many sessions wait at once, and to ask about each costs more.
        if (head && !session.isMixed && isLater(head)) continue;
        const first = session.entries.find((entry) => isFree(entry, session));
        if (!first || isLater(first)) continue;
        chosen = session;
        oldest = first;
        time = fair.timeOf(first);
      }
      if (!chosen || !oldest) return undefined;
      let next = oldest;
      for (const entry of chosen.entries) {
        if (isBefore(entry.messageId, next.messageId) && isFree(entry, chosen)) next = entry;
      }
      return next;
    },
    /** Counts a turn for the guild of a message. */
    begun: (entry: WaitingMessage): void => accountOf(entry.accountId).fair.begun(entry),
    /** The messages that the turn of this one answers, too, in the order of their ids. */
    ofTurn: ({ messageId, route: { sessionKey } }: WaitingMessage): readonly WaitingMessage[] =>
      (sessions.get(sessionKey)?.entries ?? []).filter(({ turnOf }) => turnOf === messageId)
        .toSorted((one, other) => isBefore(one.messageId, other.messageId) ? -1 : 1),
    /**
     * Finds a message of the same session, channel and account as this one.
     *
     * @returns By the ids, the first behind `after`; `undefined` if there is none.
     */
    behind(
      { accountId, channelId, route: { sessionKey } }: WaitingMessage,
      after?: MessageId,
    ): WaitingMessage | undefined {
      let first: WaitingMessage | undefined;
      for (const entry of sessions.get(sessionKey)?.entries ?? []) {
        if (entry.accountId !== accountId || entry.channelId !== channelId) continue;
        if (after !== undefined && !isBefore(after, entry.messageId)) continue;
        if (!first || isBefore(entry.messageId, first.messageId)) first = entry;
      }
      return first;
    },
    find: (messageId: MessageId): WaitingMessage | undefined => messages.get(messageId),
    /**
     * Removes a message that is here.
     *
     * @returns Whether memory now has room for messages that only the tables have.
     */
    takeOut(entry: WaitingMessage): boolean {
      const { messageId, accountId, route: { sessionKey } } = entry;
      const session = sessionOf(sessionKey);
      session.entries.splice(session.entries.indexOf(entry), 1);
      messages.delete(messageId);
      const isOver = session.entries.length === 0;
      if (isOver) ready.delete(session);
      if (isOver && session.running.length === 0) sessions.delete(sessionKey);
      const account = accountOf(accountId);
      account.waiting--;
      units -= unitsOf(entry);
      return (isOver && session.isLong) || (account.isLong && account.waiting < ACCOUNT_MAX / 2);
    },
    /** Whether messages wait that only the tables have. */
    isPartial: (): boolean => isPartial,
    began(sessionKey: string, turn: MessageId, asker: UserId): void {
      const session = sessionOf(sessionKey);
      session.running.push(turn);
      session.askers.push(asker);
      review(session);
    },
    ended(sessionKey: string, turn: MessageId): void {
      const session = sessionOf(sessionKey);
      const { running, askers, entries } = session;
      const at = running.indexOf(turn);
      if (at >= 0) {
        running.splice(at, 1);
        askers.splice(at, 1);
      }
      if (running.length === 0 && entries.length === 0) sessions.delete(sessionKey);
      review(session);
    },
    /** Forgets all messages. The running turns of sessions stay known. */
    clear(): void {
      for (const [sessionKey, session] of sessions) {
        session.entries.length = 0;
        session.isLong = false;
        if (session.running.length === 0) sessions.delete(sessionKey);
      }
      for (const account of accounts.values()) {
        account.waiting = 0;
        account.isLong = false;
      }
      ready.clear();
      messages.clear();
      isPartial = false;
      units = 0;
    },
  };
}

/** Compares ids as numbers: a shorter one is smaller. */
function isBefore(id: string, other: string): boolean {
  return id.length === other.length ? id < other : id.length < other.length;
}

function isOfSamePlace(one: WaitingMessage, other: WaitingMessage): boolean {
  return one.accountId === other.accountId && placeOf(one) === placeOf(other);
}

function unitsOf({ message }: WaitingMessage): number {
  if (!message) return 0;
  const extras = message.extras.reduce((sum, { text }) => sum + text.length, 0);
  return MESSAGE_UNITS + message.text.length + extras + (message.quoted?.text.length ?? 0);
}

/** The place of a waiting message. */
interface Placed {
  readonly channelId: string;
  /** Absent in direct messages. */
  readonly guildId?: string;
}

/** A direct message counts as a guild of its own. */
const placeOf = ({ guildId, channelId }: Placed): string => guildId ?? channelId;

/** Number of guilds from which those without effect are forgotten. */
const MANY = 256;

/**
 * Shares the turns of an account fairly among guilds, so that one guild with many waiting messages
 * delays no other.
 *
 * This is start-time fair queueing. Each turn of a guild moves its time on by one, and the guild
 * with the earliest time comes first. The time of a guild without waiting messages does not stay
 * behind: it gains no lead by being silent.
 */
function createFairTurns() {
  /** By guild or direct message channel. */
  const times = new Map<string, number>();
  let now = 0;
  const timeOf = (entry: Placed) => Math.max(now, times.get(placeOf(entry)) ?? 0);
  return {
    /** The time of a message's guild; among waiting messages, the lowest is next. */
    timeOf,
    /** Notes that a turn for the message begins. */
    begun(entry: Placed): void {
      now = timeOf(entry);
      times.set(placeOf(entry), now + 1);
      if (times.size < MANY) return;
      for (const [place, time] of times) if (time <= now) times.delete(place);
    },
  };
}
