/**
 * Keeps some of the tables' content in memory, so that the common path of a message reads no row
 * that was just written.
 *
 * The tables can restore all of it. It is forgotten whenever it may differ from them: after undone
 * work.
 *
 * The open turns are messages that wait, turns that run, and turns that wait for people. {@link
 * applyTurn} is the only code that changes them, and {@link TurnEvent} lists everything that can
 * happen to them. It asks no clock and no table. An event of a transaction is applied at the moment
 * the transaction is stored, before any other code runs. So the state is always that of a process
 * that reads the tables now (`tests/store/memory/open_turns_test.ts`).
 *
 * The limits of waiting turns bound all of it (X4). Callers decide which messages may begin while turns
 * of their session run.
 */

import type { DatabaseSync } from "node:sqlite";
import {
  type AccountId,
  type ChannelId,
  compareIds,
  type GuildId,
  type MessageId,
  type UserId,
} from "../../core/discord/ids.ts";
import type { InboundMessage, Sender } from "../../core/inbound/inbound.ts";
import {
  type Claim,
  type FullList,
  messagesOf,
  type Route,
  type WaitingTurn,
} from "../../core/inbound/inbox.ts";
import { TERMS, termsOf } from "../../core/inbound/inbound.ts";
import { createNewestSet } from "../../lib/cache.ts";
import { statementsOf } from "../database/commits.ts";
import {
  account,
  flag,
  integer,
  json,
  optional,
  rows,
  snowflake,
  text,
} from "../schema/columns.ts";
import type { OverheardKey } from "../messages/messages.ts";
import { IS_OPEN } from "../schema/messages.ts";
import { IS_PARKED } from "../schema/person.ts";
import { namesOne } from "../sources/sources.ts";

export interface WaitingMessage extends WaitingTurn {
  readonly messageId: MessageId;
  readonly accountId: AccountId;
  /** The channel, thread or direct message channel that it stands in. */
  readonly channelId: ChannelId;
  /** Guild of the channel; absent in direct messages. */
  readonly guildId?: GuildId;
  /** Agent and session of its turn. */
  readonly route: Route;
  /** Number of its row, which rises with each arrival. */
  readonly arrival: number;
  /** Number of turns that have begun for it. */
  readonly attempts: number;
  /** Message whose turn answers it, too, since an earlier attempt; absent: no other. */
  readonly turnOf?: MessageId;
}

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
  /** Whether its messages may be of several guilds, direct messages or accounts. */
  isMixed: boolean;
}

