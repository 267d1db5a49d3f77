/**
 * Keeps the waiting messages of known channels in memory.
 *
 * Each answer looks for the next message of its channel. A channel becomes known when the tables
 * show that it is empty. It stays known while its messages are plain ones of this process: without
 * files and drafts, and neither refused nor failing. It then needs no read of the tables. Any other
 * event makes the channel unknown, and the tables are read until it is empty again.
 *
 * A journaled row has its number before the table has the row.
 */

import type { DatabaseSync } from "node:sqlite";
import type { AccountId, ChannelId, MessageId } from "../../core/discord/ids.ts";
import type { Echo } from "../../core/inbound/inbox.ts";
import type { OutboxRow } from "../../core/outbound/outbound.ts";

/** The meaning of an echo of a known message. */
export type KnownEcho =
  /** Discord's answer was first. */
  | { readonly kind: "repeated" }
  /** The echo is first: this row is sent. */
  | { readonly kind: "first"; readonly row: OutboxRow };

/** Queues of known channels. */
export interface SendQueues {
  /** Whether the channel's waiting messages are all here. */
  isKnown(accountId: AccountId, channelId: ChannelId): boolean;
  /** Whether messages may be added here: the channel is known, and there is room. */
  hasRoom(accountId: AccountId, channelId: ChannelId): boolean;
  /** Number of messages that wait in a known channel; 0 if it is not known. */
  size(accountId: AccountId, channelId: ChannelId): number;
  /** Notes that no message of a channel waits in the tables. */
  markEmpty(accountId: AccountId, channelId: ChannelId): void;
  /** Adds rows to a known channel, which are not sent before {@link SendQueues.stored}. */
  add(rows: readonly OutboxRow[], isFirstIntended: boolean): void;
  /** Notes that these rows are safe, with the intent of the first if it was added with one. */
  stored(rows: readonly OutboxRow[]): void;
  /** The first row of a known channel; `undefined` if there is none or it is not stored yet. */
  head(accountId: AccountId, channelId: ChannelId): OutboxRow | undefined;
  /** Whether the row waits in a known channel. */
  has(row: OutboxRow): boolean;
  /** Whether the intent to send a row was stored with it. Returns true only once. */
  takeIntent(row: OutboxRow): boolean;
  /**
   * Notes that an attempt at a row begins.
   *
   * @param now Unix time in milliseconds.
   */
  attempted(row: OutboxRow, now: number): void;
  /**
   * Removes a row that is sent.
   *
   * @param messageId Discord's id of the message; `undefined` if Discord deleted it before it told
   * the id.
   */
  settle(row: OutboxRow, messageId: MessageId | undefined): void;
  /**
   * Whether the echo of a message has settled its row before Discord's answer. Returns true only
   * once: if the tables still have the row after that, they decide.
   */
  takeEcho(row: OutboxRow, messageId: MessageId | undefined): boolean;
  /** Settles the row of an echo. Returns `undefined` if only the tables can tell. */
  echoed(accountId: AccountId, echo: Echo): KnownEcho | undefined;
  /**
   * Makes a channel unknown, or all channels of an account, or all. Called at any event that the
   * queues do not follow.
   */
  forget(accountId?: AccountId, channelId?: ChannelId): void;
  /** Estimated bytes of memory. */
  bytes(): number;
}

/** Maximum number of known channels; the oldest are forgotten. */
const CHANNELS_MAX = 4_096;
/** Maximum number of sent messages whose echo is still to come. */
const SENT_MAX = 1_024;
/** Maximum bytes of waiting messages; above it, only the tables have new messages. */
const BYTES_MAX = 4 * 1024 * 1024;
/** Estimated bytes of a channel, of a sent message, and of a row beside its text. */
const CHANNEL_BYTES = 200;
const SENT_BYTES = 200;
const ROW_BYTES = 600;

interface Queued {
  readonly row: OutboxRow;
  isStored: boolean;
  isIntended: boolean;
  attemptedAt: number | undefined;
}

/** A message that Discord has. */
interface SentMessage {
  /** Discord's id; `undefined` for one that Discord deleted before it told the id. */
  readonly id: MessageId | undefined;
  /** Whether its echo was first, and Discord's answer is still to come. */
  isEcho: boolean;
}

