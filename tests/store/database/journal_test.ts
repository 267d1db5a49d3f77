import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import type { Claim, Judged } from "../../../src/core/inbound/inbox.ts";
import { schedule } from "../../../src/lib/clock.ts";
import { createStore, type StoreOptions } from "../../../src/store/store.ts";
import {
  ACCOUNT,
  channelId,
  guildMessage,
  messageId,
  outboundMessage,
} from "../../support/discord/builders.ts";
import { openDatabase } from "../../support/store/open_database.ts";
import {
  accepted,
  batch,
  frozen,
  heard,
  ignored,
  openTestStore,
  part,
} from "../../support/store/store.ts";
import { cases } from "../../support/long_form.ts";
import type { Store } from "../../../src/core/store/store.ts";
import { sameData } from "../../support/same_data.ts";

const NOW = Date.UTC(2026, 0, 1);
const CHANNELS = ["11", "12"];

/** One step of a store's life. */
type Step =
  | { readonly kind: "say"; readonly channel: number; readonly isAccepted: boolean }
  | { readonly kind: "fold" | "reset"; readonly channel: number; readonly turns: number }
  | { readonly kind: "again" | "turn" | "send" | "echo" | "refuse" | "crash" };

const step = (
  ...kinds: readonly Exclude<Step["kind"], "say" | "fold" | "reset">[]
): fc.Arbitrary<Step> =>
  fc.oneof(
    fc.record({
      kind: fc.constantFrom("fold" as const, "fold" as const, "reset" as const),
      channel: fc.nat({ max: CHANNELS.length - 1 }),
      turns: fc.integer({ min: 1, max: 3 }),
    }),
    fc.record({
      kind: fc.constant("say" as const),
      channel: fc.nat({ max: CHANNELS.length - 1 }),
      isAccepted: fc.boolean(),
    }),
    fc.record({ kind: fc.constantFrom(...kinds) }),
  );

