/**
 * What Discord does not have yet, for whoever operates the bot: to see it, and
 * to decide what the bot may not decide (D2).
 *
 * A decision is compared with the state of the row as it is, since the bot that
 * runs may be sending it.
 *
 * @module
 */

import type { DatabaseSync } from "node:sqlite";
import { z } from "zod";
import { removalOf } from "../../core/outbound/draft.ts";
import type { AccountId, ChannelId } from "../../core/discord/ids.ts";
import type { OutboundKind } from "../../core/outbound/nonce.ts";
import { snowflakeSchema } from "../../core/discord/snowflake_schema.ts";
import { prepareOutboxFiles } from "./files.ts";
import { prepareAddToOutbox, readMessage } from "./rows.ts";
import type { Outgoing } from "../memory/outgoing.ts";
import { TERMS } from "../database/durability.ts";
import type { Transactions } from "../database/transact.ts";

/** A message that is not sent. Times are Unix times in milliseconds. */
export interface OpenRow {
  readonly id: number;
  readonly channelId: ChannelId;
  /** `parked`: it waits in a channel that Discord does not let the bot post in. */
  readonly state: "pending" | "sending" | "parked" | "uncertain" | "dead";
  /** Absent on what answers nobody. */
  readonly kind?: OutboundKind;
  /** Its first characters, at most {@link PREVIEW_CHARS}. */
  readonly preview: string;
  /** UTF-16 units of all of it. */
  readonly chars: number;
  readonly fileCount: number;
  readonly createdAt: number;
  /** When Discord may have got it first. */
  readonly firstAttemptAt?: number;
  /** Since when no attempt has succeeded. */
  readonly failingSince?: number;
  /** What Discord said last, or why its channel is parked. */
  readonly reason?: string;
}

export interface HeldRows {
  /** The messages of an account that are not sent, in the order of sending. */
  open(accountId: AccountId): Promise<readonly OpenRow[]>;
  /**
   * Sends again what is uncertain or dead, before what waits in its channel; or gives up what is
   * not sent. A draft is not sent again, for it says less than its answer; nor is a message whose
   * files are forgotten. Where a draft stands in the place of what is given up, it is taken away.
   *
   * @param id Of the row.
   * @returns Whether the row was such a one.
   */
  release(id: number, how: "resend" | "drop"): Promise<boolean>;
}

export const PREVIEW_CHARS = 80;

const rowSchema = z.object({
  id: z.number(),
  channel_id: snowflakeSchema<"channel">(),
  state: z.enum(["pending", "sending", "uncertain", "dead"]),
  file_count: z.number(),
  created_at: z.number(),
  first_attempt_at: z.number().nullable(),
  failing_since: z.number().nullable(),
  refusal: z.string().nullable(),
  message: z.string(),
  parked_for: z.string().nullable(),
});

/** @param database Open, migrated, and owned by the caller. */
export function createHeldRows(
  database: DatabaseSync,
  { commit, read }: Transactions,
  outgoing: Outgoing,
): HeldRows {
  const files = prepareOutboxFiles(database);
  const selectOpen = database.prepare(
    `SELECT o.*, p.reason AS parked_for FROM outbox AS o
     LEFT JOIN parked_channel AS p ON p.account_id = o.account_id AND p.channel_id = o.channel_id
       AND p.is_parked = 1 AND o.state IN ('pending', 'sending')
     WHERE +o.account_id = ? -- the index of the open rows, not the one of all rows
       AND o.state IN ('pending', 'sending', 'uncertain', 'dead')
     ORDER BY o.id`,
  );
  const resend = database.prepare(
    `UPDATE outbox
     SET state = 'pending', first_attempt_at = NULL, failing_since = NULL, refusal = NULL
     WHERE id = ? AND state IN ('uncertain', 'dead') AND kind IS NOT 'draft'
       AND (file_count = 0 OR EXISTS (SELECT 1 FROM outbox_file WHERE outbox_row = outbox.id))`,
  );
  const drop = database.prepare(
    `UPDATE outbox SET state = 'dropped', refusal = 'given up by hand', whole = NULL
     WHERE id = ? AND state IN ('pending', 'sending', 'uncertain', 'dead')`,
  );

  const removeDraft = prepareRemoveDraft(database, outgoing);

  return {
    open: (accountId) => read(() => selectOpen.all(accountId).map(toOpenRow)),
    release: (id, how) =>
      commit(TERMS.BY_HAND, () => {
        outgoing.forget();
        if (how === "resend") return resend.run(id).changes === 1;
        if (drop.run(id).changes === 0) return false;
        files.delete(id);
        removeDraft(id);
        return true;
      }),
  };
}

const draftSchema = z.object({
  id: z.number(),
  state: z.enum(["pending", "sending", "sent"]),
  created_at: z.number(),
  message: z.string().transform(readMessage),
});

/** @returns What takes away the draft whose place a row was to take, or keeps it from being posted. */
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
    const { id: draft, state, message: { of, ...message }, created_at } = draftSchema.parse(row);
    if (state === "pending") withdraw.run(draft);
    else if (of) add(removalOf({ message: { ...message, of } }), created_at);
  };
}

function toOpenRow(row: unknown): OpenRow {
  const { message, parked_for, ...rest } = rowSchema.parse(row);
  const { content, of } = readMessage(message);
  const reason = parked_for ?? rest.refusal;
  return {
    id: rest.id,
    channelId: rest.channel_id,
    state: parked_for === null ? rest.state : "parked",
    ...(of && { kind: of.kind }),
    preview: [...content.slice(0, PREVIEW_CHARS * 2)].slice(0, PREVIEW_CHARS).join(""),
    chars: content.length,
    fileCount: rest.file_count,
    createdAt: rest.created_at,
    ...(rest.first_attempt_at !== null && { firstAttemptAt: rest.first_attempt_at }),
    ...(rest.failing_since !== null && { failingSince: rest.failing_since }),
    ...(reason !== null && { reason }),
  };
}