function createBacklog() {
  /** Sessions with messages or a running turn. */
  const sessions = new Map<string, Session>();
  /** Sessions with messages that may begin: those with running turns only while others wait, too. */
  const ready = new Set<Session>();
  const accounts = new Map<AccountId, ReturnType<typeof createFairTurns>>();
  const messages = new Map<MessageId, WaitingMessage>();

  function sessionOf(sessionKey: string): Session {
    let session = sessions.get(sessionKey);
    if (!session) {
      session = { entries: [], running: [], askers: [], isMixed: false };
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

  function fairOf(accountId: AccountId) {
    const fair = accounts.get(accountId) ?? createFairTurns();
    accounts.set(accountId, fair);
    return fair;
  }

  return {
    /** Adds a message. A message that is here already stays unchanged. */
    insert(entry: WaitingMessage): void {
      const { messageId, arrival, route: { sessionKey } } = entry;
      if (messages.has(messageId)) return;
      messages.set(messageId, entry);
      const session = sessionOf(sessionKey);
      const last = session.entries.at(-1);
      const isLast = (last?.arrival ?? 0) < arrival;
      session.isMixed = last !== undefined && (session.isMixed || !isOfSamePlace(last, entry));
      session.entries.push(entry);
      if (!isLast) session.entries.sort((a, b) => a.arrival - b.arrival);
      if (!session.askers.includes(entry.sender.id)) ready.add(session);
    },
    /**
     * Finds the next message of an account. Guilds take turns. Of a guild's sessions, the one comes
     * first that has waited longest, and in it the message that was written first. A message of another
     * one's turn waits for that one.
     *
     * @param mayBegin Whether a message may be next now, beside the running turns of its session.
     */
    next(accountId: AccountId, mayBegin: MayBegin): WaitingMessage | undefined {
      const fair = fairOf(accountId);
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
    begun: (entry: WaitingMessage): void => fairOf(entry.accountId).begun(entry),
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
    /** Removes a message that is here. */
    takeOut(entry: WaitingMessage): void {
      const { messageId, route: { sessionKey } } = entry;
      const session = sessionOf(sessionKey);
      session.entries.splice(session.entries.indexOf(entry), 1);
      messages.delete(messageId);
      if (session.entries.length > 0) return;
      ready.delete(session);
      if (session.running.length === 0) sessions.delete(sessionKey);
    },
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
        if (session.running.length === 0) sessions.delete(sessionKey);
      }
      ready.clear();
      messages.clear();
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

export interface OpenTurn {
  readonly messageId: MessageId;
  readonly accountId: AccountId;
  readonly userId: UserId;
  /** Channel, thread or direct message channel that it stands in. */
  readonly channelId: ChannelId;
}

/** A list of open turns: those of one sender or of one channel, with one account. */
export interface TurnList {
  readonly accountId: AccountId;
  readonly list: FullList;
  /** The sender's id, or the channel's. */
  readonly id: string;
  /** Number of its open turns. */
  readonly turns: number;
  /**
   * Number of a channel's open turns for one person: all of their own, and of each other person at
   * most `share`.
   */
  readonly turnsFor: (userId: UserId, share: number) => number;
}

function createTurnCounts() {
  const turns = new Map<
    MessageId,
    { readonly lists: readonly Counted[]; readonly userId: UserId }
  >();
  const accounts = new Map<AccountId, Readonly<Record<FullList, Map<string, Counted>>>>();
  let isStale = true;

  function listsIn(accountId: AccountId) {
    let lists = accounts.get(accountId);
    if (!lists) {
      lists = { user: new Map(), channel: new Map() };
      accounts.set(accountId, lists);
    }
    return lists;
  }

  const listOf = (accountId: AccountId, list: FullList, id: string): Counted =>
    listsIn(accountId)[list].get(id) ?? createCounted({ accountId, list, id });

  const listsOf = ({ accountId, userId, channelId }: OpenTurn) =>
    [listOf(accountId, "user", userId), listOf(accountId, "channel", channelId)] as const;

  /** Keeps a list while it has turns. */
  function keep(list: Counted): void {
    const lists = listsIn(list.accountId)[list.list];
    if (list.turns > 0) lists.set(list.id, list);
    else lists.delete(list.id);
  }

  function change(list: Counted, userId: UserId, by: number): void {
    list.turns += by;
    const own = (list.ofUser.get(userId) ?? 0) + by;
    if (own > 0) list.ofUser.set(userId, own);
    else list.ofUser.delete(userId);
    if (list.turns === 0 || list.turns === by) keep(list); // it is empty, or was
  }

  function add(turn: OpenTurn): void {
    if (turns.has(turn.messageId)) return;
    const lists = listsOf(turn);
    const { userId } = turn;
    turns.set(turn.messageId, { lists, userId });
    for (const list of lists) change(list, userId, 1);
  }

  function forget(): void {
    turns.clear();
    accounts.clear();
    isStale = true;
  }

  return {
    /** Whether `fill` must be called before counts are right. */
    get isStale() {
      return isStale;
    },
    /** Replaces everything by the content of the tables. */
    fill(open: readonly OpenTurn[]): void {
      forget();
      for (const turn of open) add(turn);
      isStale = false;
    },
    /** The lists that a turn belongs to, as they are now: its sender's and its channel's. */
    listsOf,
    /** Notes that a turn is open; a known one counts once. */
    add,
    /** Notes that a turn has ended, or never began. An unknown one changes nothing. */
    end(messageId: MessageId): void {
      const ended = turns.get(messageId);
      turns.delete(messageId);
      for (const list of ended?.lists ?? []) if (ended) change(list, ended.userId, -1);
    },
    /** Forgets everything, because the tables may differ. */
    forget,
  };
}

interface Counted extends TurnList {
  turns: number;
  /** Its open turns by their senders. */
  readonly ofUser: Map<UserId, number>;
}

function createCounted(key: Pick<TurnList, "accountId" | "list" | "id">): Counted {
  const ofUser = new Map<UserId, number>();
  return {
    ...key,
    turns: 0,
    ofUser,
    turnsFor: (userId, share) =>
      ofUser.entries().reduce(
        (sum, [id, turns]) => sum + (id === userId ? turns : Math.min(turns, share)),
        0,
      ),
  };
}

interface ClaimedTurn {
  readonly sessionKey: string;
  /** Number of its attempt, from 1. */
  readonly attempt: number;
  /** Unix time in milliseconds. */
  readonly claimedAt: number;
  /** The messages that it answers, as they waited; the first is that of the claim. */
  readonly entries: WaitingMessage[];
}

/** All open turns of a process; only {@link applyTurn} changes them. */
interface OpenTurnState {
  readonly backlog: ReturnType<typeof createBacklog>;
  readonly counts: ReturnType<typeof createTurnCounts>;
  /** Running turns, by the messages that they began with. */
  readonly running: Map<MessageId, ClaimedTurn>;
  /** The messages of turns that wait for people, by the messages that these turns began with. */
  readonly parked: Map<MessageId, readonly WaitingMessage[]>;
  /** For each further message of a running or parked turn: the message that the turn began with. */
  readonly joined: Map<MessageId, MessageId>;
  /** Whether waiting and parked messages must be read from the tables before the next claim. */
  isStale: boolean;
}

/** A message that is new to the inbox. */
export interface AcceptedRow {
  readonly message: InboundMessage;
  readonly route: Route;
  /** Number of its row. */
  readonly arrival: number;
}

export type TurnEvent =
  /** The tables were read: waiting messages in the order of arrival, and the parked ones. */
  | {
    readonly kind: "read";
    readonly waiting: readonly WaitingMessage[];
    readonly parked: readonly WaitingMessage[];
  }
  /** The tables were read: all open turns, and the lists whose senders know that they are full. */
  | { readonly kind: "counted"; readonly open: readonly OpenTurn[] }
  /** Work on the tables was undone, or done without events: they must be read. */
  | { readonly kind: "undone" }
  /** A message is about to be accepted: its turn counts for the limits (X4). */
  | { readonly kind: "expected"; readonly turn: OpenTurn }
  /** It was not accepted. */
  | { readonly kind: "refused"; readonly messageId: MessageId }
  /** T1: a message waits. */
  | { readonly kind: "accepted" } & AcceptedRow
  /** PluralKit repeats a message, so it waits no more (P13). */
  | { readonly kind: "retracted"; readonly messageId: MessageId }
  /** T1: a message has another text. A turn that answers it ends, and waits for its next attempt. */
  | { readonly kind: "edited"; readonly message: InboundMessage }
  /** T1: a message gets no answer. A turn that answers it ends; its other messages wait. */
  | { readonly kind: "cut"; readonly messageId: MessageId }
  /** Turns have read words that are removed: those that run or are parked wait for their next attempts. */
  | { readonly kind: "again"; readonly turns: readonly MessageId[] }
  /** T2: a turn begins. */
  | { readonly kind: "claimed"; readonly entry: WaitingMessage; readonly now: number }
  /** T2 or TS: a running turn gets a message that waited. */
  | { readonly kind: "joined"; readonly turn: MessageId; readonly entry: WaitingMessage }
  /** A turn could not begin: its messages wait as before. */
  | { readonly kind: "put back"; readonly turn: MessageId }
  /** T3: a turn has ended. */
  | { readonly kind: "ended"; readonly claim: Claim }
  /** TS: a turn waits for people. */
  | { readonly kind: "parked"; readonly claim: Claim }
  /** People have decided: a parked turn waits for its next attempt. */
  | { readonly kind: "resumed"; readonly turn: MessageId }
  /** A turn stopped without an end: it waits for its next attempt. */
  | { readonly kind: "released"; readonly claim: Claim }
  /** The turns of an account, or all, are over: they wait for their next attempts. */
  | { readonly kind: "voided"; readonly accountId?: AccountId };

/** Creates the state of a process that has read nothing. */
export const createOpenTurns = (): OpenTurnState => ({
  backlog: createBacklog(),
  counts: createTurnCounts(),
  running: new Map(),
  parked: new Map(),
  joined: new Map(),
  isStale: true,
});

export function applyTurn(state: OpenTurnState, event: TurnEvent): void {
  const { backlog, counts } = state;
  switch (event.kind) {
    case "read":
      forgetWaiting(state);
      state.isStale = false;
      for (const entry of event.waiting) wait(state, entry);
      for (const [turn, entries] of turnsOf(event.parked)) park(state, turn, entries);
      return;
    case "counted":
      return counts.fill(event.open);
    case "undone":
      forgetWaiting(state);
      return counts.forget();
    case "expected":
      return counts.add(event.turn);
    case "refused":
      return counts.end(event.messageId);
    case "accepted":
      return accept(state, event);
    case "retracted":
      counts.end(event.messageId);
      return takeOut(state, backlog.find(event.messageId));
    case "edited":
      return edit(state, event.message);
    case "cut":
      counts.end(event.messageId);
      return cut(state, event.messageId);
    case "again":
      for (const turn of event.turns) {
        again(state, end(state, turn));
        resume(state, turn);
      }
      return;
    case "claimed":
      return claim(state, event.entry, event.now);
    case "joined":
      takeOut(state, event.entry);
      state.running.get(event.turn)?.entries.push(event.entry);
      state.joined.set(event.entry.messageId, event.turn);
      return;
    case "put back":
      for (const entry of end(state, event.turn)) wait(state, entry);
      return;
    case "ended":
      if (!isRunning(state, event.claim)) return; // its next attempt may run already
      end(state, event.claim.message.id);
      for (const { id } of messagesOf(event.claim)) counts.end(id);
      return;
    case "parked": {
      const { id } = event.claim.message;
      park(state, id, end(state, id).map(resumable));
      for (const message of messagesOf(event.claim)) counts.end(message.id);
      return; // they do not fill a queue (X4)
    }
    case "resumed":
      return resume(state, event.turn);
    case "released":
      if (isRunning(state, event.claim)) again(state, end(state, event.claim.message.id));
      return;
    case "voided":
      for (const [turn, { entries: [first] }] of state.running) {
        const isOver = event.accountId === undefined || first?.accountId === event.accountId;
        if (isOver) again(state, end(state, turn));
      }
  }
}

export function isRunning({ running }: OpenTurnState, { message, attempt }: Claim): boolean {
  return running.get(message.id)?.attempt === attempt;
}

function runs({ running, joined }: OpenTurnState, messageId: MessageId): boolean {
  return running.has(joined.get(messageId) ?? messageId);
}

export function runningMessages({ running }: OpenTurnState): readonly MessageId[] {
  return [...running.values()].flatMap(({ entries }) => entries.map(({ messageId }) => messageId));
}

/**
 * Whether a message may be taken back, because no turn has begun for it; also `true` if only the
 * tables can tell.
 */
export function mayRetract(
  state: OpenTurnState,
  accountId: AccountId,
  messageId: MessageId,
): boolean {
  if (runs(state, messageId)) return false;
  const entry = state.backlog.find(messageId);
  if (!entry) return state.isStale;
  return entry.accountId === accountId && entry.attempts === 0;
}

function forgetWaiting(state: OpenTurnState): void {
  state.backlog.clear();
  for (const turn of [...state.parked.keys()]) unpark(state, turn);
  state.isStale = true;
}

/** Adds a waiting message, unless the next reading of the tables brings it. */
function wait(state: OpenTurnState, entry: WaitingMessage): void {
  if (!state.isStale && !runs(state, entry.messageId)) state.backlog.insert(entry);
}

function takeOut(state: OpenTurnState, entry: WaitingMessage | undefined): void {
  if (entry) state.backlog.takeOut(entry);
}

function accept(state: OpenTurnState, { message, route, arrival }: AcceptedRow): void {
  const { id: messageId, accountId, channelId, guildId, sender } = message;
  const entry: WaitingMessage = {
    messageId,
    accountId,
    channelId,
    guildId,
    route,
    arrival,
    attempts: 0,
    sender,
    message,
    isUnasked: termsOf(message).isUnasked,
  };
  state.counts.add(countedAs(entry));
  wait(state, entry);
}

function claim(state: OpenTurnState, entry: WaitingMessage, claimedAt: number): void {
  const { messageId, route: { sessionKey }, attempts, sender } = entry;
  state.backlog.begun(entry);
  state.running.set(messageId, { sessionKey, attempt: attempts + 1, claimedAt, entries: [entry] });
  state.backlog.began(sessionKey, messageId, sender.id);
  takeOut(state, entry);
}

/** Ends a running turn. Returns its messages, as they waited; none if it does not run. */
function end(state: OpenTurnState, turn: MessageId): readonly WaitingMessage[] {
  const ended = state.running.get(turn);
  if (!ended) return [];
  state.running.delete(turn);
  for (const { messageId } of ended.entries) state.joined.delete(messageId);
  state.backlog.ended(ended.sessionKey, turn);
  return ended.entries;
}

/** Makes the messages of a turn that has ended wait for its next attempt, together. */
function again(state: OpenTurnState, entries: readonly WaitingMessage[]): void {
  together(state, entries.map((entry) => ({ ...entry, attempts: entry.attempts + 1 })));
}

/** Makes messages wait for the next attempt of the first one's turn. */
function together(state: OpenTurnState, [first, ...others]: readonly WaitingMessage[]): void {
  if (!first) return;
  wait(state, { ...first, turnOf: undefined });
  for (const entry of others) wait(state, { ...entry, turnOf: first.messageId });
}

/**
 * Waiting for people is no failed attempt, but the first one counts: a later one has its messages. Its
 * text is read again, because people may add files to it.
 */
function resumable(entry: WaitingMessage, index: number, all: readonly WaitingMessage[]) {
  const turnOf = index === 0 ? undefined : all[0]?.messageId;
  return { ...entry, attempts: Math.max(entry.attempts, 1), turnOf, message: undefined };
}

function park(state: OpenTurnState, turn: MessageId, entries: readonly WaitingMessage[]): void {
  if (state.counts.isStale) return; // the next reading of the tables brings all of them
  state.parked.set(turn, entries);
  for (const { messageId, turnOf } of entries) if (turnOf) state.joined.set(messageId, turnOf);
}

function unpark(state: OpenTurnState, turn: MessageId): readonly WaitingMessage[] {
  const entries = state.parked.get(turn) ?? [];
  state.parked.delete(turn);
  for (const { messageId } of entries) state.joined.delete(messageId);
  return entries;
}

function resume(
  state: OpenTurnState,
  turn: MessageId,
  withText: (entry: WaitingMessage) => WaitingMessage = (entry) => entry,
): void {
  for (const entry of unpark(state, turn).map(withText)) {
    wait(state, entry);
    state.counts.add(countedAs(entry));
  }
}

function edit(state: OpenTurnState, message: InboundMessage): void {
  const { backlog, joined } = state;
  const withText = (entry: WaitingMessage): WaitingMessage => {
    if (entry.messageId !== message.id) return entry;
    return { ...entry, message: entry.message && message };
  };
  const waiting = backlog.find(message.id);
  if (waiting) {
    takeOut(state, waiting);
    return wait(state, withText(waiting));
  }
  const turn = joined.get(message.id) ?? message.id;
  if (state.running.has(turn)) return again(state, end(state, turn).map(withText));
  resume(state, turn, withText); // an edit withdraws its questions
}

function cut(state: OpenTurnState, messageId: MessageId): void {
  const { backlog, joined } = state;
  const waiting = backlog.find(messageId);
  if (waiting) {
    takeOut(state, waiting);
    if (waiting.turnOf !== undefined || waiting.attempts === 0) return;
    const others = backlog.ofTurn(waiting);
    for (const entry of others) takeOut(state, entry);
    return together(state, others);
  }
  const turn = joined.get(messageId) ?? messageId;
  const isOther = (entry: WaitingMessage) => entry.messageId !== messageId;
  if (state.running.has(turn)) return again(state, end(state, turn).filter(isOther));
  const others = unpark(state, turn).filter(isOther);
  for (const entry of others) state.counts.add(countedAs(entry));
  together(state, others);
}

/** Groups messages by their turns, each with the message that it began with first. */
function turnsOf(entries: readonly WaitingMessage[]): ReadonlyMap<MessageId, WaitingMessage[]> {
  const turns = new Map<MessageId, WaitingMessage[]>();
  for (const entry of entries) {
    const turn = entry.turnOf ?? entry.messageId;
    const others = turns.get(turn) ?? [];
    turns.set(turn, entry.turnOf ? [...others, entry] : [entry, ...others]);
  }
  return turns;
}

function countedAs({ messageId, accountId, channelId, sender }: WaitingMessage): OpenTurn {
  return { messageId, accountId, channelId, userId: sender.id };
}

/** Maximum number of channels and sessions; at the limit, all are forgotten. */
const MAX_QUIET = 1_024;

/** A channel whose context a session has read. */
interface QuietChannel {
  /** Number of messages kept in it since then. */
  kept: number;
  /** For each session, the value of `kept` up to which it has read them all. */
  readonly readUpTo: Map<string, number>;
}

function createQuietChannels() {
  const accounts = new Map<AccountId, Map<ChannelId, QuietChannel>>();
  let size = 0;

  const channelOf = ({ accountId, channelId }: OverheardKey) =>
    accounts.get(accountId)?.get(channelId);

  function forget(): void {
    accounts.clear();
    size = 0;
  }

  return {
    kept(key: OverheardKey): void {
      const channel = channelOf(key);
      if (channel) channel.kept++;
    },
    /** Whether nothing was kept in the channel since `allRead`. */
    isQuiet(key: OverheardKey, sessionKey: string): boolean {
      const channel = channelOf(key);
      return channel !== undefined && channel.readUpTo.get(sessionKey) === channel.kept;
    },
    /** Notes that the tables hold no context that the session has not read. */
    allRead(key: OverheardKey, sessionKey: string): void {
      if (size >= MAX_QUIET) forget();
      const { accountId, channelId } = key;
      const channels = accounts.get(accountId) ?? new Map<ChannelId, QuietChannel>();
      accounts.set(accountId, channels);
      const channel = channels.get(channelId) ?? { kept: 0, readUpTo: new Map<string, number>() };
      channels.set(channelId, channel);
      if (!channel.readUpTo.has(sessionKey)) size++;
      channel.readUpTo.set(sessionKey, channel.kept);
    },
    /** Forgets all channels; the tables must then be read again. */
    forget,
  };
}

/** Maximum number of direct channels. A forgotten one costs one commit that waits for the disk. */
const DIRECT_MAX = 8_192;

export function createMemory(database: DatabaseSync) {
  const turns = createOpenTurns();
  const apply = (event: TurnEvent): void => applyTurn(turns, event);
  const quiet = createQuietChannels();
  const direct = createNewestSet<string>(DIRECT_MAX);
  return {
    /** The open turns; only `apply` changes them. */
    turns,
    apply,
    /** Reads the open turns that memory lacks. The tables must be up to date. */
    readTurns: prepareReadTurns(database, turns, apply),
    accepted: (rows: readonly AcceptedRow[]): void =>
      rows.forEach((row) => apply({ kind: "accepted", ...row })),
    /** Words that were removed while turns ran. */
    forgotten: createForgotten(turns.running),
    /** Direct channels that are on the disk: their messages need no commit that waits for it. */
    direct,
    /** Channels without new context for their sessions. */
    quiet,
    /** Forgets everything, because the tables may differ. */
    forget(): void {
      apply({ kind: "undone" });
      quiet.forget();
      direct.clear();
    },
  };
}

export type Memory = ReturnType<typeof createMemory>;

const WAITING = rows({
  id: integer(),
  messageId: snowflake<"message">(),
  accountId: account(),
  channelId: snowflake<"channel">(),
  agentId: text(),
  sessionKey: text(),
  attempt: integer(),
  turnOf: optional(snowflake<"message">()),
  guildId: optional(snowflake<"guild">()),
  sender: json<Sender>(), // ours, of a stored message
  isUnasked: flag(),
  text: optional(text()), // JSON of the message
});
const UNASKED = Object.entries(TERMS).flatMap(([kind, { isUnasked }]) =>
  isUnasked ? `'${kind}'` : []
);
const WAITING_COLUMNS = `id, message_id, account_id, channel_id, agent_id, session_key, attempt,
  turn_of, message ->> '$.guildId' AS guild_id, message ->> '$.sender' AS sender,
  COALESCE(message ->> '$.origin.kind' IN (${UNASKED}), 0) AS is_unasked`;
const MESSAGE = rows({ message: json<InboundMessage>() });
const OPEN = rows({
  messageId: snowflake<"message">(),
  accountId: account(),
  channelId: snowflake<"channel">(),
  userId: snowflake<"user">(),
});

function readWaiting(row: unknown): WaitingMessage {
  const { id: arrival, agentId, sessionKey, attempt, text, ...rest } = WAITING.read(row);
  return {
    ...rest,
    route: { agentId, sessionKey },
    arrival,
    attempts: attempt,
    message: text && JSON.parse(text),
  };
}

/** Reads a row with the column `message`. */
export function readStoredMessage(row: unknown): InboundMessage {
  return MESSAGE.read(row).message;
}

/**
 * Reads the open turns from the tables: at a start, and after undone work.
 *
 * @returns Reads what memory lacks. The tables must be up to date.
 */
function prepareReadTurns(
  database: DatabaseSync,
  turns: OpenTurnState,
  apply: (event: TurnEvent) => void,
): () => void {
  const sql = statementsOf(database);
  // A turn that a change has ended is `running` in the table until its next claim.
  const selectWaiting = sql.rows(readWaiting)`
    SELECT ${WAITING_COLUMNS}, message AS text FROM inbox
    WHERE ${IS_OPEN} AND NOT ${IS_PARKED} AND message_id NOT IN (SELECT value FROM json_each(?))
    ORDER BY id`;
  const selectParked = sql.rows(readWaiting)`
    SELECT ${WAITING_COLUMNS}, NULL AS text FROM inbox WHERE ${IS_OPEN} AND ${IS_PARKED}
    ORDER BY length(message_id), message_id`;
  const selectOpen = sql.rows(OPEN.read)`
    SELECT message_id, account_id, channel_id, message ->> '$.sender.id' AS user_id FROM inbox
     WHERE ${IS_OPEN} AND NOT ${IS_PARKED}`;

  return () => {
    if (turns.counts.isStale) {
      apply({ kind: "counted", open: selectOpen.all() });
    }
    if (!turns.isStale) return;
    const running = JSON.stringify(runningMessages(turns));
    apply({
      kind: "read",
      waiting: selectWaiting.all(running),
      parked: selectParked.all(),
    });
  };
}

const NOTHING: ReadonlySet<string> = new Set();

/** The messages of one channel whose words are removed. */
interface RemovedIn {
  readonly channelId: string;
  readonly ids: readonly MessageId[];
}

/**
 * Finds the running turns that have read removed words (H6a, X5). Such a turn begins anew: at once if it
 * may have read them in its channel, and before it stores anything else that names their message.
 */
function createForgotten(running: ReadonlyMap<MessageId, ClaimedTurn>) {
  const during = new WeakMap<ClaimedTurn, ReadonlySet<string>>();
  return {
    /** Words of messages are removed now, within the transaction that does so. */
    add(ids: readonly MessageId[]): void {
      for (const turn of running.values()) {
        during.set(turn, new Set([...during.get(turn) ?? NOTHING, ...ids]));
      }
    },
    /**
     * Messages of the running turns that may have read such words.
     *
     * @param place Absent: the words may be anywhere.
     */
    readers(place?: RemovedIn): readonly MessageId[] {
      return [...running.values()].flatMap(({ entries }) => {
        const last = entries.at(-1);
        const isReader = !place ||
          (last && (last.channelId === place.channelId ||
            place.ids.some((id) => String(id) === last.channelId)) &&
            place.ids.some((id) => compareIds(id, last.messageId) < 0));
        return isReader ? entries.map(({ messageId }) => messageId) : [];
      });
    },
    /** Whether a running turn has read words that were removed since it began. */
    hasRead(messageId: MessageId, pieces: readonly object[]): boolean {
      const turn = running.get(messageId);
      const ids = turn && during.get(turn);
      return ids !== undefined && namesOne(JSON.stringify(pieces), ids);
    },
  };
}
