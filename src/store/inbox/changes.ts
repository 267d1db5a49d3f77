/**
 * Applies edits and deletions to stored messages, within a transaction of the caller's (H6, H6a).
 *
 * A message that waits or runs has its new text, or no turn any more. After the deletion of an
 * answered one, the memory of the agent changes. Overheard messages change, too, because a later
 * turn shows them. All of it may come twice, after a RESUME.
 */

import type { DatabaseSync } from "node:sqlite";
import type { AccountId, ChannelId, MessageId } from "../../core/discord/ids.ts";
import type { InboundMessage } from "../../core/inbound/inbound.ts";
import {
  type Changed,
  type CutEnd,
  type MessageChange,
  NOTHING_CHANGED,
  PAUSED,
  type StopRequest,
  type StopScope,
} from "../../core/inbound/inbox.ts";
import { toOverheard } from "../../core/inbound/inbound.ts";
import type { Verdict } from "../../core/inbound/inbox.ts";
import { COMMIT_OPTIONS, statementsOf, type Transactions } from "../database/commits.ts";
import type { Memory } from "../memory/memory.ts";
import { prepareOverheard } from "../messages/messages.ts";
import { prepareAddOnce, prepareRemoveDrafts } from "../outbox/outbox.ts";
import { flag, integer, json, optional, rows, snowflake, text } from "../schema/columns.ts";
import { IS_OPEN } from "../schema/messages.ts";
import { withoutWords } from "../schema/person.ts";
import { type FoundWords, prepareSources } from "../sources/sources.ts";
import type { TranscriptRows } from "../turns/turns.ts";

/** A message without a turn now. */
export interface Stopped {
  readonly messageId: MessageId;
}

const ID = rows({ messageId: snowflake<"message">() });

export function prepareStops(database: DatabaseSync) {
  const sql = statementsOf(database);
  const cut: CutMessage = prepareCut(database);
  const addOnce = prepareAddOnce(database);
  const select = sql`SELECT message_id FROM inbox
     WHERE ${IS_OPEN}
       AND account_id = :accountId AND (:channelId IS NULL OR channel_id = :channelId)
       AND message_id <> :except AND (:only IS NULL OR message_id = :only)
       AND (:userId IS NULL OR message ->> '$.sender.id' = :userId)`;

  // A run is done while its turn waits for a person. The runner posts its events for the reason.
  const postEvents = sql`
    UPDATE hook_run SET state = 'claimed', reason = ? WHERE message_id = ? AND state <> 'refused'`;

  function openIn(scope: StopScope): readonly MessageId[] {
    const { accountId, channelId = null, userId = null, except = "" } = scope;
    const only = scope.only?.messageId ?? null;
    return select.all({ accountId, channelId, userId, except, only }).map((row) =>
      ID.read(row).messageId
    );
  }

  return {
    /**
     * Stops turns for a message that asks for it, ends that message, and stores the answer to it.
     *
     * @param by The message, which is in the inbox.
     */
    stop({ scope, reply, nothing }: StopRequest, by: MessageId, now: number): readonly Stopped[] {
      const others = openIn(scope).filter((messageId) => messageId !== by);
      if (others.length === 0 && !nothing) return [];
      for (const id of others) cut(id, "stopped", "stopped by a person", now);
      cut(by, "stopped", others.length > 0 ? "it stopped the others" : "nothing to stop", now);
      for (const frozen of others.length > 0 ? reply : nothing ?? []) addOnce(frozen, now);
      return [...others, by].map((messageId) => ({ messageId }));
    },
    /** Stops turns by a command or a button. */
    stopAll(scope: StopScope, now: number): readonly Stopped[] {
      const ids = openIn(scope);
      const why = scope.isPause ? PAUSED : scope.only?.why ?? "stopped by a person";
      for (const id of ids) {
        cut(id, "stopped", why, now);
        if (scope.isPause) postEvents.run(PAUSED, id);
      }
      return ids.map((messageId) => ({ messageId }));
    },
  };
}

