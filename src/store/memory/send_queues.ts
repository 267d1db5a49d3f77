/**
 * Keeps the waiting messages of known channels in memory.
 *
 * Each answer looks for the next message of its channel. A channel becomes known when the tables
 * show that it is empty. It stays known while each of its rows is added, tried and settled through
 * {@link SendQueues}, and needs no read of the tables. If rows replace drafts, are folded, or are
 * changed by hand, and if Discord refuses the channel, it becomes unknown, and the tables are read
 * until it is empty again. `tests/store/open_sends_law_test.ts` compares both.
 *
 * A journaled row has its number before the table has the row.
 */

import type { DatabaseSync } from "node:sqlite";
import { statementsOf } from "../database/statements.ts";
import type { AccountId, ChannelId, MessageId } from "../../core/discord/ids.ts";
import type { Echo } from "../../core/inbound/inbox.ts";
import type { OutboxRow } from "../../core/outbound/outbound.ts";

/** The meaning of an echo of a known message. */
type KnownEcho =
  /** Discord's answer was first. */
  | { readonly kind: "repeated" }
  /** The echo is first: this row is sent. */
  | { readonly kind: "first"; readonly row: OutboxRow };

/** The messages that wait in a known channel; only the methods of {@link SendQueues} change it. */
export interface SendQueue {
  /** In their order. */
  readonly waiting: QueuedRow[];
  /** Whether the channel is still known; if not, the tables tell which messages wait. */
  isKnown: boolean;
}

/** A message that waits. */
export interface QueuedRow {
  row: OutboxRow;
  /** Whether it is safe; if not, it must not be sent yet. */
  isStored: boolean;
  /** When the intent to send it was stored with it; absent: it was not, or an attempt has begun. */
  intendedAt: number | undefined;
  /** When its first attempt began. */
  attemptedAt: number | undefined;
}

/** Maximum number of known channels of an account; the oldest are forgotten. */
const CHANNELS_MAX = 4_096;
/** Number of an account's sent messages in a generation; two are kept, for echoes to come. */
const SENT_GENERATION = 1_024;
/** Maximum bytes of waiting messages; above it, only the tables have new messages. */
const BYTES_MAX = 4 * 1024 * 1024;
/** Estimated bytes of a channel, of a sent message, and of a row beside its text. */
const CHANNEL_BYTES = 200;
const SENT_BYTES = 200;
const ROW_BYTES = 600;

interface SentMessage {
  /** Discord's id; `undefined` for one that Discord deleted before it told the id. */
  readonly id: MessageId | undefined;
  /** Whether its echo was first, and Discord's answer is still to come. */
  isEcho: boolean;
}

interface AccountQueues {
  readonly channels: Map<ChannelId, SendQueue>;
  /** The messages that were sent last, by nonce: two generations. */
  sent: Map<string, SentMessage>;
  sentBefore: Map<string, SentMessage>;
}

/**
 * Creates queues without a known channel. The function is longer than most, because its methods
 * share one state.
 */
