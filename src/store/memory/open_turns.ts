/**
 * Counts the open turns of each sender and each channel, in memory (X4).
 *
 * The inbox has the same turns: accepted, without an end. Each accepted message needs a count, and
 * reading a table for it would be slow. The table `told_full` has the lists whose senders know that
 * they are full.
 *
 * Also remembers which turns run, and which messages each of them answers.
 */

import type { AccountId, ChannelId, MessageId, UserId } from "../../core/discord/ids.ts";
import type { Claim, FullList, OpenTurns } from "../../core/inbound/inbox.ts";
import type { WaitingMessage, WaitingMessages } from "./backlog.ts";

/** A message whose turn is open. */
export interface OpenTurn {
  readonly messageId: MessageId;
  readonly accountId: AccountId;
  readonly userId: UserId;
  /** Channel, thread or direct message channel that it stands in. */
  readonly channelId: ChannelId;
}

/** A list of open turns: those of one sender or of one channel, with one account. */
export interface ListKey {
  readonly accountId: AccountId;
  readonly list: FullList;
  /** The sender's id, or the channel's. */
  readonly id: string;
}

/** Open turns of all accounts. */
export interface OpenTurnCounts {
  /** Whether {@link OpenTurnCounts.fill} must be called before counts are right. */
  readonly isStale: boolean;
  /** Replaces everything by the content of the tables. */
  fill(turns: readonly OpenTurn[], told: readonly ListKey[]): void;
  /** Counts the open turns beside a message. */
  counts(turn: OpenTurn): OpenTurns;
  /** Notes that a turn is open; a known one counts once. */
  add(turn: OpenTurn): void;
  /** Notes that a turn has ended, or never began. An unknown one changes nothing. */
  end(messageId: MessageId): void;
  /** Whether the senders of a full list know that it is full. */
  isTold(key: ListKey): boolean;
  /** Notes that they know. */
  tell(key: ListKey): void;
  /** Notes that the list is not full any more. */
  untell(key: ListKey): void;
  /** The lists in {@link OpenTurnCounts.tell} without any open turn. */
  toldWithoutTurns(): readonly ListKey[];
  /** Forgets everything, because the tables may differ. */
  forget(): void;
  /** Estimated bytes of memory. */
  bytes(): number;
}

/** Estimated bytes of a turn, with its share of the counts. */
const TURN_BYTES = 300;
/** Estimated bytes of a list in `told`. */
const TOLD_BYTES = 200;

/** Creates counts that must be filled first. */
export function createOpenTurnCounts(): OpenTurnCounts {
  const turns = new Map<MessageId, readonly [user: string, channel: string]>();
  const counts = new Map<string, number>();
  const told = new Map<string, ListKey>();
  let isStale = true;

  function change(name: string, by: number): void {
    const count = (counts.get(name) ?? 0) + by;
    if (count > 0) counts.set(name, count);
    else counts.delete(name);
  }

  function add(turn: OpenTurn): void {
    if (turns.has(turn.messageId)) return;
    const [user, channel] = listsOf(turn);
    const names = [nameOf(user), nameOf(channel)] as const;
    turns.set(turn.messageId, names);
    for (const name of names) change(name, 1);
  }

  function forget(): void {
    turns.clear();
    counts.clear();
    told.clear();
    isStale = true;
  }

  return {
    get isStale() {
      return isStale;
    },
    fill(open, toldLists) {
      forget();
      for (const turn of open) add(turn);
      for (const key of toldLists) told.set(nameOf(key), key);
      isStale = false;
    },
    counts(turn) {
      const [user, channel] = listsOf(turn);
      return {
        ofUser: counts.get(nameOf(user)) ?? 0,
        inChannel: counts.get(nameOf(channel)) ?? 0,
      };
    },
    add,
    end(messageId) {
      const names = turns.get(messageId);
      if (!names) return;
      turns.delete(messageId);
      for (const name of names) change(name, -1);
    },
    isTold: (key) => told.has(nameOf(key)),
    tell: (key) => void told.set(nameOf(key), key),
    untell: (key) => void told.delete(nameOf(key)),
    toldWithoutTurns: () => [...told.values()].filter((key) => !counts.has(nameOf(key))),
    forget,
    bytes: () => turns.size * TURN_BYTES + told.size * TOLD_BYTES,
  };
}