/** Plays steps on a store; calls `afterEach` with the store after each step. */
async function play(steps: readonly Step[], afterEach: (store: Store) => void = () => {}) {
  const database = openDatabase();
  const refused: unknown[] = [];
  const timers: (() => void)[] = [];
  const options: StoreOptions = {
    elapsed: () => 0,
    onRefused: (...what) => refused.push(what),
    schedule(run, ms) {
      const cancel = schedule(run, ms);
      timers.push(cancel);
      return cancel;
    },
  };
  const open = () => createStore(database, ":memory:", options);
  let store = open();
  const answered: string[] = [];
  let said = 0;
  let seq = 1;
  let last: Judged | undefined;
  const folds: boolean[] = [];
  const echoed: boolean[] = [];

  async function turn(claim: Claim): Promise<void> {
    const { message: { id, channelId }, route: { sessionKey } } = claim;
    const end = { kind: "answered" } as const;
    const entries = [
      { role: "user" as const, text: `asked ${id}`, messageId: id, at: NOW },
      { role: "assistant" as const, text: `answered ${id}`, messageId: id, at: NOW },
    ];
    const outbox = [0, 1].map((index) =>
      frozen({ channelId, nonce: `${id}/${index}`, of: part(id, { part: index, parts: 2 }) })
    );
    await store.turns.entriesOf(sessionKey, 1_000); // from now on in memory
    const { stored } = await store.turns.finishTurn({ claim, end, entries, outbox }, NOW);
    if (stored) answered.push(id);
  }

  async function head() {
    const channels = CHANNELS.map((id) => channelId(id));
    const [row] = await store.outbox.heads(ACCOUNT, channels);
    if (row) await store.outbox.markSending(row, NOW);
    return row;
  }

  async function take(step: Step): Promise<void> {
    switch (step.kind) {
      case "say": {
        const id = messageId(String(1_400_000_000_000_002_000n + BigInt(said++)));
        const channel = channelId(CHANNELS[step.channel] ?? "11");
        const message = guildMessage({ id, channelId: channel, text: `said ${id}` });
        const route = { agentId: "main", sessionKey: `session ${channel}` };
        last = step.isAccepted ? accepted(message, route) : ignored(message);
        await store.inbox.acceptBatch(batch({ judged: [last], heard: heard(++seq) }), NOW);
        return;
      }
      case "again":
        if (last) {
          await store.inbox.acceptBatch(batch({ judged: [last], heard: heard(++seq) }), NOW);
        }
        return;
      case "turn": {
        const claim = await store.inbox.claimNext(ACCOUNT, NOW, []);
        if (claim) await turn(claim);
        return;
      }
      case "send": {
        const row = await head();
        if (row) await store.outbox.markSent(row, messageId(`9${row.message.nonce.slice(-4, -2)}`));
        return;
      }
      case "echo": {
        const row = await head();
        if (!row) return;
        const { nonce, channelId } = row.message;
        const echo = { nonce, channelId, messageId: messageId("77"), heardAt: NOW };
        await store.inbox.acceptBatch(batch({ echoes: [echo], heard: heard(++seq) }), NOW);
        echoed.push(await store.outbox.markSent(row, echo.messageId)); // Discord's later answer
        return;
      }
      case "fold": {
        const sessionKey = `session ${CHANNELS[step.channel]}`;
        const { entries } = await store.sessions.openEntries(sessionKey, 1_000);
        const last = entries.slice(0, 2 * step.turns).at(-1);
        if (!last) return;
        const fold = {
          ...{ agentId: "main", sessionKey, cause: "full" as const, modelId: "test/x" },
          count: Math.min(2 * step.turns, entries.length),
          last: { messageId: last.messageId, role: last.role },
          summary: { boundary: "a1b2c3d4", text: `up to ${last.messageId}` },
        };
        // Two at once: a person's command and a turn.
        folds.push(...await Promise.all([1, 2].map(() => store.sessions.fold(fold, NOW))));
        return;
      }
      case "reset":
        await store.sessions.reset(`session ${CHANNELS[step.channel]}`, "daily", NOW);
        return;
      case "refuse": {
        const row = await head();
        if (row) await store.outbox.markRefused(row, "no", NOW);
        return;
      }
      case "crash":
        for (const cancel of timers.splice(0)) cancel(); // a dead process writes nothing
        store = open();
        await store.inbox.voidClaims();
        return;
    }
  }

  for (const step of steps) {
    await take(step);
    afterEach(store);
  }
  store.catchUp();
  const all = (sql: string) => database.prepare(sql).all().map((row) => ({ ...row }));
  const remembered = await sessionsOf(store);
  return { database, store, answered, refused, all, folds, echoed, remembered };
}

/** Each session as a turn would see it. */
const sessionsOf = (store: Store) =>
  Promise.all(CHANNELS.map(async (id) => [
    await store.turns.entriesOf(`session ${id}`, 1_000),
    await store.sessions.checkpointOf(`session ${id}`),
  ]));

const TABLES = [
  "SELECT message_id, state, session_key, message, accepted_at, finished_at FROM inbox ORDER BY id",
  "SELECT id, nonce, state, first_attempt_at, failing_since, message_id, message, refusal FROM outbox",
  "SELECT session_key, role, text, message_id FROM entry ORDER BY id",
  "SELECT * FROM checkpoint ORDER BY id",
  "SELECT channel_id, message_id, text FROM message",
  "SELECT account_id, seq, stored_up_to FROM gateway_session",
  "SELECT * FROM journal",
];

