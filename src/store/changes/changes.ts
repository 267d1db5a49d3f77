/**
 * `store.changes`: destructive actions of the tool `discord`, with the way to take each back (T3).
 *
 * @module
 */

import type { DatabaseSync } from "node:sqlite";
import { z } from "zod";
import type { AccountId } from "../../core/discord/ids.ts";
import { snowflakeSchema } from "../../core/discord/snowflake_schema.ts";
import type { UndoSteps } from "../../core/turn/ports/discord_place.ts";
import { COMMIT_OPTIONS } from "../database/durability.ts";
import type { Transactions } from "../database/transact.ts";
import type { MadeChange, ToolChanges } from "../../core/store/changes.ts";

/** Milliseconds for which a row is kept: longer than the longest turn. */
const KEPT_MS = 2 * 86_400_000;
/** Milliseconds for which a posted message is kept: longer than the longest poll, of 32 days. */
const POSTS_KEPT_MS = 60 * 86_400_000;

const rowSchema = z.object({
  id: z.number(),
  account_id: z.string(),
  call_key: z.string(),
  turn_id: snowflakeSchema<"message">(),
  asker_id: snowflakeSchema<"user">(),
  guild_id: snowflakeSchema<"guild">().nullable(),
  channel_id: snowflakeSchema<"channel">().nullable(),
  what: z.string(),
  undo: z.string().nullable(),
  undone_at: z.number().nullable(),
  undone_by: z.string().nullable(),
});
const countSchema = z.object({ count: z.number() });

/**
 * Creates the namespace.
 *
 * @param database Open, migrated, and owned by the caller.
 */
export function createChanges(
  database: DatabaseSync,
  { commit, read }: Pick<Transactions, "commit" | "read">,
): ToolChanges {
  const byKey = database.prepare("SELECT * FROM discord_change WHERE call_key = ?");
  const count = database.prepare(
    "SELECT COUNT(*) AS count FROM discord_change WHERE account_id = ? AND turn_id = ?",
  );
  const countOthers = database.prepare(
    `SELECT COUNT(*) AS count FROM discord_change
     WHERE account_id = ? AND turn_id = ? AND call_key NOT IN (SELECT value FROM json_each(?))`,
  );
  const insert = database.prepare(
    `INSERT INTO discord_change (account_id, call_key, turn_id, asker_id, guild_id, channel_id,
                                 what, undo, made_at)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  );
  const forgetOld = database.prepare(
    "DELETE FROM discord_change WHERE account_id = ? AND made_at < ?",
  );
  const remove = database.prepare("DELETE FROM discord_change WHERE id = ?");
  const insertPost = database.prepare(
    `INSERT OR IGNORE INTO discord_post (account_id, message_id, asker_id, posted_at)
     VALUES (?, ?, ?, ?)`,
  );
  const forgetOldPosts = database.prepare(
    "DELETE FROM discord_post WHERE account_id = ? AND posted_at < ?",
  );
  const markUndone = database.prepare(
    "UPDATE discord_change SET undone_at = ?, undone_by = ? WHERE id = ?",
  );
  const select = database.prepare(
    `SELECT * FROM discord_change
     WHERE account_id = :accountId AND made_at >= :since
       AND (:guildId IS NULL OR guild_id = :guildId)
     ORDER BY id DESC`,
  );

  return {
    begin(change, most, now) {
      const { accountId, callKey, turnId, askerId, guildId, channelId, what, undo } = change;
      return commit(COMMIT_OPTIONS.BY_HAND, () => {
        const known = byKey.get(callKey);
        if (known) return readRow(known, accountId);
        if (countSchema.parse(count.get(accountId, turnId)).count >= most) return undefined;
        forgetOld.run(accountId, now - KEPT_MS);
        insert.run(
          accountId,
          callKey,
          turnId,
          askerId,
          guildId ?? null,
          channelId ?? null,
          what,
          undo ? JSON.stringify(undo) : null,
          now,
        );
        return readRow(byKey.get(callKey), accountId);
      });
    },
    madeBy: (accountId, turnId, except) =>
      Promise.try(() =>
        read(() =>
          countSchema.parse(countOthers.get(accountId, turnId, JSON.stringify(except))).count
        )
      ),
    async refused(id) {
      await commit(COMMIT_OPTIONS.BY_HAND, () => remove.run(id).changes);
    },
    async posted({ accountId, messageId, askerId }, now) {
      await commit(COMMIT_OPTIONS.BY_HAND, () => {
        forgetOldPosts.run(accountId, now - POSTS_KEPT_MS);
        return insertPost.run(accountId, messageId, askerId, now).changes;
      });
    },
    async undone(id, by, now) {
      await commit(COMMIT_OPTIONS.BY_HAND, () => markUndone.run(now, by, id).changes);
    },
    since: (accountId, guildId, since) =>
      Promise.try(() =>
        read(() =>
          select.all({ accountId, since, guildId: guildId ?? null })
            .map((row) => readRow(row, accountId))
        )
      ),
  };
}

/** Reads a row. Its undo steps are ours, written above. */
function readRow(row: unknown, accountId: AccountId): MadeChange {
  const { id, call_key, turn_id, asker_id, guild_id, channel_id, what, undo, ...times } = rowSchema
    .parse(row);
  return {
    id,
    accountId,
    callKey: call_key,
    turnId: turn_id,
    askerId: asker_id,
    guildId: guild_id || undefined,
    channelId: channel_id || undefined,
    what,
    undo: undo !== null ? JSON.parse(undo) as UndoSteps : undefined,
    isUndone: times.undone_at !== null,
    undoneBy: times.undone_by ?? undefined,
  };
}
