import assert from "node:assert/strict";
import type { DatabaseSync } from "node:sqlite";
import { describe, it } from "node:test";
import fc from "fast-check";
import type { TurnEnd } from "../../../src/core/inbound/inbox.ts";
import { dayOf } from "../../../src/core/spending/usage.ts";
import { createCommits } from "../../../src/store/database/commits.ts";
import { UNNAMED } from "../../../src/store/database/durability.ts";
import { createTail } from "../../../src/store/database/journal.ts";
import { StoreError } from "../../../src/store/database/store_error.ts";
import { prepareOutboxRows } from "../../../src/store/outbox/outbox_rows.ts";
import { prepareInboxRows } from "../../../src/store/turns/inbox_rows.ts";
import { prepareUsageRows } from "../../../src/store/usage/usage.ts";
import {
  ACCOUNT,
  channelId,
  guildMessage,
  messageId,
  outboundMessage,
} from "../../support/discord/builders.ts";
import { cases } from "../../support/long_form.ts";
import { sameData } from "../../support/same_data.ts";
import { openDatabase } from "../../support/store/open_database.ts";
import { ROUTE } from "../../support/store/store.ts";

const CHANNEL = channelId("11");
const USE = {
  ...{ userId: "1", channelId: "11", agentId: "main", kind: "answer" as const, model: "test/x" },
  ...{ inputTokens: 3, cachedTokens: 1, outputTokens: 2, ms: 1.4, audioSec: 0.25 },
};

interface Row {
  readonly id: number;
  readonly nonce: string;
  readonly isIntended: boolean;
}

/** A record, with texts instead of the ids of messages. */
type Work =
  | { readonly kind: "accept"; readonly id: string }
  | { readonly kind: "claim"; readonly ids: readonly string[]; readonly attempt: number }
  | {
    readonly kind: "turn";
    readonly ids: readonly string[];
    readonly attempt: number;
    readonly end: TurnEnd;
    readonly row?: Row;
  }
  | { readonly kind: "intent"; readonly nonce: string }
  | { readonly kind: "sent"; readonly nonce: string; readonly messageId?: string }
  | { readonly kind: "use"; readonly userId: string; readonly micros?: number };

/** A record with its time. */
type Recorded = Work & { readonly now: number };
type Turn = Extract<Recorded, { readonly kind: "turn" }>;

const message = (id: string) => guildMessage({ id: messageId(id), channelId: CHANNEL });
const outbound = (nonce: string) => outboundMessage({ nonce, channelId: CHANNEL });
const charge = (userId: string, at: number, micros?: number) => ({ ...USE, userId, at, micros });

/** Rows that the tables have before all records. */
function openFilled() {
  const database = openDatabase();
  const tail = createTail();
  const inbox = prepareInboxRows(database, tail);
  const outbox = prepareOutboxRows(database, tail);
  inbox.add(message("1"), ROUTE, 1);
  outbox.add({ id: 1, message: outbound("a"), state: "pending", createdAt: 1, whole: "text" });
  database.exec(`
    UPDATE outbox SET failing_since = 5;
    INSERT INTO parked_channel VALUES ('${ACCOUNT}', '11', 'no', 1, 1, 1, 1);
  `);
  return database;
}