export function createStopTurns({ database, commit }: Transactions, memory: Memory) {
  const { stopAll } = prepareStops(database);
  return {
    /**
     * Ends all turns of a scope, as `stopped`.
     *
     * @returns The messages that have lost their turns; turns of them that run must end.
     */
    async stopTurns(scope: StopScope, now: number): Promise<readonly MessageId[]> {
      const stopped = await commit(COMMIT_OPTIONS.BY_HAND, () => stopAll(scope, now), {
        isAlone: true,
        onStored(stopped) {
          for (const { messageId } of stopped) memory.apply({ kind: "cut", messageId });
        },
      });
      return stopped.map(({ messageId }) => messageId);
    },
  };
}

/**
 * Ends a message.
 *
 * @param why For the operator.
 * @returns Its channel; `undefined` if it has an end already, or is not in the inbox.
 */
type CutMessage = (
  messageId: MessageId,
  end: CutEnd,
  why: string,
  now: number,
) => { readonly channelId: ChannelId } | undefined;

const CUT = rows({
  accountId: text(),
  agentId: text(),
  channelId: snowflake<"channel">(),
  turnOf: optional(text()),
});

/**
 * Ends messages in the inbox without an answer, within a transaction of the caller's (H6, S5).
 *
 * If the turn of such a message answers others, too, they keep the turn with its steps: a tool call
 * that must not run twice does not.
 */
function prepareCut(database: DatabaseSync): CutMessage {
  const sql = statementsOf(database);
  const finish = sql`UPDATE inbox SET state = ?, failure = ?, finished_at = ?
     WHERE message_id = ? AND finished_at IS NULL
     RETURNING account_id, agent_id, channel_id, turn_of`;
  const selectOther = sql`SELECT message_id FROM inbox WHERE turn_of = ? AND finished_at IS NULL
     ORDER BY length(message_id), message_id LIMIT 1`;
  const giveTurn = sql`UPDATE inbox SET turn_of = CASE WHEN message_id = :to THEN NULL ELSE :to END
     WHERE turn_of = :from AND finished_at IS NULL`;
  const giveSteps = sql`UPDATE step SET message_id = ? WHERE message_id = ?`;
  const removeDrafts = prepareRemoveDrafts(database);

  return (messageId, end, why, now) => {
    const row = finish.get(end, why, now, messageId);
    if (!row) return undefined;
    const { accountId, agentId, channelId, turnOf } = CUT.read(row);
    if (turnOf !== undefined) return { channelId };
    removeDrafts({ accountId, messageId, agentId }, now);
    const other = selectOther.get(messageId);
    if (other) {
      const { messageId: to } = ID.read(other);
      giveTurn.run({ to, from: messageId });
      giveSteps.run(to, messageId);
    }
    return { channelId };
  };
}

/** The result of a transaction with changes, for {@link prepareChanges}'s `remember`. */
export interface AppliedChanges extends Changed {
  readonly edited: readonly InboundMessage[];
  /** Messages of turns that begin anew, because they have read a message that has changed. */
  readonly again: readonly MessageId[];
  /** Whether messages wait again, or have other quotes: memory must read them from the tables. */
  readonly isStale: boolean;
  /** Sessions whose transcripts have changed. */
  readonly sessions: readonly string[];
}

export const NOTHING_APPLIED: AppliedChanges = {
  ...NOTHING_CHANGED,
  edited: [],
  again: [],
  isStale: false,
  sessions: [],
};

const ROW = rows({
  accountId: text(),
  sessionKey: text(),
  finishedAt: optional(integer()),
  turnOf: optional(snowflake<"message">()),
  replyTo: optional(text()),
  message: json<InboundMessage>(), // ours, by `turns.ts`
});

/** Takes the place of the words of a deleted message, and of an earlier text of an edited one. */
const GONE = "[removed: its sender has deleted or edited it since]";

