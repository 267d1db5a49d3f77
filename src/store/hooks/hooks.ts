/**
 * `store.hooks`: events of other programs, and the runs that answer them (W2).
 *
 * An event is on the disk before its sender gets an answer. A run takes its events in one transaction,
 * and its id is that of its first event. So a crash between an event and its turn loses and repeats
 * nothing.
 */

import type { DatabaseSync } from "node:sqlite";
import { type AccountId, snowflakeAt } from "../../core/discord/ids.ts";
import { HOOK_WAITING_MAX, type HookEvent, type HookRun } from "../../core/hooks/hook.ts";
import type { HookRecords } from "../../core/hooks/records.ts";
import { COMMIT_OPTIONS, UNNAMED } from "../database/durability.ts";
import type { Transactions } from "../database/transact.ts";
import type { Outgoing } from "../memory/send_queues.ts";
import { prepareAddOnce } from "../outbox/rows.ts";
import { account, COUNT, integer, rows, snowflake, text } from "../schema/columns.ts";
import { createIncidents } from "./incidents.ts";
import { HOOK_EVENT, HOOK_RUN } from "../schema/outside.ts";
import { IS_PARKED } from "../schema/questions.ts";
import { quoted } from "../../lib/text/quoted.ts";

const KNOWN = rows({ messageId: snowflake<"message">() });
const WAITING = rows({ hook: text(), key: text(), count: integer() });
const OF = rows({ accountId: account() });
const START = rows({ hook: text(), key: text(), at: integer() });