describe("the journal", () => {
  it("[D1] leads to the same tables as work without a journal", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(step("again", "turn", "send", "echo", "refuse"), { maxLength: 30 }),
        async (steps) => {
          const journaled = await play(steps);
          const plain = await play(steps, (store) => store.catchUp());
          for (const sql of TABLES) assert.deepEqual(journaled.all(sql), plain.all(sql), sql);
          assert.deepEqual(journaled.folds, plain.folds);
          assert.ok(![...journaled.echoed, ...plain.echoed].includes(true), "the echo was first");
          assert.deepEqual(journaled.remembered, plain.remembered);
          const next = createStore(journaled.database, ":memory:", { elapsed: () => 0 });
          sameData(journaled.remembered, await sessionsOf(next), "memory is the table");
          assert.deepEqual(journaled.refused, []);
        },
      ),
      { numRuns: cases(40, 1_500) },
    );
  });

  it("[D1] [G7] loses no work in a crash, and does none twice", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(step("again", "turn", "send", "echo", "refuse", "crash", "turn"), {
          maxLength: 30,
        }),
        async (steps) => {
          const { all, answered, refused, folds } = await play([...steps, { kind: "crash" }]);
          const said = steps.filter((step) => step.kind === "say" && step.isAccepted).length;
          const rows = all("SELECT message_id, state FROM inbox");
          assert.equal(rows.length, said);
          const done = rows.filter(({ state }) => state === "answered");
          assert.deepEqual(
            done.map(({ message_id }) => message_id).toSorted(),
            answered.toSorted(),
          );
          assert.equal(all("SELECT * FROM entry").length, 2 * answered.length);
          assert.deepEqual(
            all("SELECT nonce FROM outbox").map(({ nonce }) => nonce).toSorted(),
            answered.flatMap((id) => [`${id}/0`, `${id}/1`]).toSorted(),
          );
          assert.deepEqual(all("SELECT * FROM journal"), []);
          const summaries = all("SELECT * FROM checkpoint WHERE kind = 'summary'");
          assert.equal(summaries.length, folds.filter((isStored) => isStored).length);
          assert.equal(summaries.length, folds.length / 2, "one of two at once");
          assert.deepEqual(refused, []);
        },
      ),
      { numRuns: cases(40, 1_500) },
    );
  });

  it("[G14] stores a turn with its intent in one commit, without other commits", async () => {
    const passed: string[] = [];
    const database = openDatabase();
    const store = createStore(database, ":memory:", {
      elapsed: () => 0,
      crash: { before: (name) => void passed.push(name), after: () => {} },
    });
    const message = guildMessage();
    await store.inbox.claimNext(ACCOUNT, NOW, []); // nothing waits for a turn
    await store.inbox.acceptBatch(batch({ judged: [accepted(message)] }), NOW);
    const claim = (await store.inbox.claimNext(ACCOUNT, NOW, []))!;
    const outbox = [frozen({ nonce: "n", channelId: message.channelId })];
    await store.turns.finishTurn({ claim, end: { kind: "answered" }, entries: [], outbox }, NOW);
    const [row] = await store.outbox.heads(ACCOUNT, [message.channelId]);
    assert.equal(await store.outbox.markSending(row!, NOW), true);
    assert.equal(await store.outbox.markSent(row!, messageId("9")), true);
    // Reads the tables once for each channel, to learn that no message waits there.
    assert.deepEqual(passed, ["T1", "TJ", "T3", "T4"], "two commits, and T4 is one with T3");
    store.catchUp();
    assert.deepEqual(passed.slice(4), ["TJ", "T5"]);
  });

  it("[G11] needs no commit for Discord's answer after the gateway's echo", async () => {
    const passed: string[] = [];
    const { store, rows } = openTestStore({
      crash: { before: (name) => void passed.push(name), after: () => {} },
    });
    const message = guildMessage();
    const { channelId } = message;
    await store.outbox.heads(ACCOUNT, [channelId]);
    await store.inbox.acceptBatch(batch({ judged: [accepted(message)] }), NOW);
    const claim = (await store.inbox.claimNext(ACCOUNT, NOW, []))!;
    const outbox = [frozen({ nonce: "n", channelId })];
    await store.turns.finishTurn({ claim, end: { kind: "answered" }, entries: [], outbox }, NOW);
    const [row] = await store.outbox.heads(ACCOUNT, [channelId]);
    await store.outbox.markSending(row!, NOW);
    const echo = { nonce: "n", channelId, messageId: messageId("9"), heardAt: NOW };
    await store.inbox.acceptBatch(batch({ echoes: [echo], heard: heard(2) }), NOW);
    const before = passed.length;
    assert.equal(await store.outbox.markSent(row!, messageId("9")), false);
    assert.deepEqual(passed.slice(before), []);
    assert.deepEqual(rows("SELECT state, message_id FROM outbox"), [
      { state: "sent", message_id: "9" },
    ]);
  });

  it("[D1] gives a row another number if a command took its number", async () => {
    const database = openDatabase();
    const store = createStore(database, ":memory:", { elapsed: () => 0 });
    const message = guildMessage();
    await store.outbox.heads(ACCOUNT, [message.channelId]);
    await store.inbox.acceptBatch(batch({ judged: [accepted(message)] }), NOW);
    const claim = (await store.inbox.claimNext(ACCOUNT, NOW, []))!;
    const outbox = [frozen({ nonce: "ours", channelId: message.channelId })];
    await store.turns.finishTurn({ claim, end: { kind: "answered" }, entries: [], outbox }, NOW);
    database.prepare(
      `INSERT INTO outbox (id, account_id, channel_id, nonce, created_at, message)
       VALUES (1, ?, 'elsewhere', 'theirs', 0, ?)`,
    ).run(ACCOUNT, JSON.stringify(outboundMessage({ nonce: "theirs" })));
    const [row] = await store.outbox.heads(ACCOUNT, [message.channelId]);
    await store.outbox.markSending(row!, NOW);
    await store.outbox.markSent(row!, messageId("9"));
    store.catchUp();
    const rows = database.prepare("SELECT id, nonce, state FROM outbox ORDER BY id").all();
    assert.deepEqual(rows.map((row) => ({ ...row })), [
      { id: 1, nonce: "theirs", state: "pending" },
      { id: 2, nonce: "ours", state: "sent" },
    ]);
  });

  it("[D1] does each record's work once, even if a command does it first", async () => {
    const database = openDatabase();
    const options = { elapsed: () => 0 };
    const store = createStore(database, ":memory:", options);
    const message = guildMessage();
    await store.outbox.heads(ACCOUNT, [message.channelId]);
    await store.inbox.acceptBatch(batch({ judged: [accepted(message)] }), NOW);
    createStore(database, ":memory:", options); // takes the journal
    const claim = (await store.inbox.claimNext(ACCOUNT, NOW, []))!;
    const entries = [{ role: "user" as const, text: "a", messageId: message.id, at: NOW }];
    const end = { kind: "answered" } as const;
    await store.turns.finishTurn({ claim, end, entries, outbox: [] }, NOW);
    store.catchUp();
    assert.equal(database.prepare("SELECT * FROM entry").all().length, 1);
    assert.deepEqual(
      database.prepare("SELECT state FROM inbox").all().map(({ state }) => state),
      ["answered"],
    );
  });

  it("[X2] keeps and reports a record of an unknown kind, and continues", async () => {
    const database = openDatabase();
    database.prepare("INSERT INTO journal (kind, record) VALUES ('odd', '{}')").run();
    const refused: unknown[] = [];
    const onRefused = (...what: unknown[]) => void refused.push(what[0]);
    const store = createStore(database, ":memory:", { elapsed: () => 0, onRefused });
    await store.inbox.acceptBatch(batch({ judged: [accepted()] }), NOW);
    store.catchUp();
    assert.deepEqual(refused, ["odd"]);
    const rows = database.prepare("SELECT kind, is_refused FROM journal").all();
    assert.deepEqual(rows.map((row) => ({ ...row })), [{ kind: "odd", is_refused: 1 }]);
    createStore(database, ":memory:", { elapsed: () => 0, onRefused });
    assert.deepEqual(refused, ["odd"], "not tried again");
  });
});