export function createSendQueues() {
  const accounts = new Map<AccountId, AccountQueues>();
  let bytes = 0;

  const queueOf = (accountId: AccountId, channelId: ChannelId) =>
    accounts.get(accountId)?.channels.get(channelId);
  const isNamed = (nonce: string) => ({ row }: QueuedRow) => row.message.nonce === nonce;
  const find = ({ message: { accountId, channelId, nonce } }: OutboxRow) =>
    queueOf(accountId, channelId)?.waiting.find(isNamed(nonce));

  function accountOf(accountId: AccountId): AccountQueues {
    let account = accounts.get(accountId);
    if (!account) {
      account = { channels: new Map(), sent: new Map(), sentBefore: new Map() };
      accounts.set(accountId, account);
    }
    return account;
  }

  function drop({ channels }: AccountQueues, channelId: ChannelId): void {
    const queue = channels.get(channelId);
    if (!queue) return;
    queue.isKnown = false;
    for (const { row } of queue.waiting) bytes -= bytesOf(row);
    channels.delete(channelId);
  }

  function remove({ message: { accountId, channelId, nonce } }: OutboxRow): boolean {
    const queue = queueOf(accountId, channelId)?.waiting;
    const index = queue?.findIndex(isNamed(nonce)) ?? -1;
    if (index < 0) return false;
    for (const { row } of queue?.splice(index, 1) ?? []) bytes -= bytesOf(row);
    return true;
  }

  function settle(row: OutboxRow, id: MessageId | undefined, isEcho: boolean): boolean {
    const { accountId, nonce } = row.message;
    const account = accounts.get(accountId);
    if (!account || !remove(row)) return false;
    if (account.sent.size >= SENT_GENERATION) {
      account.sentBefore = account.sent;
      account.sent = new Map();
    }
    account.sent.set(nonce, { id, isEcho });
    return true;
  }

  return {
    /** The queue of a channel; `undefined` if the channel is not known. */
    queueOf,
    /** Whether there is room for more messages. */
    hasRoom: (): boolean => bytes < BYTES_MAX,
    /** Notes that no message of a channel waits in the tables. */
    markEmpty(accountId: AccountId, channelId: ChannelId): void {
      const account = accountOf(accountId);
      const { channels } = account;
      if (channels.has(channelId)) return;
      channels.set(channelId, { waiting: [], isKnown: true });
      if (channels.size <= CHANNELS_MAX) return;
      for (const oldest of channels.keys()) return drop(account, oldest);
    },
    /**
     * Adds rows to their channel's queue, which are not sent before `stored`.
     *
     * @param intendedAt When the intent to send the first is stored with it; absent: it is not.
     */
    add({ waiting }: SendQueue, rows: readonly OutboxRow[], intendedAt?: number): void {
      for (const [index, row] of rows.entries()) {
        const isFirst = index === 0;
        waiting.push({
          row,
          isStored: false,
          intendedAt: isFirst ? intendedAt : undefined,
          attemptedAt: row.firstAttemptAt,
        });
        bytes += bytesOf(row);
      }
    },
    /** Notes that these rows are safe, with the intent of the first if it was added with one. */
    stored({ waiting, isKnown }: SendQueue, rows: readonly OutboxRow[]): void {
      for (const queued of waiting) if (rows.includes(queued.row)) queued.isStored = true;
      if (isKnown) return;
      // It was found empty again, while these rows were on their way to the disk.
      for (const { message } of rows) drop(accountOf(message.accountId), message.channelId);
    },
    /** Notes that these rows were not stored. */
    refused({ waiting }: SendQueue, rows: readonly OutboxRow[]): void {
      const kept = waiting.filter(({ row }) => !rows.includes(row));
      for (const { row } of waiting.splice(0, Infinity, ...kept)) bytes -= bytesOf(row);
      for (const { row } of kept) bytes += bytesOf(row);
    },
    /** Whether the row waits in a known channel. */
    has: (row: OutboxRow): boolean => find(row) !== undefined,
    /**
     * Notes that an attempt at a row begins.
     *
     * @param now Unix time in milliseconds.
     * @returns `intended` if the intent to send the row was stored with it, which is told only once;
     * `undefined` if the row does not wait in a known channel.
     */
    attempt(row: OutboxRow, now: number): "intended" | "waiting" | undefined {
      const queued = find(row);
      if (!queued) return undefined;
      queued.attemptedAt ??= now;
      const { intendedAt } = queued;
      queued.intendedAt = undefined;
      const firstAttemptAt = queued.row.firstAttemptAt ?? intendedAt ?? now;
      queued.row = { ...queued.row, firstAttemptAt };
      return intendedAt !== undefined ? "intended" : "waiting";
    },
    /** Notes other times of a row; a row that is not in memory stays unknown. */
    change(
      row: OutboxRow,
      timesOf: (row: OutboxRow) => Pick<OutboxRow, "firstAttemptAt" | "failingSince">,
    ): void {
      const queued = find(row);
      if (!queued) return;
      queued.row = { ...queued.row, ...timesOf(queued.row) };
      if (queued.row.firstAttemptAt === undefined) queued.attemptedAt = undefined;
    },
    /** Notes that a row waits no more, without a message. */
    hold: (row: OutboxRow): void => void remove(row),
    /** Moves the beginnings of failures, up to a time, by an outage of the whole bot. */
    shiftFailing(accountId: AccountId, byMs: number, until: number): void {
      for (const { waiting } of accounts.get(accountId)?.channels.values() ?? []) {
        for (const queued of waiting) {
          const { failingSince = Infinity } = queued.row;
          if (failingSince <= until) {
            queued.row = { ...queued.row, failingSince: failingSince + byMs };
          }
        }
      }
    },
    /**
     * Removes a row that is sent.
     *
     * @param messageId Discord's id of the message; `undefined` if Discord deleted it before it told
     * the id.
     * @returns Whether it waited in a known channel.
     */
    settle: (row: OutboxRow, messageId: MessageId | undefined): boolean =>
      settle(row, messageId, false),
    /**
     * Whether the echo of a message has settled its row before Discord's answer. Returns true only
     * once: if the tables still have the row after that, they decide.
     */
    takeEcho(
      { message: { accountId, nonce } }: OutboxRow,
      messageId: MessageId | undefined,
    ): boolean {
      const sent = sentOf(accounts.get(accountId), nonce);
      if (!sent?.isEcho || !mayBe(sent, messageId)) return false;
      sent.isEcho = false;
      return true;
    },
    /** Settles the row of an echo. Returns `undefined` if only the tables can tell. */
    echoed(
      accountId: AccountId,
      { nonce, channelId, messageId, heardAt = Infinity }: Echo,
    ): KnownEcho | undefined {
      const account = accounts.get(accountId);
      if (!account || nonce === undefined) return undefined;
      const sent = sentOf(account, nonce);
      if (sent) return mayBe(sent, messageId) ? { kind: "repeated" } : undefined;
      const queued = account.channels.get(channelId)?.waiting.find(isNamed(nonce));
      // An echo from before our first attempt is of another process with our token.
      if (queued?.attemptedAt === undefined || heardAt < queued.attemptedAt) return undefined;
      settle(queued.row, messageId, true);
      return { kind: "first", row: queued.row };
    },
    /**
     * Makes a channel unknown, or all channels of an account, or all. Called at any event that the
     * queues do not follow.
     */
    forget(accountId?: AccountId, channelId?: ChannelId): void {
      for (const [id, account] of accounts) {
        if (accountId !== undefined && accountId !== id) continue;
        if (channelId !== undefined) drop(account, channelId);
        else for (const known of [...account.channels.keys()]) drop(account, known);
      }
    },
    bytes(): number {
      let all = bytes;
      for (const { channels, sent, sentBefore } of accounts.values()) {
        all += channels.size * CHANNEL_BYTES + (sent.size + sentBefore.size) * SENT_BYTES;
      }
      return all;
    },
  };
}

