/**
 * Reads the rows of the outbox: the next one of each channel, for the bot, and the unsent ones, for
 * the operator, whose decisions it stores.
 */

import type { DatabaseSync } from "node:sqlite";
import type { AccountId, ChannelId, MessageId } from "../../core/discord/ids.ts";
import { removalOf } from "../../core/outbound/draft.ts";
import {
  type OutboundFile,
  type OutboundKind,
  type OutboxRow,
  withoutPersonal,
} from "../../core/outbound/outbound.ts";
import { COMMIT_OPTIONS, statementsOf } from "../database/durability.ts";
import type { Transactions } from "../database/durability.ts";
import { integer, oneOf, optional, rows, snowflake, text } from "../schema/columns.ts";
import { ENDS_WORDS } from "../sources/sources.ts";
import { isNotParked } from "./attempts.ts";
import {
  DAMAGED_ROW,
  JOIN_DRAFT,
  prepareAddToOutbox,
  prepareHoldDamaged,
  prepareOutboxFiles,
  readOutboxRow,
  ROW_COLUMNS,
  storedMessage,
} from "./rows.ts";
import { prepareCurrentAnswer } from "./turn_outbox.ts";

/** A message that is not sent. Times are Unix times in milliseconds. */
export interface OpenRow {
  readonly id: number;
  readonly channelId: ChannelId;
  /** `parked`: it waits in a channel in which Discord does not let the bot post. */
  readonly state: "pending" | "sending" | "parked" | "uncertain" | "dead";
  /** Absent for messages that answer no one. */
  readonly kind?: OutboundKind;
  /** The first characters of its text. */
  readonly preview: string;
  /** Length of the whole text in UTF-16 units. */
  readonly chars: number;
  /** Number of files that the message was stored with. */
  readonly fileCount: number;
  readonly createdAt: number;
  /** When Discord may first have got it; absent before the first attempt. */
  readonly firstAttemptAt?: number;
  /** Since when no attempt has succeeded; absent if the row is not failing. */
  readonly failingSince?: number;
  /** Why the last attempt failed, or why its channel is parked. Absent without either. */
  readonly reason?: string;
  /** When Barnacle tries it again, at the latest; absent while it does, and after the last try. */
  readonly nextAttemptAt?: number;
  /** Number of the first unsent message of its channel, if it waits for that one. */
  readonly behind?: number;
}

export type SendResult =
  /** Sent; without `messageId` if the message was deleted before Discord told its id. */
  | { readonly id: number; readonly kind: "sent"; readonly messageId?: MessageId }
  /**
   * Not sent. `held`: Barnacle cannot tell whether Discord has it. The reason is Discord's last
   * refusal, or why the channel is parked.
   */
  | { readonly id: number; readonly kind: "waits" | "failed" | "held"; readonly reason?: string };

const MESSAGE = rows({ message: storedMessage() });
const ASKED = rows({ messageId: snowflake<"message">(), channelId: snowflake<"channel">() });
const KNOWN = rows({ messageId: snowflake<"message">() });

