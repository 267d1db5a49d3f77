/**
 * Counts the open turns of each sender and each channel, in memory (X4).
 *
 * The inbox has the same turns: accepted, without an end. Each accepted message needs a count, and
 * reading a table for it would be slow.
 */

import type { AccountId, ChannelId, MessageId, UserId } from "../../core/discord/ids.ts";
import type { FullList } from "../../core/inbound/waiting_limits.ts";

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

export function createTurnCounts() {
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