/** Queues of known channels. */
export type SendQueues = ReturnType<typeof createSendQueues>;

function sentOf(account: AccountQueues | undefined, nonce: string): SentMessage | undefined {
  return account?.sent.get(nonce) ?? account?.sentBefore.get(nonce);
}

function mayBe({ id }: SentMessage, messageId: MessageId | undefined): boolean {
  return id === undefined || messageId === undefined || id === messageId;
}

function bytesOf({ message }: OutboxRow): number {
  return ROW_BYTES + message.content.length * 2;
}

/** Creates the memory of the outbox, without known channels. */
export function createOutgoing(database: DatabaseSync) {
  const sql = statementsOf(database);
  const selectLast = sql`SELECT COALESCE(MAX(id), 0) AS id FROM outbox`;
  const selectWaiting = sql`SELECT 1 FROM outbox
     WHERE account_id = :accountId AND channel_id = :channelId AND state IN ('pending', 'sending')
     UNION ALL
     SELECT 1 FROM parked_channel
     WHERE account_id = :accountId AND channel_id = :channelId AND is_parked = 1
     LIMIT 1`;
  const queues = createSendQueues();
  /** The last number that is taken; `undefined` until it is read. */
  let lastId: number | undefined;
  return {
    /** Waiting messages of known channels. */
    queues,
    /**
     * Reads from the tables whether messages wait in a channel. If none does, the queues know the
     * channel from then on. The tables must be up to date.
     */
    checkChannel(accountId: AccountId, channelId: ChannelId): void {
      if (!selectWaiting.get({ accountId, channelId })) queues.markEmpty(accountId, channelId);
    },
    /**
     * Takes numbers for rows, which may be in the journal first.
     *
     * @returns The first of `count` numbers in a row.
     */
    reserve(count: number): number {
      lastId ??= Number(selectLast.get()?.["id"]);
      const firstId = lastId + 1;
      lastId += count;
      return firstId;
    },
    /** Forgets the queues, because work was undone. */
    forget: (): void => queues.forget(),
  };
}

/** The outbox as this process knows it. */
export type Outgoing = ReturnType<typeof createOutgoing>;
