/**
 * The open turns: messages that wait, turns that run, and turns that wait for people.
 *
 * {@link applyTurn} is the only code that changes them, and {@link TurnEvent} lists everything that
 * can happen to them. It asks no clock and no table. An event of a transaction is applied at the
 * moment the transaction is stored, before any other code runs. So the state is always that of a
 * process that reads the tables now; only after undone work, this process does the same
 * (`tests/store/open_turns_law_test.ts`). The tables need not have new messages yet.
 *
 * Only the oldest messages of a long backlog are here (`backlog.ts`). Once there is room again, the
 * next ones are read from the tables, in their order.
 *
 * The inbox has the same turns: accepted, without an end. Each accepted message needs a count, and
 * reading a table for it would be slow.
 */

import type { AccountId, ChannelId, MessageId, UserId } from "../../core/discord/ids.ts";
import type { InboundMessage } from "../../core/inbound/inbound.ts";
import { type Claim, type FullList, messagesOf, type Route } from "../../core/inbound/inbox.ts";
import { termsOf } from "../../core/inbound/origin.ts";
import { createBacklog, type WaitingMessage } from "./backlog.ts";

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

export interface ClaimedTurn {
  readonly sessionKey: string;
  /** Number of its attempt, from 1. */
  readonly attempt: number;
  /** Unix time in milliseconds. */
  readonly claimedAt: number;
  /** The messages that it answers, as they waited; the first is that of the claim. */
  readonly entries: WaitingMessage[];
}

/** All open turns of a process; only {@link applyTurn} changes them. */
export interface OpenTurnState {
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
  /** The last number of an arrival. */
  arrivals: number;
}

export type TurnEvent =
  /**
   * The tables were read: waiting messages in the order of arrival, the parked ones, and the arrivals
   * of the running ones. Memory and the tables count arrivals apart, so one order needs one count.
   */
  | {
    readonly kind: "read";
    readonly waiting: readonly WaitingMessage[];
    readonly parked: readonly WaitingMessage[];
    readonly running: ReadonlyMap<MessageId, number>;
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
  | { readonly kind: "accepted"; readonly message: InboundMessage; readonly route: Route }
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
  arrivals: 0,
});

export function applyTurn(state: OpenTurnState, event: TurnEvent): void {
  const { backlog, counts } = state;
  switch (event.kind) {
    case "read":
      forgetWaiting(state);
      state.isStale = false;
      for (const { entries } of state.running.values()) renumber(entries, event.running);
      for (const { arrival } of [...event.waiting, ...event.parked]) {
        state.arrivals = Math.max(state.arrivals, arrival);
      }
      for (const arrival of event.running.values()) {
        state.arrivals = Math.max(state.arrivals, arrival);
      }
      for (const entry of event.waiting) {
        if (!backlog.hasRoom(entry.accountId, entry.route.sessionKey)) continue;
        wait(state, backlog.hasRoomForText() ? entry : { ...entry, message: undefined });
      }
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
      return accept(state, event.message, event.route);
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
  if (!entry) return state.isStale || state.backlog.isPartial();
  return entry.accountId === accountId && entry.attempts === 0;
}

function forgetWaiting(state: OpenTurnState): void {
  state.backlog.clear();
  for (const turn of [...state.parked.keys()]) unpark(state, turn);
  state.isStale = true;
}

function renumber(entries: WaitingMessage[], arrivals: ReadonlyMap<MessageId, number>): void {
  for (const [index, entry] of entries.entries()) {
    const arrival = arrivals.get(entry.messageId);
    if (arrival !== undefined) entries[index] = { ...entry, arrival };
  }
}

/** Adds a waiting message, unless the next reading of the tables brings it. */
function wait(state: OpenTurnState, entry: WaitingMessage): void {
  if (!state.isStale && !runs(state, entry.messageId)) state.backlog.insert(entry);
}

function takeOut(state: OpenTurnState, entry: WaitingMessage | undefined): void {
  if (entry && state.backlog.takeOut(entry)) state.isStale = true;
}

function accept(state: OpenTurnState, message: InboundMessage, route: Route): void {
  const { id: messageId, accountId, channelId, guildId, sender } = message;
  const { backlog } = state;
  const hasRoom = !state.isStale && backlog.hasRoom(accountId, route.sessionKey);
  const entry: WaitingMessage = {
    messageId,
    accountId,
    channelId,
    guildId,
    route,
    arrival: hasRoom ? ++state.arrivals : 0,
    attempts: 0,
    sender,
    isUnasked: termsOf(message).isUnasked,
    message: backlog.hasRoomForText() ? message : undefined,
  };
  state.counts.add(countedAs(entry));
  if (hasRoom) wait(state, entry);
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