export function createHeads({ database, sql, read, commit }: Transactions) {
  const files = prepareOutboxFiles(database);
  const selectRow = `SELECT ${ROW_COLUMNS} FROM outbox AS o ${JOIN_DRAFT}`;
  const selectHeads = sql`${selectRow}
     WHERE o.id IN (
       SELECT MIN(u.id) FROM outbox AS u
       WHERE u.account_id = :accountId AND u.state IN ('pending', 'sending') AND ${isNotParked("u")}
       GROUP BY u.channel_id
     )
     ORDER BY o.id`;
  const selectHead = sql`${selectRow}
     WHERE o.account_id = :accountId AND o.channel_id = :channelId
       AND o.state IN ('pending', 'sending') AND ${isNotParked("o")}
     ORDER BY o.id LIMIT 1`;
  const holdDamaged = prepareHoldDamaged(database);
  const selectKnown = sql`SELECT message_id FROM outbox
     WHERE message_id IN (SELECT value FROM json_each(?)) AND channel_id = ?`;
  const selectMessages = sql`SELECT message FROM outbox WHERE message_id = ? ORDER BY id DESC`;
  const current = prepareCurrentAnswer(database);
  const selectTurn = sql.rows(ASKED.read)`
    SELECT message_id, channel_id FROM inbox WHERE message_id = :id OR turn_of = :id`;
  const selectEdit = sql`SELECT 1 FROM outbox WHERE cause_id = ? AND draft_nonce = ?`;

  /** Selects rows until none is damaged. A damaged index may show a held row again. */
  async function readRows(select: () => readonly unknown[]): Promise<readonly OutboxRow[]> {
    const held = new Set<unknown>();
    for (;;) {
      const found = await read(() => select().map((row) => ({ row, data: readOutboxRow(row) })));
      const damaged = found.flatMap(({ row, data }) => data ? [] : [row]);
      const isNew = damaged.some((row) => !held.has(JSON.stringify(row)));
      if (!isNew) return found.flatMap(({ data }) => data ?? []);
      for (const row of damaged) held.add(JSON.stringify(row));
      await commit(COMMIT_OPTIONS.BY_HAND, () => damaged.forEach(holdDamaged));
    }
  }

  return {
    /**
     * The first unsent row of each channel that is not parked. It blocks the rest of that channel
     * only. A damaged row is held as dead, and the next one is the first.
     *
     * @param channels Distinct channels to read; all if absent, which costs more.
     */
    heads: (accountId: AccountId, channels?: readonly ChannelId[]): Promise<readonly OutboxRow[]> =>
      readRows(() =>
        channels?.flatMap((channelId) => selectHead.all({ accountId, channelId })) ??
          selectHeads.all({ accountId })
      ),
    /** The files of a row in the order of sending; none once the row is sent. */
    filesOf: ({ id, fileCount }: OutboxRow): Promise<readonly OutboundFile[]> =>
      read(() => fileCount === 0 ? [] : files.select(id)),
    /**
     * The footer of a message of ours, for readers of Discord's text; `undefined` if it has none. A
     * draft and the answer that replaced it have the same id; a draft has none.
     */
    footerOf: (messageId: MessageId): Promise<string | undefined> =>
      read(() =>
        selectMessages.all(messageId)
          .map((row) => MESSAGE.readIfWhole(row)?.message.footer)
          .find((footer) => footer !== undefined)
      ),
    /**
     * The message at Discord with the footer or the buttons of a turn's answer, and the channel of the
     * question. `undefined` if there is none, or if an edit of it came to nothing: a further one would.
     */
    underAnswer: (accountId: AccountId, turnId: MessageId) =>
      read(() => {
        const asked = selectTurn.all({ id: turnId });
        const causes = [turnId, ...asked.map(({ messageId }) => messageId)];
        const { message, state, messageId } = current({ accountId, causes })
          .findLast(({ message: { footer, buttons } }) => footer ?? buttons) ?? {};
        const isThere = message && state === "there" && messageId !== undefined;
        if (!isThere || selectEdit.get(message.of.cause, message.nonce)) return undefined;
        return { message, askedIn: asked[0]?.channelId ?? message.channelId };
      }),
    /**
     * Finds our own messages among those of a channel.
     *
     * @returns Ids of the messages that are ours, as far as Discord has told them.
     */
    known: (
      channelId: ChannelId,
      messageIds: readonly MessageId[],
    ): Promise<ReadonlySet<MessageId>> =>
      read(() => {
        const rows = selectKnown.all(JSON.stringify(messageIds), channelId);
        return new Set(rows.map((row) => KNOWN.read(row).messageId));
      }),
  };
}

/** Maximum number of characters (code points) of a preview. */
export const PREVIEW_CHARS = 80;

const OPEN = rows({
  id: integer(),
  channelId: snowflake<"channel">(),
  state: oneOf("pending", "sending", "uncertain", "dead"),
  fileCount: integer(),
  createdAt: integer(),
  firstAttemptAt: optional(integer()),
  failingSince: optional(integer()),
  nextAttemptAt: optional(integer()),
  refusal: optional(text()),
  message: storedMessage(),
  parkedFor: optional(text()),
  nextTryAt: optional(integer()),
});

const DAMAGED = rows({ id: integer(), channelId: text() });
const STATE = rows({ state: oneOf("pending", "sending", "uncertain", "dead") });
const COUNTED = rows({ fileCount: integer() });
const DATED = rows({ createdAt: integer() });

/**
 * Shows unsent messages to the operator, and stores the operator's decisions about them, which the
 * bot may not make itself (D2).
 *
 * A decision depends on the current state of the row, because the running bot may be sending it.
 */
