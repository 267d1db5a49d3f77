/**
 * `store.changes`: destructive actions of the tool `discord`, with the way to take each back (T3).
 */

import { COMMIT_OPTIONS } from "../database/commits.ts";
import type { Transactions } from "../database/commits.ts";
import { COUNT } from "../schema/columns.ts";
import { CHANGES_KEPT_MS, DISCORD_CHANGE, DISCORD_POST, POSTS_KEPT_MS } from "../schema/agent.ts";
import type { AccountId, GuildId, MessageId } from "../../core/discord/ids.ts";

export function createChanges({ database, sql, commit, read }: Transactions) {
  const byKey = sql`SELECT * FROM discord_change WHERE call_key = ?`;
  const count = sql`
    SELECT COUNT(*) AS count FROM discord_change WHERE account_id = ? AND turn_id = ?`;
  const countOthers = sql.rows(COUNT.read)`SELECT COUNT(*) AS count FROM discord_change
     WHERE account_id = ? AND turn_id = ? AND call_key NOT IN (SELECT value FROM json_each(?))`;
  const insert = DISCORD_CHANGE.prepareInsert(database, "RETURNING *");
  const forgetOld = sql`DELETE FROM discord_change WHERE account_id = ? AND made_at < ?`;
  const remove = sql`DELETE FROM discord_change WHERE id = ?`;
  const insertPost = DISCORD_POST.prepareInsert(database, "ON CONFLICT DO NOTHING");
  const forgetOldPosts = sql`DELETE FROM discord_post WHERE account_id = ? AND posted_at < ?`;
  const markUndone = sql`UPDATE discord_change SET undone_at = ?, undone_by = ? WHERE id = ?`;
  const ofTurn = sql.rows(readRow)`SELECT * FROM discord_change
     WHERE account_id = ? AND turn_id = ? ORDER BY id`;
  const select = sql.rows(readRow)`SELECT * FROM discord_change
     WHERE account_id = :accountId AND made_at >= :since
       AND (:guildId IS NULL OR guild_id = :guildId)
     ORDER BY id DESC`;

  return {
    /**
     * Stores a change before it is made. A repeated call keeps the first one, which knows the state
     * before.
     *
     * @param most Maximum number of changes of a turn.
     * @returns `undefined` if the turn has made so many already.
     */
    begin(change: NewChange, most: number, now: number): Promise<MadeChange | undefined> {
      const { accountId, callKey, turnId } = change;
      return commit(COMMIT_OPTIONS.BY_HAND, () => {
        const known = byKey.get(callKey);
        if (known) return readRow(known);
        if (COUNT.read(count.get(accountId, turnId)).count >= most) return undefined;
        forgetOld.run(accountId, now - CHANGES_KEPT_MS);
        return readRow(insert({ ...change, madeAt: now }));
      });
    },
    /**
     * The number of changes that a turn has made, or perhaps made.
     *
     * @param except Keys of calls that do not count.
     */
    madeBy: (accountId: AccountId, turnId: MessageId, except: readonly string[]) =>
      Promise.try(() =>
        read(() => countOthers.one(accountId, turnId, JSON.stringify(except)).count)
      ),
    /** Forgets a change that Discord refused. */
    async refused(id: number) {
      await commit(COMMIT_OPTIONS.BY_HAND, () => remove.run(id).changes);
    },
    /** Stores a posted message, once. `askerOf()` of the inbox finds its person. */
    async posted(message: Omit<ReturnType<typeof DISCORD_POST.read>, "postedAt">, now: number) {
      await commit(COMMIT_OPTIONS.BY_HAND, () => {
        forgetOldPosts.run(message.accountId, now - POSTS_KEPT_MS);
        insertPost({ ...message, postedAt: now });
      });
    },
    /** Marks a change as taken back by a call. */
    async undone(id: number, by: string, now: number) {
      await commit(COMMIT_OPTIONS.BY_HAND, () => markUndone.run(now, by, id).changes);
    },
    ofTurn: (accountId: AccountId, turnId: MessageId): Promise<readonly MadeChange[]> =>
      Promise.try(() => read(() => ofTurn.all(accountId, turnId))),
    /**
     * Changes since a time, newest first.
     *
     * @param guildId Of one server; `undefined` for direct messages and all servers.
     */
    since: (
      accountId: AccountId,
      guildId: GuildId | undefined,
      since: number,
    ): Promise<readonly MadeChange[]> =>
      Promise.try(() => read(() => select.all({ accountId, since, guildId: guildId ?? null }))),
  };
}

function readRow(row: unknown) {
  const { undoneAt, ...change } = DISCORD_CHANGE.read(row);
  return { ...change, isUndone: undoneAt !== undefined };
}

/** A change that was made, or was perhaps made. `undoneBy` is the call that took it back. */
export type MadeChange = ReturnType<typeof readRow>;

export type NewChange = Omit<MadeChange, "id" | "isUndone" | "madeAt" | "undoneBy">;