/** The lists that a turn belongs to: its sender's and its channel's. */
export function listsOf(
  { accountId, userId, channelId }: Omit<OpenTurn, "messageId">,
): readonly [user: ListKey, channel: ListKey] {
  return [
    { accountId, list: "user", id: userId },
    { accountId, list: "channel", id: channelId },
  ];
}

function nameOf({ accountId, list, id }: ListKey): string {
  return `${list} ${id} ${accountId}`;
}

/** A message whose turn runs. */
export interface RunningMessage {
  /** Number of its turns, this one included. */
  readonly attempt: number;
  /** The message that the turn began with; absent: this one. */
  readonly turnOf?: MessageId;
}

/** A turn that has not ended. */
export interface ClaimedTurn {
  readonly sessionKey: string;
  /** Number of its attempt, from 1. */
  readonly attempt: number;
  /** The messages that it answers, as they waited; the first is that of the claim. */
  readonly entries: WaitingMessage[];
}

/** Creates the memory of running turns, which blocks their sessions in the backlog. */
export function createRunningTurns(
  backlog: Pick<WaitingMessages, "block" | "unblock">,
) {
  const turns = new Map<string, ClaimedTurn>();
  /** For each message of a turn beside the first: the first. */
  const joined = new Map<string, MessageId>();

  function end(turnOf: string): ClaimedTurn | undefined {
    const turn = turns.get(turnOf);
    if (!turn) return undefined;
    turns.delete(turnOf);
    for (const { messageId } of turn.entries) joined.delete(messageId);
    backlog.unblock(turn.sessionKey);
    return turn;
  }

  return {
    /** Whether a running turn answers a message. */
    has: (messageId: string): boolean => turns.has(messageId) || joined.has(messageId),
    /** The messages that running turns answer. */
    messages: (): readonly MessageId[] =>
      [...turns.values()].flatMap(({ entries }) => entries.map(({ messageId }) => messageId)),
    /** The turn that was claimed with a message. */
    turn: (turnOf: string): ClaimedTurn | undefined => turns.get(turnOf),
    /** Whether this claim of its message is running. */
    isRunning: ({ message, attempt }: Claim): boolean => turns.get(message.id)?.attempt === attempt,
    /** A message of a running turn. */
    messageOf(messageId: string): RunningMessage | undefined {
      const turnOf = joined.get(messageId);
      if (turnOf === undefined) {
        const attempt = turns.get(messageId)?.attempt;
        return attempt === undefined ? undefined : { attempt };
      }
      const entry = turns.get(turnOf)?.entries.find((one) => one.messageId === messageId);
      return entry && { attempt: entry.attempts + 1, turnOf };
    },
    /** Begins the turn of a message. */
    begin(messageId: string, turn: ClaimedTurn): void {
      turns.set(messageId, turn);
      backlog.block(turn.sessionKey);
    },
    /** Adds a message to a turn. */
    join(turnOf: MessageId, entry: WaitingMessage): void {
      turns.get(turnOf)?.entries.push(entry);
      joined.set(entry.messageId, turnOf);
    },
    /** Takes a message out of a turn. Returns whether the message was part of the turn. */
    leave(turnOf: MessageId, messageId: MessageId): boolean {
      const entries = turns.get(turnOf)?.entries;
      const index = entries?.findIndex((one) => one.messageId === messageId) ?? -1;
      if (index < 0) return false;
      entries?.splice(index, 1);
      joined.delete(messageId);
      return true;
    },
    /** Ends the turn that was claimed with a message. Returns the turn, if one ran. */
    end,
    /** Ends the turn that answers a message. */
    endTurnOf: (messageId: string): ClaimedTurn | undefined =>
      end(joined.get(messageId) ?? messageId),
    /** Ends the turns of an account, or all. */
    endAll(accountId?: AccountId): void {
      for (const [messageId, { entries: [first] }] of turns) {
        if (accountId === undefined || first?.accountId === accountId) end(messageId);
      }
    },
  };
}
