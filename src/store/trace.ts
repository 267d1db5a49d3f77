/** `store.sources`: finds everything that came from a message, without changing it (H6a). */

import type { ChannelId, MessageId } from "../core/discord/ids.ts";
import type { TurnCost } from "../core/spending/usage.ts";
import {
  account,
  integer,
  json,
  oneOf,
  optional,
  rows,
  snowflake,
  text,
} from "./schema/columns.ts";
import type { Transactions } from "./database/transact.ts";
import { READ_NOTES } from "./forget/readers.ts";
import { prepareSources } from "./sources/sources.ts";

const TURN = rows({
  accountId: account(),
  agentId: text(),
  sessionKey: text(),
  channelId: snowflake<"channel">(),
  state: text(),
  change: optional(oneOf("edited", "deleted")),
  turnOf: optional(snowflake<"message">()),
  replyTo: optional(text()),
});
const HEARD = rows({ channelId: snowflake<"channel">() });
const ID = rows({ id: integer() });
const SUMMARY = rows({ at: integer(), modelId: optional(text()) });
const COST = rows({ cost: optional(json<TurnCost>()) });

/** Creates the namespace. Its statements are prepared when they run: no bot needs them. */
export function createSources({ database, read }: Transactions) {
  const all = (sql: string, ...values: readonly (string | number)[]) =>
    database.prepare(sql).all(...values);
  const one = (sql: string, ...values: readonly (string | number)[]) => all(sql, ...values)[0];

  return {
    /**
     * Lists everything that came from a message, without changing it.
     *
     * @param linkedId Channel of the message, if the caller knows it. For an unanswered message of an
     * unknown channel, entries of other turns are not found.
     */
    trace: (messageId: MessageId, linkedId?: ChannelId) =>
      read(() => {
        const row = one(
          `SELECT account_id, agent_id, session_key, channel_id, state, change, turn_of, reply_to
           FROM inbox WHERE message_id = ?`,
          messageId,
        );
        const turn = row && TURN.read(row);
        const heard = one("SELECT channel_id FROM message WHERE message_id = ?", messageId);
        const channelId = turn?.channelId ?? (heard ? HEARD.read(heard).channelId : linkedId);
        const turnId = turn?.turnOf ?? messageId;
        const sources = prepareSources(database);
        const gone = [{ messageId, turnEntriesOf: turn?.replyTo ?? messageId }];
        const found = sources.find(gone, channelId, (words) => words);
        const { turns, open } = sources.readBy(gone, channelId);
        const entries = found.flatMap(({ sessionKey, entries }) =>
          entries.map(({ before: { role, messageId: of } }) => ({ sessionKey, of, role }))
        );
        const summaries = found.flatMap(({ sessionKey, entries: [oldest] }) =>
          all(
            `SELECT at, model_id FROM checkpoint
             WHERE session_key = ? AND kind = 'summary' AND last_entry >= ? ORDER BY id`,
            sessionKey,
            oldest?.before.id ?? 0,
          ).map((row) => ({ sessionKey, ...SUMMARY.read(row) }))
        );
        const costOf = (id: MessageId) => {
          const row = one("SELECT cost FROM inbox WHERE message_id = ?", id);
          return row && COST.read(row).cost?.model;
        };
        const models = [
          ...[turnId, ...entries.map(({ of }) => of)].map(costOf),
          ...summaries.map(({ modelId }) => modelId),
        ].filter((model) => model !== undefined);
        return {
          messageId,
          /** Absent if none has answered it. */
          turn: turn && {
            agentId: turn.agentId,
            sessionKey: turn.sessionKey,
            channelId: turn.channelId,
            state: turn.state,
            change: turn.change,
          },
          entries,
          /** Messages of turns that have read it: their answers, calls, results, steps and cards go. */
          readers: [...turns, ...open],
          notes: all(
            `${READ_NOTES} UNION SELECT note_row FROM note_source WHERE message_id = ?2`,
            JSON.stringify([...turns, ...open]),
            messageId,
          ).map((row) => ID.read(row).id),
          summaries: summaries.map(({ sessionKey, at }) => ({ sessionKey, at })),
          isOverheard: heard !== undefined,
          models: [...new Set(models)],
        };
      }),
  };
}

/** Everything that came from a message. */
export type SourceTrace = Awaited<ReturnType<ReturnType<typeof createSources>["trace"]>>;