export function createHeldRows({ database, sql, commit, read }: Transactions) {
  const files = prepareOutboxFiles(database);
  const selectOpen = sql.rows(toOpenRow)`
    SELECT o.*, p.reason AS parked_for, p.next_try_at FROM outbox AS o
    LEFT JOIN parked_channel AS p ON p.account_id = o.account_id AND p.channel_id = o.channel_id
      AND p.is_parked = 1 AND o.state IN ('pending', 'sending')
    WHERE +o.account_id = ? -- the index of the open rows, not the one of all rows
      AND o.state IN ('pending', 'sending', 'uncertain', 'dead')
    ORDER BY o.id`;
  const resend = sql`UPDATE outbox
     SET state = 'pending', first_attempt_at = NULL, failing_since = NULL, refusal = NULL,
         next_attempt_at = NULL
     WHERE id = ? AND state IN ('uncertain', 'dead') AND kind IS NOT 'draft'
       AND IIF(json_valid(message), message ->> '$.isUnkept', NULL) IS NULL
       AND (file_count = 0 OR EXISTS (SELECT 1 FROM outbox_file WHERE outbox_row = outbox.id))`;
  const drop = sql`UPDATE outbox SET state = 'dropped', refusal = 'given up by hand',
       ${ENDS_WORDS}
     WHERE id = ? AND state IN ('pending', 'sending', 'uncertain', 'dead')`;

  // A refused message may be what its channel is parked for, so those behind it are tried now.
  const unpark = sql`UPDATE parked_channel SET is_parked = 0
     WHERE (account_id, channel_id) = (SELECT account_id, channel_id FROM outbox WHERE id = ?)`;
  const removeDraft = prepareRemoveDraft(database);

  return {
    /** The unsent messages of an account, in the order of sending. */
    open: (accountId: AccountId): Promise<readonly OpenRow[]> =>
      read(() => withFirsts(selectOpen.all(accountId))),
    /**
     * Sends an uncertain or dead message again, before the waiting ones of its channel, or gives up
     * an unsent message. A draft is never sent again, because it has less text than its answer.
     * Neither is one whose files or words are deleted. Giving up a message also removes the draft that
     * it would have replaced. If its channel is parked, the waiting messages there are tried at once.
     *
     * @returns Whether the row was in a state that allows this.
     */
    release: (id: number, how: "resend" | "drop") =>
      commit(COMMIT_OPTIONS.BY_HAND, () => {
        const isChanged = (how === "resend" ? resend : drop).run(id).changes === 1;
        if (!isChanged) return false;
        unpark.run(id);
        if (how === "resend") return true;
        files.delete(id);
        removeDraft(id);
        return true;
      }),
  };
}

const DRAFT = rows({
  id: integer(),
  state: oneOf("pending", "sending", "sent"),
  createdAt: integer(),
  message: storedMessage(),
});

/**
 * Prepares the removal of the draft that a row would have replaced. A draft without an attempt is
 * withdrawn. For any other draft, a row that deletes it is added.
 */
function prepareRemoveDraft(database: DatabaseSync): (id: number) => void {
  const sql = statementsOf(database);
  const add = prepareAddToOutbox(database);
  const select = sql`SELECT d.id, d.state, d.message, o.created_at FROM outbox AS o
     JOIN outbox AS d ON d.account_id = o.account_id AND d.nonce = o.draft_nonce
     WHERE o.id = ? AND o.action = 'replace' AND d.state IN ('pending', 'sending', 'sent')`;
  const withdraw = sql`UPDATE outbox SET state = 'withdrawn' WHERE id = ?`;
  return (id) => {
    const row = select.get(id);
    if (!row) return;
    const whole = DRAFT.readIfWhole(row);
    if (!whole) return; // damaged: the draft stays at Discord
    const { id: draft, state, message: { of, ...message }, createdAt } = whole;
    if (state === "pending") withdraw.run(draft);
    else if (of) add(removalOf({ message: { ...message, of } }), createdAt);
  };
}

/** Adds to each row behind another one of its channel the number of the first of them. */
function withFirsts(rows: readonly OpenRow[]): readonly OpenRow[] {
  const firsts = new Map<ChannelId, number>();
  return rows.map((row) => {
    if (row.state !== "pending" && row.state !== "sending") return row;
    const behind = firsts.get(row.channelId);
    if (behind !== undefined) return { ...row, behind };
    firsts.set(row.channelId, row.id);
    return row;
  });
}

function toOpenRow(row: unknown): OpenRow {
  const whole = OPEN.readIfWhole(row);
  if (!whole) return toDamagedRow(row);
  const { message: { content, of }, parkedFor, nextTryAt, nextAttemptAt, refusal, ...rest } = whole;
  const shown = withoutPersonal(content);
  const isWaiting = rest.state === "pending" || rest.state === "sending";
  return {
    ...rest,
    state: parkedFor === undefined ? rest.state : "parked",
    kind: of?.kind,
    preview: [...shown.slice(0, PREVIEW_CHARS * 2)].slice(0, PREVIEW_CHARS).join(""),
    chars: content.length,
    reason: parkedFor ?? refusal,
    nextAttemptAt: nextTryAt ?? (isWaiting ? nextAttemptAt : undefined),
  };
}

function toDamagedRow(row: unknown): OpenRow {
  const { id, channelId } = DAMAGED.read(row);
  return {
    id,
    channelId: channelId as ChannelId, // as it is: the operator sees it
    state: STATE.readIfWhole(row)?.state ?? "dead",
    preview: "",
    chars: 0,
    fileCount: COUNTED.readIfWhole(row)?.fileCount ?? 0,
    createdAt: DATED.readIfWhole(row)?.createdAt ?? 0,
    reason: DAMAGED_ROW,
  };
}
