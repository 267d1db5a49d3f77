/**
 * Keeps some of the tables' content in memory, so that the common path of a message reads no row
 * that was just written.
 *
 * The tables can restore all of it. It is forgotten whenever it may differ from them: after undone
 * work.
 */

import type { DatabaseSync } from "node:sqlite";
import {
  type AccountId,
  type ChannelId,
  compareIds,
  type MessageId,
} from "../../core/discord/ids.ts";
import type { InboundMessage, Sender } from "../../core/inbound/inbound.ts";
import type { Judged } from "../../core/inbound/inbox.ts";
import { TERMS } from "../../core/inbound/origin.ts";
import { createNewestSet } from "../../lib/cache.ts";
import { statementsOf } from "../database/durability.ts";
import type { OverheardKey } from "../messages/message_blocks.ts";
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
import { IS_OPEN } from "../schema/messages.ts";
import { IS_PARKED } from "../schema/people.ts";
import { namesOne } from "../sources/sources.ts";
import { createSpentToday } from "../usage/usage.ts";
import { ACCOUNT_MAX, SESSION_MAX, type WaitingMessage } from "./backlog.ts";
import {
  applyTurn,
  type ClaimedTurn,
  createOpenTurns,
  type OpenTurnState,
  runningMessages,
  type TurnEvent,
} from "./open_turns.ts";

/** Maximum number of channels and sessions; at the limit, all are forgotten. */
const MAX_QUIET = 1_024;

/** A channel whose context a session has read. */
interface QuietChannel {
  /** Number of messages kept in it since then. */
  kept: number;
  /** For each session, the value of `kept` up to which it has read them all. */
  readonly readUpTo: Map<string, number>;
}

export function createQuietChannels() {
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
  const spent = createSpentToday();
  const direct = createNewestSet<string>(DIRECT_MAX);
  return {
    /** The open turns; only `apply` changes them. */
    turns,
    apply,
    /** Reads the open turns that memory lacks. The tables must be up to date. */
    readTurns: prepareReadTurns(database, turns, apply),
    accepted(judged: readonly Judged[]): void {
      for (const { message, route } of judged) {
        if (route) apply({ kind: "accepted", message, route });
      }
    },
    /** Words that were removed while turns ran. */
    forgotten: createForgotten(turns.running),
    /** Channels without new context for their sessions. */
    quiet,
    /** Direct channels that are on the disk: their messages need no commit that waits for it. */
    direct,
    spent,
    /** Forgets everything, because the tables may differ. */
    forget(): void {
      spent.forget();
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
/** Maximum number of an account's waiting messages whose texts are read before their claims. */
const TEXTS_MAX = 1_000;
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
const ARRIVAL = rows({ messageId: snowflake<"message">(), arrival: integer() });

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
export function readMessage(row: unknown): InboundMessage {
  return MESSAGE.read(row).message;
}

/**
 * Reads the open turns from the tables: at a start, and once memory has room for more of them.
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
  const selectWaiting = sql.rows(readWaiting)`SELECT ${WAITING_COLUMNS},
            CASE WHEN in_account <= ${TEXTS_MAX} THEN message END AS text FROM (
       SELECT *,
              ROW_NUMBER() OVER (PARTITION BY session_key ORDER BY id) AS in_session,
              ROW_NUMBER() OVER (PARTITION BY account_id ORDER BY id) AS in_account
       FROM inbox
       WHERE ${IS_OPEN} AND NOT ${IS_PARKED}
         AND message_id NOT IN (SELECT value FROM json_each(?))
     )
     WHERE in_session <= ${SESSION_MAX + 1} AND in_account <= ${ACCOUNT_MAX + 1}
     ORDER BY id`;
  const selectParked = sql.rows(readWaiting)`
    SELECT ${WAITING_COLUMNS}, NULL AS text FROM inbox WHERE ${IS_OPEN} AND ${IS_PARKED}
    ORDER BY length(message_id), message_id`;
  const selectArrivals = sql.rows(ARRIVAL.read)`SELECT message_id, id AS arrival FROM inbox
     WHERE message_id IN (SELECT value FROM json_each(?))`;
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
      running: new Map(selectArrivals.all(running).map((row) => [row.messageId, row.arrival])),
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