/** The model: the statements of each record, in order, and each record alone. */
function playInOrder(database: DatabaseSync, records: readonly Recorded[]): readonly string[] {
  const run = (sql: string, ...values: readonly (string | number | null)[]) =>
    Number(database.prepare(sql).run(...values).changes);

  function finish(id: string, { ids, end, attempt, now }: Turn): boolean {
    const [first, last] = [ids[0]!, ids.at(-1)!];
    const claimedAt = now - 1;
    const failureId = end.kind === "failed" ? end.failureId : null;
    const reason = "reason" in end ? end.reason ?? null : null;
    return run(
      `UPDATE inbox SET state = ?, finished_at = ?, failure_id = ?, failure = ?, turn_of = ?,
                        reply_to = ?, attempt = MAX(attempt, ?), claimed_at = COALESCE(claimed_at, ?)
       WHERE message_id = ? AND state IN ('waiting', 'running')`,
      ...[end.kind, now, failureId, reason, id === first ? null : first],
      ...[id === last ? null : last, attempt, claimedAt, id],
    ) > 0;
  }

  function apply(record: Recorded): void {
    const { now } = record;
    switch (record.kind) {
      case "accept": {
        const { id } = record;
        run(
          `INSERT INTO inbox (message_id, account_id, channel_id, agent_id, session_key, message,
                              accepted_at, state, attempt)
           VALUES (?, ?, ?, ?, ?, ?, ?, 'waiting', 0) ON CONFLICT DO NOTHING`,
          ...[id, ACCOUNT, CHANNEL, ROUTE.agentId, ROUTE.sessionKey, JSON.stringify(message(id))],
          now,
        );
        return;
      }
      case "claim":
        for (const id of record.ids) {
          run(
            `UPDATE inbox SET state = 'running', attempt = ?, claimed_at = ?, turn_of = ?
             WHERE message_id = ? AND (state = 'waiting' OR state = 'running' AND attempt < ?)`,
            ...[record.attempt, now, id === record.ids[0] ? null : record.ids[0]!],
            ...[id, record.attempt],
          );
        }
        return;
      case "turn": {
        const { ids, row } = record;
        if (!finish(ids[0]!, record)) return;
        for (const id of ids.slice(1)) finish(id, record);
        if (!row) return;
        const { id, nonce, isIntended } = row;
        run(
          `INSERT INTO outbox (id, account_id, channel_id, nonce, state, created_at,
                               first_attempt_at, message, whole)
           VALUES (?, ?, ?, ?, ?, ?, ?, ?, 'whole')`,
          ...[id, ACCOUNT, CHANNEL, nonce, isIntended ? "sending" : "pending", now],
          ...[isIntended ? now : null, JSON.stringify(outbound(nonce))],
        );
        return;
      }
      case "intent":
        run(
          `UPDATE outbox
           SET state = 'sending', first_attempt_at = COALESCE(first_attempt_at, ?),
               next_attempt_at = NULL
           WHERE nonce = ? AND state IN ('pending', 'sending')`,
          ...[now, record.nonce],
        );
        return;
      case "sent":
        if (
          run(
              `UPDATE outbox SET state = 'sent', message_id = ?, failing_since = NULL, whole = NULL
             WHERE nonce = ? AND state <> 'sent'`,
              ...[record.messageId ?? null, record.nonce],
            ) === 0 || record.messageId === undefined
        ) return;
        if (run("DELETE FROM parked_channel") > 0) {
          run("UPDATE outbox SET failing_since = NULL WHERE state IN ('pending', 'sending')");
        }
        return;
      case "use": {
        const { userId, micros } = record;
        run(
          `INSERT INTO usage VALUES (?, ?, '11', '', 'main', 'test/x', 'answer', 1, 3, 1, 2, ?, ?, 1, 0.25)
           ON CONFLICT DO UPDATE SET
             requests = requests + 1, input = input + 3, cached = cached + 1, output = output + 2,
             micros = micros + excluded.micros, unpriced = unpriced + excluded.unpriced,
             ms = ms + 1, audio_sec = audio_sec + 0.25`,
          ...[dayOf(now), userId, micros ?? 0, micros === undefined ? 1 : 0],
        );
      }
    }
  }

  return records.flatMap((record) => {
    database.exec("SAVEPOINT record");
    try {
      apply(record);
      return [];
    } catch (error) {
      database.exec("ROLLBACK TO record");
      return [String(error)];
    } finally {
      database.exec("RELEASE record");
    }
  });
}

/** SQLite's own error: a caller gets a number that is in use as damage of the file. */
const sqliteErrorOf = (error: unknown) => error instanceof StoreError ? error.cause : error;

/** Plays records through the journal. The tables catch up where `cuts` says so, and at the end. */
async function playFolded(
  database: DatabaseSync,
  records: readonly Recorded[],
  cuts: readonly number[],
  isGroup: boolean,
): Promise<readonly string[]> {
  const tail = createTail();
  const inbox = prepareInboxRows(database, tail);
  const outbox = prepareOutboxRows(database, tail);
  const usage = prepareUsageRows(database, tail);
  const refused: string[] = [];
  const groups: (() => void)[] = [];
  const commits = createCommits(database, {
    path: ":memory:",
    tail,
    crash: { before() {}, after() {} },
    onUndone: tail.forget,
    onRefused: (_kind, error) => void refused.push(String(error)),
    soon: (run) => void groups.push(run),
    schedule: () => () => {},
  });
  const journaled = commits.journaled<Recorded>("record", (record) => {
    const { now } = record;
    switch (record.kind) {
      case "accept": {
        inbox.add(message(record.id), ROUTE, now);
        return;
      }
      case "claim": {
        const messages = record.ids.map((id) => ({ messageId: id, attempt: record.attempt }));
        inbox.claim({ turn: record.ids[0]!, messages, now });
        return;
      }
      case "turn": {
        const { ids: [first, ...also], attempt, end, row } = record;
        const turn = { messageId: first!, attempt, claimedAt: now - 1, also, end, now };
        if (!inbox.end(turn) || !row) return;
        const { id, nonce, isIntended } = row;
        const state = isIntended ? "sending" : "pending";
        const times = { createdAt: now, firstAttemptAt: isIntended ? now : undefined };
        outbox.add({ id, message: outbound(nonce), state, whole: "whole", ...times });
        return;
      }
      case "intent":
        outbox.intend({ accountId: ACCOUNT, nonce: record.nonce }, now);
        return;
      case "sent": {
        const id = record.messageId === undefined ? undefined : messageId(record.messageId);
        const { nonce } = record;
        outbox.settle({ id: 0, accountId: ACCOUNT, nonce, channelId: CHANNEL, fileCount: 0 }, id);
        return;
      }
      case "use":
        usage.add({ charges: [charge(record.userId, now, record.micros)] });
    }
  });
  const stored: Promise<unknown>[] = [];
  for (const [index, record] of records.entries()) {
    stored.push(journaled.append(UNNAMED, record));
    // A group with other work is not journaled: the tables take it at once.
    if (isGroup && cuts.includes(index)) stored.push(commits.commit(UNNAMED, () => {}));
    if (isGroup) continue;
    for (const run of groups.splice(0)) run();
    if (cuts.includes(index)) commits.catchUp();
  }
  for (const run of groups.splice(0)) run();
  const results = await Promise.allSettled(stored);
  for (const result of results) {
    if (result.status === "rejected") refused.push(String(sqliteErrorOf(result.reason)));
  }
  commits.catchUp();
  return refused;
}

