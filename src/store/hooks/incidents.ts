/** Stores incidents of hooks: threads for the events with one key (W6). */

import type { DatabaseSync } from "node:sqlite";
import { threadIdOf } from "../../core/inbound/threads.ts";
import type { HookIncidents } from "../../core/hooks/records.ts";
import { UNNAMED } from "../database/durability.ts";
import type { Transactions } from "../database/transact.ts";
import type { AddOnce } from "../outbox/rows.ts";
import { optional, rows, snowflake, text } from "../schema/columns.ts";
import { HOOK_INCIDENT, HOOK_RUN } from "../schema/outside.ts";

const POSTED = rows({
  messageId: optional(snowflake<"message">()),
  state: text(),
});

/** Creates the storage of incidents. The function is long because it lists its statements. */
export function createIncidents(
  database: DatabaseSync,
  { commit, read }: Pick<Transactions, "commit" | "read">,
  addOnce: AddOnce,
): HookIncidents {
  const byId = database.prepare("SELECT * FROM hook_incident WHERE id = ?");
  const openByKey = database.prepare(
    `SELECT * FROM hook_incident
     WHERE account_id = ? AND hook = ? AND key = ? AND ended_at IS NULL`,
  );
  const runOf = database.prepare("SELECT * FROM hook_run WHERE message_id = ?");
  const insert = HOOK_INCIDENT.prepareInsert(database, "RETURNING *");
  const update = database.prepare(
    `UPDATE hook_incident SET title = :title, events = events + :count, is_stale = 1,
       ended_at = :endedAt WHERE id = :id RETURNING *`,
  );
  const join = database.prepare("UPDATE hook_run SET incident_row = ? WHERE message_id = ?");
  const selectPost = database.prepare(
    "SELECT message_id, state FROM outbox WHERE account_id = ? AND nonce = ?",
  );
  const note = database.prepare(
    `UPDATE hook_incident SET message_id = COALESCE(:messageId, message_id),
       thread = COALESCE(:thread, thread), is_archived = COALESCE(:isArchived, is_archived)
     WHERE id = :id`,
  );
  const abandon = database.prepare(
    `UPDATE hook_incident SET ended_at = COALESCE(ended_at, ?), is_archived = 1 WHERE id = ?`,
  );
  const leave = database.prepare(
    "UPDATE hook_run SET incident_row = NULL WHERE incident_row = ? AND state = 'claimed'",
  );
  const noteShown = database.prepare(
    "UPDATE hook_incident SET is_stale = 0 WHERE id = ? AND events = ?",
  );
  const selectUnfinished = database.prepare(
    `SELECT * FROM hook_incident WHERE account_id = ? AND is_archived = 0
       AND (is_stale = 1 OR ended_at IS NOT NULL) ORDER BY id`,
  );
  const selectWork = database.prepare(
    `SELECT 1 WHERE EXISTS (
       SELECT 1 FROM hook_run WHERE account_id = :accountId AND incident_row = :id
         AND state IN ('claimed', 'running'))
     OR EXISTS (
       SELECT 1 FROM outbox WHERE account_id = :accountId AND channel_id = :threadId
         AND state IN ('pending', 'sending'))`,
  );

  return {
    joinIncident(run, { channelId, title, isEnd, compose }, now) {
      const { messageId, accountId, hook, key, count } = run;
      return commit(UNNAMED, () => {
        const stored = runOf.get(messageId);
        const joined = stored && HOOK_RUN.read(stored).incidentRow;
        if (joined !== undefined) {
          const row = byId.get(joined);
          return row && HOOK_INCIDENT.read(row);
        }
        const open = openByKey.get(accountId, hook, key);
        if (!open && isEnd) return undefined;
        const begun = { title, events: count, startedAt: now };
        const row = open
          ? update.get({
            id: HOOK_INCIDENT.read(open).id,
            title,
            count,
            endedAt: isEnd ? now : null,
          })
          : insert({ ...begun, accountId, hook, key, channelId, nonce: nonceIn(compose(begun)) });
        if (!open) addOnce(compose(begun), now);
        const incident = HOOK_INCIDENT.read(row);
        join.run(incident.id, messageId);
        return incident;
      });
    },
    firstPost: ({ accountId, nonce, messageId: known }) =>
      read(() => {
        if (known !== undefined) return known;
        const row = selectPost.get(accountId, nonce);
        if (!row) return "lost";
        const { messageId, state } = POSTED.read(row);
        if (state === "pending" || state === "sending") return "waiting";
        return state === "sent" && messageId ? messageId : "lost";
      }),
    noteIncident: async (id, { messageId, thread, isArchived }) => {
      await commit(UNNAMED, () =>
        note.run({
          id,
          messageId: messageId ?? null,
          thread: thread ?? null,
          isArchived: isArchived === undefined ? null : Number(isArchived),
        }));
    },
    abandonIncident: async (id, now) => {
      await commit(UNNAMED, () => {
        abandon.run(now, id);
        leave.run(id);
      });
    },
    noteShown: async (id, events) => {
      await commit(UNNAMED, () => noteShown.run(id, events));
    },
    unfinished: (accountId) => read(() => selectUnfinished.all(accountId).map(HOOK_INCIDENT.read)),
    hasOpenWork: ({ id, accountId, messageId }) =>
      read(() => {
        const threadId = messageId === undefined ? "" : threadIdOf(messageId);
        return selectWork.get({ id, accountId, threadId }) !== undefined;
      }),
  };
}

function nonceIn({ message: { nonce } }: { readonly message: { readonly nonce: string } }): string {
  return nonce;
}
