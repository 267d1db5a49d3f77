import assert from "node:assert/strict";
import { join } from "node:path";
import { describe, it } from "node:test";
import fc from "fast-check";
import type { Claim, Judged } from "../../../src/core/inbound/inbox.ts";
import type { Charge } from "../../../src/core/spending/usage.ts";
import type { Step as TurnStep } from "../../../src/core/step.ts";
import { schedule } from "../../../src/lib/clock.ts";
import { openStoreReader, type StoreOptions } from "../../../src/store/store.ts";
import { ACCOUNT, channelId, guildMessage, messageId } from "../../support/discord/builders.ts";
import {
  JOURNAL_PLACES,
  prepareCutJournal,
  prepareJournal,
} from "../../../src/store/database/journal.ts";
import { createStore, openDatabase, openStore } from "../../support/store/open_database.ts";
import {
  accepted,
  batch,
  frozen,
  heard,
  ignored,
  journalOf,
  openTestStore,
  part,
} from "../../support/store/store.ts";
import { tempDirectory } from "../../support/temp_directory.ts";
import { cases } from "../../support/long_form.ts";
import type { Store } from "../../../src/store/store.ts";
import { sameData } from "../../support/same_data.ts";

const NOW = Date.UTC(2026, 0, 1);
const CHANNELS = ["11", "12"];

/** One step of a store's life. */
type Step =
  | { readonly kind: "say"; readonly channel: number; readonly isAccepted: boolean }
  | { readonly kind: "fold" | "reset"; readonly channel: number; readonly turns: number }
  | { readonly kind: "again" | "turn" | "tool" | "send" | "echo" | "refuse" | "crash" };

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