const ID = fc.constantFrom("1", "2", "2", "3");
const IDS = fc.uniqueArray(ID, { minLength: 1, maxLength: 2 });
const NONCE = fc.constantFrom("a", "c", "d");
const NUMBER = fc.integer({ min: 1, max: 3 });
const END = fc.constantFrom<TurnEnd>(
  { kind: "answered" },
  { kind: "failed", failureId: "f", reason: "no" },
  { kind: "refused", reason: "spent" },
);
const WORK: fc.Arbitrary<Work> = fc.oneof(
  fc.record({ kind: fc.constant("accept"), id: ID }),
  fc.record({ kind: fc.constant("claim"), ids: IDS, attempt: NUMBER }),
  fc.record({
    kind: fc.constant("turn"),
    ids: IDS,
    attempt: NUMBER,
    end: END,
    row: fc.option(
      fc.record({ id: fc.integer({ min: 1, max: 30 }), nonce: NONCE, isIntended: fc.boolean() }),
      { nil: undefined },
    ),
  }),
  fc.record({ kind: fc.constant("intent"), nonce: NONCE }),
  fc.record({
    kind: fc.constant("sent"),
    nonce: NONCE,
    messageId: fc.option(fc.constantFrom("90", "91"), { nil: undefined }),
  }),
  fc.record({
    kind: fc.constant("use"),
    userId: fc.constantFrom("1", "2"),
    micros: fc.option(NUMBER, { nil: undefined }),
  }),
);

/** An answered message, and what happens to the answer. */
const LIFE: fc.Arbitrary<readonly Work[]> = fc.record({
  id: fc.constantFrom("4", "5", "6"),
  then: fc.array(fc.constantFrom("intent", "sent", "gone"), { maxLength: 3 }),
  isIntended: fc.boolean(),
}).map(({ id, then, isIntended }) => {
  const nonce = `reply ${id}`;
  const row = { id: 100 + Number(id), nonce, isIntended };
  return [
    { kind: "accept", id },
    { kind: "turn", ids: [id], attempt: 1, end: { kind: "answered" }, row },
    ...then.map((event, index): Work =>
      event === "intent"
        ? { kind: "intent", nonce }
        : { kind: "sent", nonce, messageId: event === "sent" ? `9${index}` : undefined }
    ),
  ];
});

/**
 * Leaves out works that add the same row as an earlier one, but for a few: one is enough to play the
 * whole tail record by record.
 */
function withRepeats(works: readonly Work[], max: number): readonly Work[] {
  const added = new Set<string>();
  let repeats = 0;
  return works.filter((work) => {
    const rows = work.kind === "accept"
      ? [`message ${work.id}`]
      : work.kind === "turn" && work.row
      ? [`row ${work.row.id}`, `nonce ${work.row.nonce}`]
      : [];
    const isRepeat = rows.some((row) => added.has(row));
    for (const row of rows) added.add(row);
    return !isRepeat || ++repeats <= max;
  });
}

const tablesOf = (database: DatabaseSync) =>
  ["inbox", "outbox", "usage", "parked_channel"].map((name) =>
    database.prepare(`SELECT * FROM ${name} ORDER BY 1, 2`).all()
  );

/** A turn whose row has the number of a stored one. */
const USED_NUMBER: Work = {
  kind: "turn",
  ids: ["1"],
  attempt: 1,
  end: { kind: "answered" },
  row: { id: 1, nonce: "a", isIntended: false },
};

describe("a catch-up", () => {
  it("[D1] leaves the rows that its records would leave one by one, wherever it is cut", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.oneof(WORK.map((work) => [work]), LIFE), { maxLength: 30 }),
        fc.array(fc.nat({ max: 40 }), { maxLength: 3 }),
        fc.boolean(),
        fc.integer({ min: 0, max: 5 }),
        async (works, cuts, isGroup, repeats) => {
          const records = withRepeats(works.flat(), repeats > 0 ? 0 : 1).map((work, index) => ({
            ...work,
            now: 100 + index,
          }));
          const [model, folded] = [openFilled(), openFilled()];
          const refused = playInOrder(model, records);
          assert.deepEqual(await playFolded(folded, records, cuts, isGroup), refused);
          sameData(tablesOf(folded), tablesOf(model), "tables");
        },
      ),
      { numRuns: cases(100, 5_000), examples: [[[[USED_NUMBER]], [0], true, 0]] },
    );
  });
});