/** Prepares the statements. */
export function prepareChanges(
  database: DatabaseSync,
  { apply, forgotten }: Memory,
  transcripts: TranscriptRows,
) {
  const sql = statementsOf(database);
  const cut = prepareCut(database);
  const overheard = prepareOverheard(database);
  const select = sql`SELECT account_id, session_key, finished_at, turn_of, reply_to, message
     FROM inbox WHERE message_id = ?`;
  const setMessage = sql`UPDATE inbox SET message = ? WHERE message_id = ?`;
  const note = sql`
    UPDATE inbox SET change = ?, changed_at = ? WHERE message_id = ? AND change IS NOT 'deleted'`;
  const removeNotes = sql`DELETE FROM note
     WHERE id IN (SELECT note_row FROM note_source WHERE message_id = ?)`;
  const isOwnPost = sql`SELECT 1 FROM outbox WHERE message_id = ?`;
  const sources = prepareSources(database);
  const changeQuotes = prepareChangeQuotes(database);

  /** The message's row; `undefined` if no account has it, or another one answers it. */
  function rowOf(accountId: AccountId, messageId: MessageId) {
    const row = select.get(messageId);
    const found = row && ROW.read(row);
    return found?.accountId === accountId ? found : undefined;
  }

  return {
    /** Applies changes to the tables, within a transaction of the caller's. */
    apply(accountId: AccountId, changes: readonly MessageChange[], now: number): AppliedChanges {
      const edited = new Map<MessageId, InboundMessage>();
      const lost = new Set<MessageId>();
      const channels = new Set<ChannelId>();
      const sessions = new Set<string>();
      const again = new Set<MessageId>();
      let hasQuotes = false;

      function lose(messageId: MessageId, why: string): void {
        const row = cut(messageId, "cancelled", why, now);
        if (!row) return;
        channels.add(row.channelId);
        lost.add(messageId);
        edited.delete(messageId);
      }

      /**
       * Removes words from the memory of the agent, and from running turns.
       *
       * @param edited Its message as it is now; absent: all are deleted.
       */
      function remember(
        channelId: ChannelId,
        ids: readonly MessageId[],
        edited?: InboundMessage,
      ): void {
        const removal = { ids: new Set(ids), note: GONE };
        const others = ids.filter((id) => !isOwnPost.get(id)); // the bot deletes its own drafts
        const running = forgotten.readers({ channelId, ids: others });
        const isEdit = edited !== undefined;
        const found = sources.find(removal, {
          ...sources.scopeOf(channelId, ids),
          isEdit,
          running,
        });
        for (const id of found.again) again.add(id);
        sources.remove(found);
        for (const id of ids) removeNotes.run(id);
        for (const { key } of found.firsts) {
          sessions.add(key);
          transcripts.changed(key);
        }
        if (changeQuotes(found, edited)) hasQuotes = true;
        forgotten.add(ids);
      }

      function edit({ message, verdict }: Extract<MessageChange, { kind: "edited" }>): void {
        const { id, channelId } = message;
        const row = rowOf(accountId, id);
        if (!row) {
          const isContext = verdict.kind !== "ignore" || verdict.keepAsContext;
          const key = { accountId, channelId };
          if (isContext) overheard.edit(key, toOverheard(message));
          else overheard.remove(key, [id]);
          return;
        }
        const { message: stored } = row;
        if (message.revision <= stored.revision) return; // it has this text already, or a newer one
        if (row.finishedAt !== undefined) {
          note.run("edited", now, id);
          return;
        }
        const changed = withTextOf(stored, message);
        setMessage.run(JSON.stringify(changed), id);
        if (isWithdrawnBy(verdict)) lose(id, `edited: ${verdict.why}`); // others keep the turn
        else edited.set(id, changed);
        if (wordsOf(message) !== wordsOf(stored)) {
          remember(channelId, [id], changed);
        }
      }

      function remove(channelId: ChannelId, messageIds: readonly MessageId[]): void {
        overheard.remove({ accountId, channelId }, messageIds);
        for (const messageId of messageIds) {
          const row = rowOf(accountId, messageId);
          if (!row) continue;
          note.run("deleted", now, messageId);
          const { attachments: _, ...kept } = row.message;
          setMessage.run(JSON.stringify({ ...kept, text: "", extras: [] }), messageId);
          if (row.finishedAt === undefined) lose(messageId, "deleted");
        }
        remember(channelId, messageIds);
      }

      for (const change of changes) {
        if (change.kind === "edited") edit(change);
        else remove(change.channelId, change.messageIds);
      }
      return {
        edited: [...edited.values()],
        cut: [...lost],
        isStale: hasQuotes,
        sessions: [...sessions],
        channels: [...channels],
        again: [...again],
        touched: [...new Set([...edited.keys(), ...lost, ...again])],
      };
    },
    /** Applies the result to memory, once it is stored. */
    remember({ edited, cut, again, isStale, sessions }: AppliedChanges): void {
      apply({ kind: "again", turns: again });
      for (const message of edited) apply({ kind: "edited", message });
      for (const messageId of cut) apply({ kind: "cut", messageId });
      if (isStale) apply({ kind: "undone" }); // the tables tell their order
      for (const sessionKey of sessions) transcripts.drop(sessionKey);
    },
  };
}

