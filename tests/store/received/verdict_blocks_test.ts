import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { guildMessage, messageId } from "../../support/discord/builders.ts";
import { createStore } from "../../support/store/open_database.ts";
import { accepted, batch, ignored, openTestStore } from "../../support/store/store.ts";

const NOW = Date.UTC(2026, 0, 1);
const FIRST = 1_400_000_000_000_000_000n;
/** The id of a message that is sent so many milliseconds after the first. */
const idAt = (ms: number) => messageId(String(FIRST + (BigInt(ms) << 22n)));
const saidAt = (ms: number) => ignored(guildMessage({ id: idAt(ms) }));
const saidIn = (count: number, from = 0) =>
  Array.from({ length: count }, (_, index) => saidAt(from + index));

const BLOCKS = "SELECT id, count, json_array_length(verdicts) AS held FROM verdict_block";

describe("prepareVerdictBlocks()", () => {
  it("[P1] stores the verdicts of a transaction in one row, or in rows of 256", async () => {
    const { store, rows } = openTestStore();
    await store.inbox.acceptBatch(batch({ judged: saidIn(3) }), NOW);
    await store.inbox.acceptBatch(batch({ judged: saidIn(300, 10) }), NOW);
    assert.deepEqual(rows(BLOCKS), [
      { id: 1, count: 3, held: 3 },
      { id: 4, count: 256, held: 256 },
      { id: 260, count: 44, held: 44 },
    ]);
    assert.equal(rows("SELECT * FROM fact").length, 1);
  });

  it("[P1] finds each verdict by its message, in any order of messages", async () => {
    const { store } = openTestStore();
    const judged = [7, 3, 900, 1, 12, 500, 4].map(saidAt);
    for (const one of judged) await store.inbox.acceptBatch(batch({ judged: [one] }), NOW);
    for (const [index, { message: { id } }] of judged.entries()) {
      const record = await store.received.messageRecordOf({ messageId: id });
      assert.deepEqual(record?.decisions.map((decision) => decision.id), [index + 1]);
    }
  });

  it("[G7] keeps the verdict of a message that is replayed after a start", async () => {
    const { store, database, rows } = openTestStore();
    await store.inbox.acceptBatch(batch({ judged: saidIn(20) }), NOW);
    const next = createStore(database, ":memory:", { elapsed: () => 0 });
    const again = saidIn(30).map(({ message }) => accepted(message));
    const { accepted: taken } = await next.inbox.acceptBatch(batch({ judged: again }), NOW);
    assert.equal(taken.length, 10);
    const kinds = rows("SELECT verdict, COUNT(*) AS n FROM decision GROUP BY verdict");
    assert.deepEqual(kinds, [{ verdict: "accept", n: 10 }, { verdict: "ignore", n: 20 }]);
  });

  it("[P1] uses no number twice, even after a replaced verdict and a restart", async () => {
    const { store, database } = openTestStore();
    const undecided = { kind: "undecided", why: "pluralkit", rule: "rule" } as const;
    const open = { ...saidAt(1), verdict: undecided };
    await store.inbox.acceptBatch(batch({ judged: [saidAt(0), open, saidAt(2)] }), NOW);
    await store.inbox.decide(saidAt(1), NOW);
    const next = createStore(database, ":memory:", { elapsed: () => 0 });
    await next.inbox.acceptBatch(batch({ judged: [saidAt(3)] }), NOW);
    const verdicts = await next.received.verdictsAfter(0, 9);
    assert.deepEqual(verdicts.map(({ id, messageId }) => [id, messageId]), [
      [1, idAt(0)],
      [3, idAt(2)],
      [4, idAt(1)],
      [5, idAt(3)],
    ]);
  });

  it("[D1] forgets the verdicts of an undone transaction", async () => {
    let isFull = true;
    const before = () => {
      if (isFull) throw new Error("the disk is full");
    };
    const { store, rows } = openTestStore({ crash: { before, after() {} } });
    await assert.rejects(store.inbox.acceptBatch(batch({ judged: saidIn(3) }), NOW));
    isFull = false;
    await store.inbox.acceptBatch(batch({ judged: saidIn(2) }), NOW);
    assert.deepEqual(rows(BLOCKS), [{ id: 1, count: 2, held: 2 }]);
  });
});