const CHARGE: Charge = {
  userId: "1",
  channelId: "11",
  agentId: "main",
  kind: "answer",
  model: "test/x",
  inputTokens: 3,
  cachedTokens: 0,
  outputTokens: 2,
  ms: 1,
  audioSec: 0,
  at: NOW,
};

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

  async function turn(claim: Claim, callsTool: boolean): Promise<void> {
    if (callsTool) await useTool(claim);
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

  /** The steps of a turn that calls a tool, with the use of a model. */
  async function useTool(claim: Claim): Promise<void> {
    const call = { id: "call_1", name: "tide", arguments: "{}" };
    const answer: TurnStep = { kind: "answer", text: "", calls: [call], at: NOW };
    await store.turns.addSteps(claim, [answer], false, [CHARGE]);
    const result: TurnStep = {
      kind: "result",
      callId: call.id,
      end: "done",
      text: "high",
      at: NOW,
    };
    await store.turns.addSteps(claim, [result], false, [CHARGE]);
    store.usage.add([{ ...CHARGE, kind: "summary" }]);
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
      case "turn":
      case "tool": {
        const claim = await store.inbox.claimNext(ACCOUNT, NOW, []);
        if (claim) await turn(claim, step.kind === "tool");
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
  `SELECT message_id, state, attempt, session_key, message, accepted_at, finished_at FROM inbox
   ORDER BY id`,
  "SELECT message_id, attempt, step FROM step ORDER BY id",
  "SELECT kind, requests, input, output FROM usage ORDER BY kind",
  "SELECT id, nonce, state, first_attempt_at, failing_since, message_id, message, refusal FROM outbox",
  "SELECT session_key, role, text, message_id FROM entry ORDER BY id",
  "SELECT * FROM checkpoint ORDER BY id",
  "SELECT channel_id, message_id, text FROM message",
  "SELECT account_id, seq, stored_up_to FROM gateway_session",
];

describe("the journal", () => {
  it("[D1] leads to the same tables as work without a journal", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(step("again", "turn", "tool", "send", "echo", "refuse"), { maxLength: 30 }),
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
        fc.array(step("again", "turn", "tool", "send", "echo", "refuse", "crash", "turn"), {
          maxLength: 30,
        }),
        async (steps) => {
          const { all, answered, database, refused, folds } = await play([...steps, {
            kind: "crash",
          }]);
          const said = steps.filter((step) => step.kind === "say" && step.isAccepted).length;
          const rows = all("SELECT message_id, state FROM inbox");
          assert.equal(rows.length, said);
          const done = rows.filter(({ state }) => state === "answered");
          assert.deepEqual(
            done.map(({ message_id }) => message_id).toSorted(),
            answered.toSorted(),
          );
          assert.equal(all("SELECT * FROM entry").length, 2 * answered.length);
          const tools = all("SELECT DISTINCT message_id FROM step").length;
          assert.equal(all("SELECT * FROM step").length, 2 * tools);
          assert.deepEqual(
            all("SELECT nonce FROM outbox").map(({ nonce }) => nonce).toSorted(),
            answered.flatMap((id) => [`${id}/0`, `${id}/1`]).toSorted(),
          );
          assert.deepEqual(journalOf(database), []);
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

  it("[G14] [R12] stores a turn with a file in one commit, and no copy once it is sent", async () => {
    for (const isKilled of [false, true]) {
      const passed: string[] = [];
      const database = openDatabase();
      let store = createStore(database, ":memory:", {
        elapsed: () => 0,
        crash: { before: (name) => void passed.push(name), after: () => {} },
      });
      const message = guildMessage();
      await store.inbox.claimNext(ACCOUNT, NOW, []);
      await store.inbox.acceptBatch(batch({ judged: [accepted(message)] }), NOW);
      const claim = (await store.inbox.claimNext(ACCOUNT, NOW, []))!;
      const files = [{ name: "tide.txt", bytes: new TextEncoder().encode("high") }];
      const outbox = [frozen({ nonce: "n", channelId: message.channelId }, { files })];
      await store.turns.finishTurn({ claim, end: { kind: "answered" }, entries: [], outbox }, NOW);
      assert.deepEqual(passed.slice(-2), ["T3", "T4"]);
      assert.deepEqual(journalOf(database).at(-1), "turn");
      if (isKilled) store = createStore(database, ":memory:", { elapsed: () => 0 });
      const [row] = await store.outbox.heads(ACCOUNT, [message.channelId]);
      assert.deepEqual((await store.outbox.filesOf(row!)).map(({ name }) => name), ["tide.txt"]);
      await store.outbox.markSending(row!, NOW);
      await store.outbox.markSent(row!, messageId("9"));
      store.catchUp();
      assert.equal(database.prepare("SELECT COUNT(*) AS n FROM outbox_file").get()?.["n"], 0);
    }
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

  it("[X2] keeps and reports a record of an unknown kind, and continues", async () => {
    const database = openDatabase();
    database.exec("INSERT INTO journal (id, number, kind, record) VALUES (1, 1, 'odd', '{}')");
    const refused: unknown[] = [];
    const onRefused = (...what: unknown[]) => void refused.push(what[0]);
    const store = createStore(database, ":memory:", { elapsed: () => 0, onRefused });
    await store.inbox.acceptBatch(batch({ judged: [accepted()] }), NOW);
    store.catchUp();
    assert.deepEqual(refused, ["odd"]);
    const rows = database.prepare("SELECT kind, record FROM journal_refused").all();
    assert.deepEqual(rows.map((row) => ({ ...row })), [{ kind: "odd", record: "{}" }]);
    createStore(database, ":memory:", { elapsed: () => 0, onRefused });
    assert.deepEqual(refused, ["odd"], "not tried again");
  });
});

describe("prepareJournal()", () => {
  const row = (record: number) => ({ kind: "note", record: String(record) });

  it("[D1] has the records that the tables lack, in order, for any life of a ring", () => {
    fc.assert(fc.property(
      fc.array(fc.record({ appends: fc.nat({ max: JOURNAL_PLACES }), restarts: fc.boolean() }), {
        maxLength: 8,
      }),
      (lives) => {
        const database = openDatabase();
        let journal = prepareJournal(database);
        let said = 0;
        for (const { appends, restarts } of lives) {
          const appended = Array.from({ length: appends }, () => ++said);
          let oldest: number | undefined;
          for (const record of appended) {
            const number = journal.append(row(record), oldest);
            oldest ??= number;
          }
          if (restarts) journal = prepareJournal(database);
          const tail = journal.tail();
          assert.deepEqual(tail.map(({ record }) => Number(record)), appended);
          const last = tail.at(-1);
          if (last) journal.done(last.number);
          assert.deepEqual(journal.tail(), []);
        }
        const places = database.prepare("SELECT COUNT(*) AS n FROM journal").get()?.["n"];
        assert.equal(places, Math.min(said, JOURNAL_PLACES));
      },
    ));
  });

  it("[D1] takes no place of a record that the tables lack", () => {
    const database = openDatabase();
    const journal = prepareJournal(database);
    const first = journal.append(row(1), undefined);
    for (let n = 2; n <= JOURNAL_PLACES; n++) journal.append(row(n), first);
    assert.throws(() => journal.append(row(JOURNAL_PLACES + 1), first), RangeError);
    assert.equal(journal.tail().length, JOURNAL_PLACES);
  });

  it("[X6] deletes records that the tables have, each hour, and no others", () => {
    const database = openDatabase();
    const journal = prepareJournal(database);
    const cut = prepareCutJournal(database);
    const numbers = [1, 2, 3].map((n) => journal.append(row(n), 1));
    journal.done(numbers[1]!);
    cut(NOW);
    cut(NOW + 3_599_999);
    assert.equal(database.prepare("SELECT * FROM journal").all().length, 3);
    cut(NOW + 3_600_000);
    const left = database.prepare("SELECT record FROM journal").all();
    assert.deepEqual(left.map(({ record }) => record), ["3"]);
    assert.equal(journal.append(row(4), numbers[2]), 4, "numbers still rise");
  });
});

describe("openStoreReader()", () => {
  it("[X2] shows the records of a bot that hangs, and blocks none of its writes", async () => {
    using folder = tempDirectory();
    const path = join(folder.path, "barnacle.db");
    const bot = openStore(path, { now: NOW, elapsed: () => 0, schedule: () => () => {} });
    const say = (digits: string) => {
      const message = guildMessage({ id: messageId(digits) });
      return bot.inbox.acceptBatch(batch({ judged: [accepted(message)] }), NOW);
    };
    await say("1");
    const reader = openStoreReader(path, { elapsed: () => 0, hangs: true });
    const waiting = async () => (await reader.health()).inbox.waiting;
    assert.equal(await waiting(), 1);
    assert.equal(await waiting(), 1, "the first read left nothing");
    await say("2"); // the bot continues
    bot.catchUp();
    await say("3");
    assert.equal(await waiting(), 3);
    reader.close();
    assert.equal((await bot.health()).inbox.waiting, 3, "the reader has stored nothing");
    bot.close();
  });
});