/** Creates the namespace. The function is long because it lists its statements. */
export function createHooks(
  database: DatabaseSync,
  { commit, read }: Transactions,
  outgoing: Outgoing,
): HookRecords {
  const addOnce = prepareAddOnce(database, outgoing);
  const known = database.prepare(
    "SELECT message_id FROM hook_event WHERE hook = ? AND sender_id = ?",
  );
  const countWaiting = database.prepare(
    `SELECT COUNT(*) AS count FROM hook_event
     WHERE account_id = ? AND hook = ? AND run_id IS NULL`,
  );
  const insert = HOOK_EVENT.prepareInsert(database);
  const selectWaiting = database.prepare(
    `SELECT hook, key, COUNT(*) AS count FROM hook_event
     WHERE account_id = ? AND run_id IS NULL GROUP BY hook, key ORDER BY MIN(id)`,
  );
  const selectStarts = database.prepare(
    "SELECT hook, key, started_at AS at FROM hook_run WHERE account_id = ? AND started_at > ?",
  );
  const selectFirst = database.prepare(
    `SELECT * FROM hook_event WHERE account_id = ? AND hook = ? AND key = ? AND run_id IS NULL
     ORDER BY id LIMIT 1`,
  );
  const take = database.prepare(
    `UPDATE hook_event SET run_id = :runId
     WHERE account_id = :accountId AND hook = :hook AND key = :key AND run_id IS NULL`,
  );
  const insertRun = HOOK_RUN.prepareInsert(database, "RETURNING *");
  /** A turn that waits for a person does not keep later events waiting. */
  const settle = database.prepare(
    `UPDATE hook_run SET state = 'done'
     WHERE account_id = ? AND state = 'running' AND NOT EXISTS (
       SELECT 1 FROM inbox WHERE inbox.message_id = hook_run.message_id
         AND inbox.finished_at IS NULL AND NOT ${IS_PARKED})`,
  );
  const selectOpen = database.prepare(
    "SELECT * FROM hook_run WHERE account_id = ? AND state IN ('claimed', 'running') ORDER BY id",
  );
  const selectEvents = database.prepare(
    "SELECT * FROM (SELECT * FROM hook_event WHERE run_id = ? ORDER BY id DESC LIMIT ?) ORDER BY id",
  );
  /** A pause may have ended the turn before. */
  const setRunning = database.prepare(
    `UPDATE hook_run SET state = 'running'
     WHERE message_id = ? AND state = 'claimed' AND reason IS NULL`,
  );
  const setState = database.prepare(
    `UPDATE hook_run SET state = :state, reason = :reason
     WHERE message_id = :runId AND state IN ('claimed', 'running')`,
  );
  const selectEvent = database.prepare("SELECT * FROM hook_event WHERE message_id = ?");
  const selectRun = database.prepare("SELECT * FROM hook_run WHERE message_id = ?");

  const selectUnanswered = database.prepare(
    `SELECT DISTINCT account_id FROM hook_event WHERE run_id IS NULL
     UNION SELECT account_id FROM hook_run WHERE state IN ('claimed', 'running')`,
  );
  const refuseRuns = database.prepare(
    `UPDATE hook_run SET state = 'refused', reason = :reason
     WHERE account_id = :accountId AND state IN ('claimed', 'running')`,
  );

  const readEvent = (row: unknown): HookEvent => HOOK_EVENT.read(row);
  const unanswered = () => selectUnanswered.all().map((row) => OF.read(row).accountId);

  /** Takes all waiting events of a key for one run, within a transaction of the caller's. */
  function claim(
    accountId: AccountId,
    hook: string,
    key: string,
    now: number,
  ): HookRun | undefined {
    const first = selectFirst.get(accountId, hook, key);
    if (!first) return undefined;
    const { messageId } = readEvent(first);
    const count = Number(take.run({ accountId, hook, key, runId: messageId }).changes);
    return HOOK_RUN.read(
      insertRun({ messageId, accountId, hook, key, startedAt: now, count, state: "claimed" }),
    );
  }

  /** @returns Number of its events. */
  function refuseAll(accountId: AccountId, now: number): number {
    for (const row of selectWaiting.all(accountId)) {
      const { hook, key } = WAITING.read(row);
      claim(accountId, hook, key, now);
    }
    const open = selectOpen.all(accountId).map(HOOK_RUN.read);
    const reason = `the config does not have the account ${quoted(accountId)} any more`;
    refuseRuns.run({ accountId, reason });
    return open.reduce((sum, { count }) => sum + count, 0);
  }

  return {
    ...createIncidents(database, { commit, read }, addOnce),
    accept(event, now, number) {
      const { accountId, hook, senderId } = event;
      return commit(COMMIT_OPTIONS.BY_HAND, () => {
        const row = senderId === undefined ? undefined : known.get(hook, senderId);
        if (row) return { messageId: KNOWN.read(row).messageId, isRepeated: true };
        if (COUNT.read(countWaiting.get(accountId, hook)).count >= HOOK_WAITING_MAX) {
          return undefined;
        }
        const messageId = snowflakeAt<"message">(now, number);
        insert({ ...event, messageId, receivedAt: now });
        return { messageId, isRepeated: false };
      });
    },
    waiting: (accountId) => read(() => selectWaiting.all(accountId).map(WAITING.read)),
    startsSince: (accountId, since) =>
      read(() => selectStarts.all(accountId, since).map(START.read)),
    claim: (accountId, hook, key, now) => commit(UNNAMED, () => claim(accountId, hook, key, now)),
    hasOpen: (accountId) => read(() => unanswered().includes(accountId)),
    async refuseOthers(known, now) {
      const gone = (await read(unanswered)).filter((accountId) => !known.includes(accountId));
      if (gone.length === 0) return 0;
      return await commit(
        UNNAMED,
        () => gone.reduce((sum, accountId) => sum + refuseAll(accountId, now), 0),
      );
    },
    open: (accountId) =>
      commit(UNNAMED, () => {
        settle.run(accountId);
        return selectOpen.all(accountId).map(HOOK_RUN.read);
      }),
    eventsOf: (runId, limit) => read(() => selectEvents.all(runId, limit).map(readEvent)),
    running: async (runId) => {
      await commit(UNNAMED, () => setRunning.run(runId));
    },
    post: (runId, messages, reason, now) =>
      commit(UNNAMED, () => {
        for (const message of messages) addOnce(message, now);
        setState.run({ runId, state: "done", reason: reason ?? null });
      }),
    refuse: async (runId, reason) => {
      await commit(UNNAMED, () => setState.run({ runId, state: "refused", reason }));
    },
    find: (messageId) =>
      read(() => {
        const row = selectEvent.get(messageId);
        if (!row) return undefined;
        const event = readEvent(row);
        const run = event.runId === undefined ? undefined : selectRun.get(event.runId);
        return { event, run: run && HOOK_RUN.read(run) };
      }),
  };
}
