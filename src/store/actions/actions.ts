/**
 * `store.actions`: runs of offered actions (T16).
 *
 * A run is stored before it begins. So a crash leaves a run without an end, whose outcome is unknown,
 * and never a second run.
 */

import type { DatabaseSync } from "node:sqlite";
import type { InboundMessage } from "../../core/inbound/inbound.ts";
import type { ActionRuns } from "../../core/store/questions.ts";
import { DAY_MS } from "../../lib/clock.ts";
import { COMMIT_OPTIONS } from "../database/durability.ts";
import type { Transactions } from "../database/transact.ts";
import type { Outgoing } from "../memory/send_queues.ts";
import { prepareAddOnce } from "../outbox/rows.ts";
import { COUNT, json, rows, text } from "../schema/columns.ts";
import { ACTION_RUN, CUT_RUNS } from "../schema/questions.ts";

/** How long runs are kept, as the questions that offered them. */
export const ACTION_RUNS_KEPT_MS = 30 * DAY_MS;

const RUN = ACTION_RUN.pick("label", "rule", "state", "outcome", "byUser", "startedAt");
const LAST = ACTION_RUN.pick("messageId", "state", "startedAt");
const CUT = rows({ callKey: text(), message: json<InboundMessage>() });

/** Creates the namespace. */
export function createActionRuns(
  database: DatabaseSync,
  { commit, read }: Transactions,
  outgoing: Outgoing,
): ActionRuns {
  const addOnce = prepareAddOnce(database, outgoing);
  const insert = ACTION_RUN.prepareInsert(
    database,
    "ON CONFLICT (call_key) DO NOTHING RETURNING id",
  );
  const prune = database.prepare("DELETE FROM action_run WHERE started_at < ?");
  const end = database.prepare(
    `UPDATE action_run SET state = :state, outcome = :outcome
     WHERE call_key = :callKey AND state = 'running'`,
  );
  const unsettle = database.prepare(
    `UPDATE question_card SET is_settled = 0
     WHERE question_row IN (SELECT id FROM question WHERE call_key IN (?1, '1@' || ?1))`,
  );
  const count = database.prepare(
    "SELECT COUNT(*) AS count FROM action_run WHERE rule = ? AND started_at >= ?",
  );
  const selectLast = database.prepare(
    `SELECT ${LAST.columns()} FROM action_run WHERE rule = ? ORDER BY started_at DESC, id DESC LIMIT 1`,
  );
  const selectInTurn = database.prepare(
    `SELECT ${RUN.columns()} FROM action_run WHERE message_id = ? AND rule = ?`,
  );
  const select = database.prepare(
    `SELECT ${RUN.columns()} FROM action_run WHERE call_key = ?`,
  );
  const selectOf = database.prepare(
    `SELECT ${RUN.columns()} FROM action_run WHERE message_id = ? ORDER BY id`,
  );
  const selectCut = database.prepare(
    `SELECT ${RUN.columns("r")}, r.call_key, i.message FROM ${CUT_RUNS}
     WHERE r.account_id = ? ORDER BY r.id`,
  );
  return {
    begin: (run, now) =>
      commit(COMMIT_OPTIONS.BY_HAND, () => {
        prune.run(now - ACTION_RUNS_KEPT_MS);
        return insert({ ...run, state: "running", startedAt: now }) !== undefined;
      }),
    beginUnattended: (run, { rule, most, since }, now) =>
      commit(COMMIT_OPTIONS.BY_HAND, () => {
        prune.run(now - ACTION_RUNS_KEPT_MS);
        const before = selectInTurn.get(run.messageId, rule);
        if (before) return { kind: "repeated" as const, run: RUN.read(before) };
        if (COUNT.read(count.get(rule, since)).count >= most) return { kind: "spent" as const };
        insert({ ...run, rule, state: "running", startedAt: now });
        return { kind: "begun" as const };
      }),
    end: (callKey, { state, outcome }, messages, now) =>
      commit(COMMIT_OPTIONS.BY_HAND, () => {
        if (end.run({ callKey, state, outcome }).changes === 0) return;
        unsettle.run(callKey);
        for (const message of messages) addOnce(message, now);
      }),
    lose: (run, outcome, messages, now) =>
      commit(COMMIT_OPTIONS.BY_HAND, () => {
        if (insert({ ...run, state: "failed", outcome, startedAt: now }) === undefined) return;
        unsettle.run(run.callKey);
        for (const message of messages) addOnce(message, now);
      }),
    useOf: (rule, since) =>
      read(() => {
        const last = selectLast.get(rule);
        return { ...COUNT.read(count.get(rule, since)), last: last && LAST.read(last) };
      }),
    runOf: (callKey) =>
      read(() => {
        const row = select.get(callKey);
        return row && RUN.read(row);
      }),
    runsOf: (messageId) => read(() => selectOf.all(messageId).map(RUN.read)),
    cut: (accountId) =>
      read(() => selectCut.all(accountId).map((row) => ({ ...RUN.read(row), ...CUT.read(row) }))),
  };
}
