import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { factsOf } from "../../../src/core/inbound/facts.ts";
import type { Judged } from "../../../src/core/inbound/inbox.ts";
import { guildMessage, messageId, sender, userId } from "../../support/discord/builders.ts";
import { createStore } from "../../support/store/open_database.ts";
import { accepted, batch, ignored, openTestStore } from "../../support/store/store.ts";

const NOW = Date.UTC(2026, 0, 1);
const FIRST = 1_400_000_000_000_000_000n;
/** The id of a message that is sent so many milliseconds after the first. */
const idAt = (ms: number) => messageId(String(FIRST + (BigInt(ms) << 22n)));
const saidAt = (ms: number) => ignored(guildMessage({ id: idAt(ms) }));
const saidIn = (count: number, from = 0) =>
  Array.from({ length: count }, (_, index) => saidAt(from + index));
/** A message of another person. */
const saidBy = (by: number, ms: number) => {
  const author = sender({ id: userId(String(500 + by)), username: `person-${by}` });
  return ignored(guildMessage({ id: idAt(ms), sender: author }));
};
const factsIn = ({ message, knownFacts = {}, verdict }: Judged) =>
  JSON.stringify(factsOf(message, knownFacts, verdict));

describe("prepareVerdictRows()", () => {
  it("[P1] stores each message with its own facts, and repeated ones with those they share", async () => {
    const { store, rows } = openTestStore();
    const judged = [saidBy(1, 1), { ...saidBy(2, 2), knownFacts: { isMuted: true } }];
    const shared = saidBy(3, 3);
    const messages = [4, 5].map((ms) => ({ id: idAt(ms), text: "krill", sentAt: ms }));
    const repeated = [{ judged: shared, messages }];
    await store.inbox.acceptBatch(batch({ judged: [...judged, shared], repeated }), NOW);
    assert.deepEqual(
      rows("SELECT message_id, author_id, facts FROM decision ORDER BY id").map(Object.values),
      [...judged, shared, shared, shared].map((one, at) => [
        idAt(at + 1),
        one.message.sender.id,
        factsIn(one),
      ]),
    );
  });

  it("[P1] finds each verdict by its message, in any order of messages", async () => {
    const { store } = openTestStore();
    const judged = [7, 3, 900, 1, 12, 500, 4].map(saidAt);
    for (const one of judged) await store.inbox.acceptBatch(batch({ judged: [one] }), NOW);
    for (const [index, { message: { id } }] of judged.entries()) {
      const record = await store.messages.messageRecordOf({ messageId: id });
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

  it("[G7] stores and counts no repeated message that is on record", async () => {
    const { store, rows } = openTestStore();
    const messages = [1, 2, 3].map((ms) => ({ id: idAt(ms), text: "krill", sentAt: ms }));
    for (const count of [2, 3]) {
      const repeated = [{ judged: saidAt(0), messages: messages.slice(0, count) }];
      await store.inbox.acceptBatch(batch({ judged: [], repeated }), NOW + count);
    }
    assert.deepEqual(
      rows("SELECT message_id, at FROM decision ORDER BY id").map(Object.values),
      [[idAt(1), NOW + 2], [idAt(2), NOW + 2], [idAt(3), NOW + 3]],
    );
    assert.deepEqual((await store.health()).decisions.map(({ count }) => count), [3]);
  });

  it("[P1] gives a replaced verdict the next number, which no other has had", async () => {
    const { store, database } = openTestStore();
    const undecided = { kind: "undecided", why: "pluralkit", rule: "rule" } as const;
    const open = { ...saidAt(1), verdict: undecided };
    await store.inbox.acceptBatch(batch({ judged: [saidAt(0), open, saidAt(2)] }), NOW);
    await store.inbox.decide(saidAt(1), NOW);
    const next = createStore(database, ":memory:", { elapsed: () => 0 });
    await next.inbox.acceptBatch(batch({ judged: [saidAt(3)] }), NOW);
    const verdicts = await next.messages.verdictsAfter(0, 9);
    assert.deepEqual(verdicts.map(({ id, messageId }) => [id, messageId]), [
      [1, idAt(0)],
      [3, idAt(2)],
      [4, idAt(1)],
      [5, idAt(3)],
    ]);
  });

  it("[D1] stores the verdicts of an undone transaction again", async () => {
    let isFull = true;
    const before = () => {
      if (isFull) throw new Error("the disk is full");
    };
    const { store, rows } = openTestStore({ crash: { before, after() {} } });
    await assert.rejects(store.inbox.acceptBatch(batch({ judged: saidIn(3) }), NOW));
    isFull = false;
    await store.inbox.acceptBatch(batch({ judged: saidIn(2) }), NOW);
    assert.deepEqual(
      rows("SELECT message_id FROM decision ORDER BY id").map(Object.values),
      [[idAt(0)], [idAt(1)]],
    );
  });

  it("[D1] stores verdicts beside a job of the same group that is undone", async () => {
    const { store } = openTestStore();
    const verdict = { kind: "accept", why: "mentioned", rule: "rule" } as const;
    const lost = { ...saidBy(0, 0), verdict }; // because it has no route
    const [failed, kept] = await Promise.allSettled([
      store.inbox.acceptBatch(batch({ judged: [saidBy(1, 1), lost] }), NOW),
      store.inbox.acceptBatch(batch({ judged: [saidBy(2, 2), saidBy(1, 3)] }), NOW),
    ]);
    assert.deepEqual([failed.status, kept.status], ["rejected", "fulfilled"]);
    for (const judged of [saidBy(2, 2), saidBy(1, 3)]) {
      const record = await store.messages.messageRecordOf({ messageId: judged.message.id });
      assert.equal(JSON.stringify(record?.decisions[0]?.facts), factsIn(judged));
    }
  });
});