export type Changes = ReturnType<typeof prepareChanges>;

/** Everything of a message that a person has written: no previews, and no files. */
function wordsOf({ text, extras }: InboundMessage): string {
  const written = extras.filter(({ kind }) => kind !== "embed" && kind !== "attachment");
  return JSON.stringify([text, ...written]);
}

/**
 * Whether the sender took the question back, by the policy about the edited text. Only reasons in
 * the text count: an edit does not always tell the sender's roles, and PluralKit names another one.
 */
function isWithdrawnBy({ kind, why }: Verdict): boolean {
  return kind === "ignore" && (why === "no-mention" || why === "no-content");
}

/** The stored message with the text and the parts of the edited one. Its sender stays. */
function withTextOf(
  { mention: _, quoted: __, names: ___, ...stored }: InboundMessage,
  { text, revision, mention, mentionsOthers, quoted, extras, names }: InboundMessage,
): InboundMessage {
  return { ...stored, text, revision, mentionsOthers, extras, mention, quoted, names };
}

const READING = rows({ messageId: text(), message: json<InboundMessage>(), isOpen: flag() });

/**
 * Changes words of edited and deleted messages within others: in those that still get a turn and quote
 * one, and in those whose turns have read one (H6a). It tells whether one that waits or runs has changed.
 */
function prepareChangeQuotes(database: DatabaseSync) {
  const sql = statementsOf(database);
  const select = sql.rows(READING.read)`
    SELECT message_id, message, finished_at IS NULL AS is_open FROM inbox WHERE message_id IN (
      SELECT message_id FROM inbox WHERE ${IS_OPEN} AND instr(message, '"quoted":') > 0
        AND message ->> '$.quoted.id' IN (SELECT value FROM json_each(?1))
      UNION SELECT value FROM json_each(?2))`;
  const update = sql`UPDATE inbox SET message = ? WHERE message_id = ?`;
  return ({ removal: { ids }, turns, again }: FoundWords, edited?: InboundMessage): boolean => {
    const read = edited ? [] : [...turns, ...again];
    let isStale = false;
    const found = select.all(JSON.stringify([...ids]), JSON.stringify(read));
    for (const { messageId, message, isOpen } of found) {
      const { quoted } = message;
      const after = edited && quoted
        ? { ...message, quoted: { ...quoted, text: edited.text } }
        : withoutWords(message, ids);
      if (after === message) continue;
      update.run(JSON.stringify(after), messageId);
      isStale ||= isOpen;
    }
    return isStale;
  };
}
