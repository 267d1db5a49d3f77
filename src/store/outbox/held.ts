/**
 * Shows unsent messages to the operator, and stores the operator's decisions about them, which the
 * bot may not make itself (D2).
 *
 * A decision depends on the current state of the row, because the running bot may be sending it.
 */

import type { DatabaseSync } from "node:sqlite";
import { z } from "zod";
import { column } from "../schema/columns.ts";
import { removalOf } from "../../core/outbound/draft.ts";
import type { ChannelId } from "../../core/discord/ids.ts";
import { snowflakeSchema } from "../../core/discord/snowflake_schema.ts";
import { prepareOutboxFiles } from "./files.ts";
import { DAMAGED_ROW, prepareAddToOutbox, storedMessageSchema } from "./rows.ts";
import type { Outgoing } from "../memory/send_queues.ts";
import { COMMIT_OPTIONS } from "../database/durability.ts";
import type { Transactions } from "../database/transact.ts";
import type { HeldRows, OpenRow } from "../../core/store/outbox.ts";

/** Maximum number of characters (code points) of a preview. */
export const PREVIEW_CHARS = 80;

const row = () =>
  z.object({
    id: column.number,
    channel_id: snowflakeSchema<"channel">(),
    state: z.enum(["pending", "sending", "uncertain", "dead"]),
    file_count: column.number,
    created_at: column.number,
    first_attempt_at: column.numberOrNull,
    failing_since: column.numberOrNull,
    next_attempt_at: column.numberOrNull,
    refusal: column.textOrNull,
    message: storedMessageSchema,
    parked_for: column.textOrNull,
    next_try_at: column.numberOrNull,
  });

const rowSchema = z.lazy(row);

/** The readable parts of a damaged row. */
const damagedSchema = z.lazy(() =>
  z.object({
    id: column.number,
    channel_id: z.custom<ChannelId>((value) => typeof value === "string"),
    state: row().shape.state.catch("dead"),
    file_count: z.number().catch(0),
    created_at: z.number().catch(0),
  })
);

/** Creates the storage of decisions. */
export function createHeldRows(
  database: DatabaseSync,
  { commit, read }: Transactions,
  outgoing: Outgoing,
): HeldRows {
  const files = prepareOutboxFiles(database);
  const selectOpen = database.prepare(
    `SELECT o.*, p.reason AS parked_for, p.next_try_at FROM outbox AS o
     LEFT JOIN parked_channel AS p ON p.account_id = o.account_id AND p.channel_id = o.channel_id
       AND p.is_parked = 1 AND o.state IN ('pending', 'sending')
     WHERE +o.account_id = ? -- the index of the open rows, not the one of all rows
       AND o.state IN ('pending', 'sending', 'uncertain', 'dead')
     ORDER BY o.id`,
  );
  const resend = database.prepare(
    `UPDATE outbox
     SET state = 'pending', first_attempt_at = NULL, failing_since = NULL, refusal = NULL,
         next_attempt_at = NULL
     WHERE id = ? AND state IN ('uncertain', 'dead') AND kind IS NOT 'draft'
       AND (file_count = 0 OR EXISTS (SELECT 1 FROM outbox_file WHERE outbox_row = outbox.id))`,
  );
  const drop = database.prepare(
    `UPDATE outbox SET state = 'dropped', refusal = 'given up by hand', whole = NULL
     WHERE id = ? AND state IN ('pending', 'sending', 'uncertain', 'dead')`,
  );

  // A refused message may be what its channel is parked for, so those behind it are tried now.
  const unpark = database.prepare(
    `UPDATE parked_channel SET is_parked = 0
     WHERE (account_id, channel_id) = (SELECT account_id, channel_id FROM outbox WHERE id = ?)`,
  );
  const removeDraft = prepareRemoveDraft(database, outgoing);

  return {
    open: (accountId) => read(() => withFirsts(selectOpen.all(accountId).map(toOpenRow))),
    release: (id, how) =>
      commit(COMMIT_OPTIONS.BY_HAND, () => {
        outgoing.forget();
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

const draftSchema = z.lazy(() =>
  z.object({
    id: column.number,
    state: z.enum(["pending", "sending", "sent"]),
    created_at: column.number,
    message: storedMessageSchema,
  })
);

/**
 * Prepares the removal of the draft that a row would have replaced. A draft without an attempt is
 * withdrawn. For any other draft, a row that deletes it is added.
 */
function prepareRemoveDraft(database: DatabaseSync, outgoing: Outgoing): (id: number) => void {
  const add = prepareAddToOutbox(database, outgoing);
  const select = database.prepare(
    `SELECT d.id, d.state, d.message, o.created_at FROM outbox AS o
     JOIN outbox AS d ON d.account_id = o.account_id AND d.nonce = o.draft_nonce
     WHERE o.id = ? AND o.action = 'replace' AND d.state IN ('pending', 'sending', 'sent')`,
  );
  const withdraw = database.prepare("UPDATE outbox SET state = 'withdrawn' WHERE id = ?");
  return (id) => {
    const row = select.get(id);
    if (!row) return;
    const { data } = draftSchema.safeParse(row);
    if (!data) return; // damaged: the draft stays at Discord
    const { id: draft, state, message: { of, ...message }, created_at } = data;
    if (state === "pending") withdraw.run(draft);
    else if (of) add(removalOf({ message: { ...message, of } }), created_at);
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
  const { data } = rowSchema.safeParse(row);
  if (!data) return toDamagedRow(row);
  const { message: { content, of }, parked_for, next_try_at, ...rest } = data;
  const reason = parked_for ?? rest.refusal;
  const isWaiting = rest.state === "pending" || rest.state === "sending";
  const nextAttemptAt = next_try_at ?? (isWaiting ? rest.next_attempt_at : null);
  return {
    id: rest.id,
    channelId: rest.channel_id,
    state: parked_for === null ? rest.state : "parked",
    kind: of?.kind,
    preview: [...content.slice(0, PREVIEW_CHARS * 2)].slice(0, PREVIEW_CHARS).join(""),
    chars: content.length,
    fileCount: rest.file_count,
    createdAt: rest.created_at,
    firstAttemptAt: rest.first_attempt_at ?? undefined,
    failingSince: rest.failing_since ?? undefined,
    reason: reason ?? undefined,
    nextAttemptAt: nextAttemptAt ?? undefined,
  };
}

function toDamagedRow(row: unknown): OpenRow {
  const { id, channel_id, state, file_count, created_at } = damagedSchema.parse(row);
  return {
    id,
    channelId: channel_id,
    state,
    preview: "",
    chars: 0,
    fileCount: file_count,
    createdAt: created_at,
    reason: DAMAGED_ROW,
  };
}