/** Creates queues without a known channel. */
export function createSendQueues(): SendQueues {
  const channels = new Map<string, Queued[]>();
  const byNonce = new Map<string, Queued>();
  const sent = createSentMessages();
  let bytes = 0;

  const queueOf = ({ message: { accountId, channelId } }: OutboxRow) =>
    channels.get(keyOf(accountId, channelId));
  const find = (row: OutboxRow) => byNonce.get(nonceKeyOf(row));

  function drop(key: string): void {
    for (const { row } of channels.get(key) ?? []) {
      byNonce.delete(nonceKeyOf(row));
      bytes -= bytesOf(row);
    }
    channels.delete(key);
  }

  function settle(row: OutboxRow, messageId: MessageId | undefined, isEcho = false): void {
    const queue = queueOf(row);
    const queued = find(row);
    if (!queue || !queued) return;
    queue.splice(queue.indexOf(queued), 1);
    bytes -= bytesOf(row);
    const nonce = nonceKeyOf(row);
    byNonce.delete(nonce);
    sent.add(nonce, messageId, isEcho);
  }

  return {
    isKnown: (accountId, channelId) => channels.has(keyOf(accountId, channelId)),
    hasRoom: (accountId, channelId) =>
      bytes < BYTES_MAX && channels.has(keyOf(accountId, channelId)),
    size: (accountId, channelId) => channels.get(keyOf(accountId, channelId))?.length ?? 0,
    markEmpty(accountId, channelId) {
      const key = keyOf(accountId, channelId);
      if (channels.has(key)) return;
      channels.set(key, []);
      for (const oldest of channels.keys()) {
        if (channels.size <= CHANNELS_MAX) break;
        drop(oldest);
      }
    },
    add(rows, isFirstIntended) {
      for (const [index, row] of rows.entries()) {
        const isIntended = isFirstIntended && index === 0;
        const queued = { row, isStored: false, isIntended, attemptedAt: undefined };
        queueOf(row)?.push(queued);
        byNonce.set(nonceKeyOf(row), queued);
        bytes += bytesOf(row);
      }
    },
    stored(rows) {
      for (const row of rows) {
        const queued = find(row);
        if (queued) queued.isStored = true;
        else drop(keyOf(row.message.accountId, row.message.channelId));
      }
    },
    head(accountId, channelId) {
      const first = channels.get(keyOf(accountId, channelId))?.[0];
      return first?.isStored ? first.row : undefined;
    },
    has: (row) => find(row) !== undefined,
    takeIntent(row) {
      const queued = find(row);
      if (!queued?.isIntended) return false;
      queued.isIntended = false;
      return true;
    },
    attempted(row, now) {
      const queued = find(row);
      if (queued) queued.attemptedAt ??= now;
    },
    settle: (row, messageId) => settle(row, messageId),
    takeEcho: (row, messageId) => sent.takeEcho(nonceKeyOf(row), messageId),
    echoed(accountId, { nonce, messageId, heardAt = Infinity }) {
      if (nonce === undefined) return undefined;
      const key = `${accountId} ${nonce}`;
      if (sent.has(key)) return sent.mayMatch(key, messageId) ? { kind: "repeated" } : undefined;
      const queued = byNonce.get(key);
      // An echo from before our first attempt is of another process with our token.
      if (queued?.attemptedAt === undefined || heardAt < queued.attemptedAt) return undefined;
      settle(queued.row, messageId, true);
      return { kind: "first", row: queued.row };
    },
    forget(accountId, channelId) {
      if (accountId !== undefined && channelId !== undefined) drop(keyOf(accountId, channelId));
      else {
        for (const key of [...channels.keys()]) {
          if (accountId === undefined || key.startsWith(`${accountId} `)) drop(key);
        }
      }
    },
    bytes: () => channels.size * CHANNEL_BYTES + sent.bytes() + bytes,
  };
}

/** The messages that were sent last, by account and nonce. */
function createSentMessages() {
  const messages = new Map<string, SentMessage>();
  const matches = (sent: SentMessage | undefined, messageId: MessageId | undefined): boolean =>
    sent?.id === undefined || messageId === undefined || sent.id === messageId;
  return {
    add(key: string, id: MessageId | undefined, isEcho: boolean): void {
      messages.set(key, { id, isEcho });
      for (const oldest of messages.keys()) {
        if (messages.size <= SENT_MAX) break;
        messages.delete(oldest);
      }
    },
    has: (key: string): boolean => messages.has(key),
    /** Whether a sent message may have this id. */
    mayMatch: (key: string, messageId: MessageId): boolean => matches(messages.get(key), messageId),
    takeEcho(key: string, messageId: MessageId | undefined): boolean {
      const sent = messages.get(key);
      if (!sent?.isEcho || !matches(sent, messageId)) return false;
      sent.isEcho = false;
      return true;
    },
    bytes: (): number => messages.size * SENT_BYTES,
  };
}

function keyOf(accountId: AccountId, channelId: ChannelId): string {
  return `${accountId} ${channelId}`;
}

function bytesOf({ message }: OutboxRow): number {
  return ROW_BYTES + message.content.length * 2;
}

function nonceKeyOf({ message: { accountId, nonce } }: OutboxRow): string {
  return `${accountId} ${nonce}`;
}

/** Creates the memory of the outbox, without known channels. */
export function createOutgoing(database: DatabaseSync) {
  const selectLast = database.prepare("SELECT COALESCE(MAX(id), 0) AS id FROM outbox");
  const selectWaiting = database.prepare(
    `SELECT 1 FROM outbox
     WHERE account_id = :accountId AND channel_id = :channelId AND state IN ('pending', 'sending')
     UNION ALL
     SELECT 1 FROM parked_channel
     WHERE account_id = :accountId AND channel_id = :channelId AND is_parked = 1
     LIMIT 1`,
  );
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
