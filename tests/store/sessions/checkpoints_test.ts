import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Entry, Fold } from "../../../src/core/inbound/inbound.ts";
import { createStore } from "../../support/store/open_database.ts";
import { guildMessage, messageId } from "../../support/discord/builders.ts";
import { accepted, batch, openTestStore, ROUTE } from "../../support/store/store.ts";
import type { RecallQuery } from "../../../src/store/sessions/sessions.ts";
import type { Store } from "../../../src/store/store.ts";
import { sameData } from "../../support/same_data.ts";

const { sessionKey: KEY } = ROUTE;
const NOW = Date.UTC(2026, 0, 1);

/** Ends a turn for a message with this id, whose entries say so. */
async function turn(store: Store, id: string, text = `question ${id}`): Promise<void> {
  const message = guildMessage({ id: messageId(id), text });
  await store.inbox.acceptBatch(batch({ judged: [accepted(message)] }), NOW);
  const claim = await store.inbox.claimNext(message.accountId, NOW, []);
  assert.ok(claim);
  const stamp = { messageId: message.id, at: NOW };
  const entries: readonly Entry[] = [
    { role: "user", text, ...stamp },
    { role: "assistant", text: `answer ${id}`, ...stamp },
  ];
  await store.turns.finishTurn({ claim, end: { kind: "answered" }, entries, outbox: [] }, NOW);
}

const shown = async (store: Store) =>
  (await store.turns.entriesOf(KEY, 100)).map(({ text }) => text);

/** Folds the oldest turns since the newest checkpoint, up to the one of a message. */
const foldTurns = (turns: number, lastId: string, text = "summary"): Fold => ({
  agentId: "main",
  sessionKey: KEY,
  cause: "full",
  count: 2 * turns,
  last: { messageId: messageId(lastId), role: "assistant" },
  summary: { boundary: "a1b2c3d4", text },
  modelId: "test/x",
});

describe("[L4] fold()", () => {
  it("takes entries out of the context, and neither deletes nor changes one", async () => {
    const { store, rows } = openTestStore();
    await turn(store, "101");
    await turn(store, "102");
    const before = rows("SELECT * FROM entry");
    assert.equal(await store.sessions.fold(foldTurns(1, "101"), NOW), true);
    assert.deepEqual(await shown(store), ["question 102", "answer 102"]);
    assert.deepEqual(rows("SELECT * FROM entry"), before);
    const checkpoint = await store.sessions.checkpointOf(KEY);
    sameData(checkpoint?.summary, { boundary: "a1b2c3d4", text: "summary" });
    assert.deepEqual(
      rows("SELECT first_entry, last_entry, entries, message_ids FROM checkpoint"),
      [{ first_entry: 1, last_entry: 2, entries: 2, message_ids: '["101"]' }],
    );
  });

  it("stores no second summary of the same range", async () => {
    const { store, rows } = openTestStore();
    await turn(store, "101");
    assert.equal(await store.sessions.fold(foldTurns(1, "101"), NOW), true);
    assert.equal(await store.sessions.fold(foldTurns(1, "101"), NOW), false);
    assert.equal(rows("SELECT * FROM checkpoint").length, 1);
  });

  it("counts the ranges of all summaries since the last reset", async () => {
    const { store } = openTestStore();
    for (const id of ["101", "102", "103"]) await turn(store, id);
    await store.sessions.fold(foldTurns(1, "101"), NOW);
    await store.sessions.fold(foldTurns(1, "102", "longer summary"), NOW + 1);
    assert.deepEqual(await store.sessions.foldedOf(KEY), {
      entries: 4,
      messages: 2,
      summaryChars: 14,
      at: NOW + 1,
      isPlain: false,
    });
    await store.sessions.reset(KEY, "command", NOW + 2);
    sameData(await store.sessions.foldedOf(KEY), {
      entries: 0,
      messages: 0,
      summaryChars: 0,
      isPlain: false,
    });
  });

  it("knows a summary that no model wrote, also after a restart", async () => {
    const { store, database } = openTestStore();
    await turn(store, "101");
    await shown(store);
    const { modelId: _, ...fold } = foldTurns(1, "101");
    const summary = { ...fold.summary, isPlain: true };
    assert.equal(await store.sessions.fold({ ...fold, summary }, NOW), true);
    const beside = createStore(database, "test", { elapsed: () => 0 });
    for (const one of [store, beside]) {
      assert.equal((await one.sessions.checkpointOf(KEY))?.summary?.isPlain, true);
      assert.equal((await one.sessions.foldedOf(KEY)).isPlain, true);
    }
  });
});

/** A session in memory, with three turns that the tables have. */
async function inMemory() {
  const opened = openTestStore();
  for (const id of ["101", "102", "103"]) await turn(opened.store, id);
  await shown(opened.store);
  const checkpoints = () =>
    opened.rows("SELECT kind, first_entry, last_entry, entries, message_ids FROM checkpoint");
  /** Session and checkpoint as a new process reads them. */
  const afterCrash = async () => {
    const next = createStore(opened.database, "test", { elapsed: () => 0 });
    return [await shown(next), await next.sessions.checkpointOf(KEY)];
  };
  const now =
    async () => [await shown(opened.store), await opened.store.sessions.checkpointOf(KEY)];
  return { ...opened, checkpoints, afterCrash, now };
}

