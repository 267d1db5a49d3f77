/**
 * Applies edits and deletions to stored messages, within a transaction of the caller's (H6).
 *
 * A message that waits or runs has its new text, or no turn any more. An answered message keeps its
 * text: only the change is on record. Overheard messages change, too, because a later turn shows
 * them. All of it may come twice, after a RESUME.
 */

import type { DatabaseSync } from "node:sqlite";
import { z } from "zod";
import { column } from "../schema/columns.ts";
import { type Changed, type MessageChange, NOTHING_CHANGED } from "../../core/inbound/inbox.ts";
import type { AccountId, ChannelId, MessageId } from "../../core/discord/ids.ts";
import type { InboundMessage } from "../../core/inbound/inbound.ts";
import { toOverheard } from "../../core/inbound/transcript.ts";
import type { Verdict } from "../../core/inbound/verdict.ts";
import type { Memory } from "../memory/memory.ts";
import type { MessageBlocks } from "../received/message_blocks.ts";
import type { TranscriptRows } from "../turns/transcripts.ts";
import { prepareCut } from "./stops.ts";

/** The result of a transaction with changes, for {@link prepareChanges}'s `remember`. */
export interface AppliedChanges extends Changed {
  /** Messages with another text. */
  readonly edited: readonly InboundMessage[];
  /** Sessions whose transcripts have changed. */
  readonly sessions: readonly string[];
}

/** The result of no changes. */
export const NOTHING_APPLIED: AppliedChanges = { ...NOTHING_CHANGED, edited: [], sessions: [] };

const rowSchema = z.object({
  account_id: column.text,
  session_key: column.text,
  channel_id: column.text,
  finished_at: column.numberOrNull,
  reply_to: column.textOrNull,
  message: column.text,
});

/** Prepares the statements. */
export function prepareChanges(
  database: DatabaseSync,
  { apply, outgoing }: Pick<Memory, "apply" | "outgoing">,
  blocks: Pick<MessageBlocks, "edit" | "remove">,
  transcripts: Pick<TranscriptRows, "redact" | "drop">,
) {
  const cut = prepareCut(database, outgoing);
  const select = database.prepare(
    `SELECT account_id, session_key, channel_id, finished_at, reply_to, message
     FROM inbox WHERE message_id = ?`,
  );
  const setMessage = database.prepare("UPDATE inbox SET message = ? WHERE message_id = ?");
  const note = database.prepare(
    `UPDATE inbox SET change = ?, changed_at = ? WHERE message_id = ? AND change IS NOT 'deleted'`,
  );

  /** The message's row; `undefined` if no account has it, or another one answers it. */
  function rowOf(accountId: AccountId, messageId: MessageId) {
    const row = select.get(messageId);
    const parsed = row && rowSchema.parse(row);
    return parsed?.account_id === accountId ? parsed : undefined;
  }

  return {
    /** Applies changes to the tables, within a transaction of the caller's. */
    apply(accountId: AccountId, changes: readonly MessageChange[], now: number): AppliedChanges {
      const edited = new Map<MessageId, InboundMessage>();
      const lost = new Set<MessageId>();
      const channels = new Set<ChannelId>();
      const sessions = new Set<string>();

      function lose(messageId: MessageId, why: string): void {
        const row = cut(messageId, "cancelled", why, now);
        if (!row) return;
        channels.add(row.channelId);
        lost.add(messageId);
        edited.delete(messageId);
      }

      function edit({ message, verdict }: Extract<MessageChange, { kind: "edited" }>): void {
        const row = rowOf(accountId, message.id);
        if (!row) {
          const isContext = verdict.kind !== "ignore" || verdict.keepAsContext;
          const key = { accountId, channelId: message.channelId };
          if (isContext) blocks.edit(key, toOverheard(message));
          else blocks.remove(key, [message.id]);
          return;
        }
        const stored = readMessage(row.message);
        if (message.revision <= stored.revision) return; // it has this text already, or a newer one
        if (row.finished_at !== null) return void note.run("edited", now, message.id);
        const changed = withTextOf(stored, message);
        setMessage.run(JSON.stringify(changed), message.id);
        if (isWithdrawnBy(verdict)) lose(message.id, `edited: ${verdict.why}`);
        else edited.set(message.id, changed);
      }

      function remove(channelId: ChannelId, messageIds: readonly MessageId[]): void {
        blocks.remove({ accountId, channelId }, messageIds);
        for (const messageId of messageIds) {
          const row = rowOf(accountId, messageId);
          if (!row) continue;
          note.run("deleted", now, messageId);
          if (row.finished_at === null) lose(messageId, "deleted");
          else if (transcripts.redact(row.session_key, row.channel_id, messageId)) {
            sessions.add(row.session_key);
          }
        }
      }

      for (const change of changes) {
        if (change.kind === "edited") edit(change);
        else remove(change.channelId, change.messageIds);
      }
      return {
        edited: [...edited.values()],
        cut: [...lost],
        sessions: [...sessions],
        channels: [...channels],
        touched: [...edited.keys(), ...lost],
      };
    },
    /** Applies the result to memory, once it is stored. */
    remember({ edited, cut, sessions }: AppliedChanges): void {
      for (const message of edited) apply({ kind: "edited", message });
      for (const messageId of cut) apply({ kind: "cut", messageId });
      for (const sessionKey of sessions) transcripts.drop(sessionKey);
    },
  };
}

/** Applies changes. */
export type Changes = ReturnType<typeof prepareChanges>;

/**
 * Whether the sender took the question back, by the policy about the edited text. Only reasons in
 * the text count: an edit does not always tell the sender's roles, and PluralKit names another one.
 */
function isWithdrawnBy({ kind, why }: Verdict): boolean {
  return kind === "ignore" && (why === "no-mention" || why === "no-content");
}

/** The stored message with the text and the parts of the edited one. Its sender stays. */
function withTextOf(
  { mention: _, quoted: __, ...stored }: InboundMessage,
  { text, revision, mention, mentionsOthers, quoted, extras }: InboundMessage,
): InboundMessage {
  return { ...stored, text, revision, mentionsOthers, extras, mention, quoted };
}

/** Ours, written by `rows.ts`. */
function readMessage(text: string): InboundMessage {
  return JSON.parse(text);
}