const summaryRow = (first: number, last: number, ids: string) => ({
  kind: "summary",
  first_entry: first,
  last_entry: last,
  entries: last - first + 1,
  message_ids: ids,
});

describe("[L4] [D1] fold()", () => {
  it("stores one of two summaries at once", async () => {
    const { store, checkpoints, now, afterCrash } = await inMemory();
    const stored = await Promise.all([
      store.sessions.fold(foldTurns(2, "102", "first"), NOW),
      store.sessions.fold(foldTurns(2, "102", "second"), NOW),
      store.sessions.fold(foldTurns(3, "103", "third"), NOW),
    ]);
    assert.deepEqual(stored, [true, false, false]);
    assert.deepEqual(checkpoints(), [summaryRow(1, 4, '["101","102"]')]);
    assert.deepEqual(await afterCrash(), await now());
  });

  it("stores nothing beside a reset at once that comes first", async () => {
    const { store, checkpoints } = await inMemory();
    const [left, isStored] = await Promise.all([
      store.sessions.reset(KEY, "command", NOW),
      store.sessions.fold(foldTurns(2, "102"), NOW),
    ]);
    assert.deepEqual([left, isStored], [6, false]);
    assert.deepEqual(checkpoints().map(({ kind }) => kind), ["reset"]);
    assert.deepEqual(await shown(store), []);
  });

  it("comes before a later reset", async () => {
    const { store, checkpoints, now, afterCrash } = await inMemory();
    await store.sessions.fold(foldTurns(2, "102"), NOW);
    assert.equal(await store.sessions.reset(KEY, "command", NOW + 1), 2);
    assert.deepEqual(checkpoints().map(({ kind }) => kind), ["summary", "reset"]);
    assert.deepEqual(await now(), [[], { at: NOW + 1 }]);
    assert.deepEqual(await afterCrash(), await now());
  });
});

describe("[S4a] reset()", () => {
  it("begins a new transcript under the same key, and deletes nothing", async () => {
    const { store, rows } = openTestStore();
    await turn(store, "101");
    assert.deepEqual(await shown(store), ["question 101", "answer 101"]);
    assert.equal(await store.sessions.reset(KEY, "daily", NOW), 2);
    assert.deepEqual(await shown(store), []);
    await turn(store, "102");
    assert.deepEqual(await shown(store), ["question 102", "answer 102"]);
    assert.equal(rows("SELECT * FROM entry").length, 4);
  });

  it("does nothing in a session that has nothing to leave behind", async () => {
    const { store, rows } = openTestStore();
    await turn(store, "101");
    assert.equal(await store.sessions.reset("agent:main:other", "command", NOW), 0);
    await store.sessions.reset(KEY, "command", NOW);
    assert.equal(await store.sessions.reset(KEY, "command", NOW), 0);
    assert.equal(rows("SELECT * FROM checkpoint").length, 1);
  });

  it("forgets a summary, too", async () => {
    const { store } = openTestStore();
    await turn(store, "101");
    await store.sessions.fold(foldTurns(1, "101"), NOW);
    assert.equal(await store.sessions.reset(KEY, "command", NOW), 1);
    assert.equal((await store.sessions.checkpointOf(KEY))?.summary, undefined);
  });
});

describe("recall()", () => {
  const query: RecallQuery = { messageIds: [], words: [], limit: 10 };

  it("finds folded entries of the session, by words and by ids", async () => {
    const { store } = openTestStore();
    await turn(store, "101", "The Tide is high");
    await turn(store, "102", "The moon is full");
    await turn(store, "103", "The tide is low");
    await store.sessions.fold(foldTurns(2, "102"), NOW);
    const { recall } = store.sessions;
    const texts = async (fields: Partial<typeof query>) =>
      (await recall(KEY, { ...query, ...fields })).entries.map(({ text }) => text);
    assert.deepEqual(await texts({ words: ["tide", "HIGH"] }), ["The Tide is high"]);
    assert.deepEqual(await texts({ messageIds: [messageId("102")] }), [
      "The moon is full",
      "answer 102",
    ]);
    assert.deepEqual((await recall(KEY, { ...query, limit: 1 })).matches, 4);
    assert.deepEqual((await recall("agent:main:other", query)).entries, []);
  });

  it("[S4a] finds nothing from before a reset", async () => {
    const { store } = openTestStore();
    await turn(store, "101");
    await store.sessions.fold(foldTurns(1, "101"), NOW);
    await store.sessions.reset(KEY, "command", NOW);
    assert.deepEqual(await store.sessions.recall(KEY, query), { entries: [], matches: 0 });
  });
});

it("list() › shows each session once, the newest first", async () => {
  const { store } = openTestStore();
  await turn(store, "101");
  await turn(store, "102");
  await store.sessions.fold(foldTurns(1, "101"), NOW);
  const [session, ...others] = await store.sessions.list();
  assert.equal(others.length, 0);
  assert.deepEqual(
    [session?.sessionKey, session?.entries, session?.current, session?.open],
    [KEY, 4, 4, 2],
  );
  assert.equal(session?.newest?.id, "102");
});
