import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { describe, it } from "node:test";
import fc from "fast-check";
import type { FinishedTurn } from "../../../src/core/inbound/inbox.ts";
import { type Part, partedText } from "../../../src/core/inbound/inbound.ts";
import type { Entry } from "../../../src/core/inbound/inbound.ts";
import type { Step } from "../../../src/core/step.ts";
import { createScrubber } from "../../../src/store/schema/person.ts";
import { TABLES } from "../../../src/store/schema/tables.ts";
import {
  ACCOUNT,
  channelId,
  directMessage,
  guildMessage,
  messageId,
  outboundMessage,
  sender,
  userId,
} from "../../support/discord/builders.ts";
import {
  accepted,
  batch,
  frozen,
  ignored,
  openTestStore,
  part,
  ROUTE,
} from "../../support/store/store.ts";
import { createStore, openDatabase, openStore } from "../../support/store/open_database.ts";
import { cases } from "../../support/long_form.ts";
import { tempDirectory } from "../../support/temp_directory.ts";
import type { Store } from "../../../src/store/store.ts";

const NOW = Date.UTC(2026, 0, 1);
const ADA = userId("712345678901234567");
const NAME = "ada_lovelace";
const ada = () => ({ ...sender(), id: ADA, username: NAME, tag: `${NAME}#1815` });

it("[X5] TABLES › has each table of the schema, apart from the words of FTS5, and no other", () => {
  const tables = openDatabase().prepare(
    "SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'table'",
  ).all().map(({ name }) => String(name)).filter((name) => !name.startsWith("sqlite_"));
  assert.deepEqual(TABLES.map(({ name }) => name).toSorted(), tables.toSorted());
});

const scrub = createScrubber({
  userId: ADA,
  names: new Set([NAME, "Al"]),
  messages: new Set(["555555555555555555"]),
});

it("[X5] createScrubber() › removes ids, mentions and names from texts", () => {
  assert.equal(
    scrub.text(`<@${ADA}> and Ada_Lovelace, @al, but not Alan or al (555555555555555555)`),
    "<@[removed]> and [removed], [removed], but not Alan or al ([removed])",
  );
  const named = JSON.stringify({ a: "@b (3)", b: `ask @Zebra Finch (${ADA}) "now"` });
  assert.equal(scrub.json(named), named.replace("Zebra Finch", "[removed]").replace(ADA, "1"));
});

/** Plays a conversation in a channel and one in direct messages, with ada and grace. */
async function fill(store: Store): Promise<void> {
  const turn = async (
    message: ReturnType<typeof guildMessage>,
    entries: readonly (readonly [Entry["role"], string | readonly Part[]])[],
    route = ROUTE,
  ) => {
    await store.inbox.acceptBatch(batch({ judged: [accepted(message, route)] }), NOW);
    const claim = await store.inbox.claimNext(ACCOUNT, NOW, []);
    assert.ok(claim);
    const stamp = { messageId: message.id, at: NOW };
    const words = message.sender.id === ADA ? "canary argument" : "argument of grace";
    const thought = message.sender.id === ADA ? "canary thought" : `canary thought of ${NAME}`;
    const call = { id: "1", name: "read", arguments: JSON.stringify({ words }) };
    const all = entries.map(([role, said]): Entry => {
      if (typeof said !== "string") {
        return { role: "user", ...partedText(said, "abc12345"), ...stamp };
      }
      return role === "tool"
        ? { role, text: said, call, ...stamp }
        : { role, text: said, ...stamp, ...(role === "assistant" && { carried: thought }) };
    });
    if (entries.some(([role]) => role === "tool")) {
      all.splice(1, 0, { role: "assistant", text: "", calls: [call], ...stamp });
    }
    const reply = outboundMessage({
      content: message.sender.id === ADA
        ? `You said: ${message.text}`
        : `Hello, friend of <@${ADA}>.`,
      nonce: `n${message.id}`,
      channelId: message.channelId,
      of: part(message.id),
    });
    await store.turns.finishTurn({
      claim,
      end: { kind: "answered" },
      entries: all,
      outbox: [frozen(reply)],
    }, NOW);
  };
  const envelope = (id: string, name: string, text: string): readonly Part[] => [
    { text: `[from: ${name} (${id})] [message_id: 1]`, of: [id] },
    { text, fence: "message", of: [id] },
  ];
  const line = JSON.stringify({ from: NAME, from_id: ADA, text: "canary overheard" });
  await turn(
    guildMessage({ id: messageId("1390000000000000001"), sender: ada(), text: "canary one" }),
    [
      ["user", envelope(ADA, NAME, "canary one")],
      ["tool", "canary result"],
      ["assistant", `Noted, ${NAME}. You said canary one.`],
    ],
  );
  await turn(guildMessage({ id: messageId("1390000000000000002"), text: "and now?" }), [
    ["user", envelope("3", "grace", `and now, @${NAME}?`)],
    ["tool", `<result boundary="abc12345">\n${line}\n</result>`],
    ["assistant", "The tide is low."],
  ]);
  await turn(
    directMessage({
      id: messageId("1390000000000000003"),
      sender: ada(),
      channelId: channelId("790000000000000001"),
      text: "canary dm",
    }),
    [["user", envelope(ADA, NAME, "canary dm")], ["assistant", "Yes."]],
    { agentId: "main", sessionKey: `agent:main:discord:direct:${ADA}` },
  );
  for (
    const [authorId, text] of [[ADA, "canary note"], [userId("3"), `${NAME} likes tea`]] as const
  ) {
    await store.notes.save({
      agentId: "main",
      scope: "channel",
      scopeKey: "channel:11",
      space: "guild:10",
      channelId: channelId("11"),
      authorId,
      text,
      sources: [],
      callKey: `call ${text.length}`,
      isOwnWords: true,
    }, NOW);
  }
  const quoted = {
    id: messageId("1390000000000000001"),
    author: { id: ADA, tag: NAME },
    text: "canary quote",
  };
  const waiting = guildMessage({ id: messageId("1390000000000000005"), text: "and then?", quoted });
  await store.inbox.acceptBatch(batch({ judged: [accepted(waiting)] }), NOW);
  const overheard = guildMessage({
    id: messageId("1390000000000000004"),
    sender: ada(),
    text: "canary overheard",
  });
  await store.inbox.acceptBatch(batch({ judged: [ignored(overheard)] }), NOW);
  const card = outboundMessage({
    content: `A draft waits for you:\ncanary card\nWho asks: <@${ADA}>`,
    card: { blocks: ["canary card", `Who asks: <@${ADA}>`], isOpen: true },
    nonce: "card",
    channelId: channelId("790000000000000009"),
  });
  const minutes = (content: string, saidBy: readonly (typeof ADA)[]) =>
    frozen({
      ...card,
      card: undefined,
      content,
      saidBy,
      isUnkept: true,
      of: undefined,
      nonce: content,
    });
  await store.outbox.addAll([
    frozen({ ...card, of: undefined }),
    minutes("canary minutes", [userId("1"), ADA]),
    minutes("minutes of others", [userId("1")]),
  ], NOW);
  const { entries } = await store.sessions.openEntries(ROUTE.sessionKey, 10);
  const last = entries[3];
  assert.ok(last);
  await store.sessions.fold({
    agentId: "main",
    sessionKey: ROUTE.sessionKey,
    cause: "full",
    count: 4,
    last: { messageId: last.messageId, role: last.role },
    summary: { boundary: "abc12345", text: `${NAME} said canary one` },
    modelId: "test/x",
  }, NOW);
}

const TURN = ["user", "assistant", "tool", "assistant"] as const;

describe("[X5] forget()", () => {
  it("leaves no id, name or word of the person in the file and the log", async () => {
    using directory = tempDirectory();
    const path = join(directory.path, "barnacle.db");
    const store = openStore(path, { now: NOW, elapsed: () => 0 });
    try {
      await fill(store);
      const database = new DatabaseSync(path);
      database.exec(`
        UPDATE outbox SET state = 'sent',
          message = json_set(message, '$.content', 'Hello. You said: canary one')
        WHERE id = 1`);
      database.close();
      const grep = (pattern: RegExp) =>
        [path, `${path}-wal`].filter((file) => pattern.test(readFileSync(file, "latin1")));
      assert.notDeepEqual(grep(/canary/), []);
      const forgotten = await store.forgetting.forget(ADA, true);
      assert.ok(typeof forgotten === "object");
      const traces = [/canary/i, /lovelace/i, new RegExp(ADA), /790000000000000001/];
      for (const trace of traces) assert.deepEqual(grep(trace), [], `at once: ${trace}`);
      await store.forgetting.vacuum();
      for (const trace of traces) assert.deepEqual(grep(trace), [], String(trace));
      for (const read of [/The tide is low/, /argument of grace/]) {
        assert.deepEqual(grep(read), [], "words of a model that has read hers go");
      }
      const texts = (await store.notes.all()).map(({ text }) => text);
      assert.deepEqual(texts, ["[removed] likes tea"]);
      for (const kept of [/and now, \[removed\]\?/, /minutes of others/]) {
        assert.notDeepEqual(grep(kept), [], "other people's words stay");
      }
      assert.deepEqual(
        (await store.turns.entriesOf(ROUTE.sessionKey, 10)).map(({ role }) => role),
        [...TURN, ...TURN], // no summary has words of hers
      );
      assert.equal((await store.turns.entriesOf(`agent:main:discord:direct:${ADA}`, 10)).length, 0);
    } finally {
      store.close();
    }
  });

  for (const when of ["before it stores anything", "while it stores"]) {
    it(`makes a turn of another person begin anew, which stores nothing: ${when}`, async () => {
      using directory = tempDirectory();
      const path = join(directory.path, "barnacle.db");
      const store = openStore(path, { now: NOW, elapsed: () => 0 });
      try {
        await fill(store);
        const id = messageId("1390000000000000009");
        const message = guildMessage({ id, text: "what did she say?" });
        await store.inbox.acceptBatch(batch({ judged: [accepted(message)] }), NOW);
        const claim = await store.inbox.claimNext(ACCOUNT, NOW, []);
        assert.ok(claim);
        const text = `${NAME} said canary overheard`;
        const step = { kind: "result", callId: "1", text, at: NOW } as unknown as Step;
        const forgetting = store.forgetting.forget(ADA, true);
        if (when === "before it stores anything") await forgetting;
        await assert.rejects(store.turns.addSteps(claim, [step], false), /has ended/);
        const end = { kind: "answered" } as const;
        const said = { role: "assistant", text, messageId: id, at: NOW } as const;
        const outbox = [frozen(outboundMessage({ content: text, nonce: "n9", of: part(id) }))];
        const turn: FinishedTurn = { claim, end, entries: [said], outbox };
        assert.equal(await store.turns.finishTurn(turn, NOW), false);
        const files = [path, `${path}-wal`].map((file) => readFileSync(file, "latin1")).join();
        assert.doesNotMatch(files, new RegExp(`canary|lovelace|${ADA}`, "i"));
      } finally {
        store.close();
      }
    });
  }

  it("knows after a restart that the file is still to be written anew", async () => {
    using directory = tempDirectory();
    const open = () =>
      openStore(join(directory.path, "barnacle.db"), { now: NOW, elapsed: () => 0 });
    let store = open();
    assert.equal(await store.forgetting.isVacuumDue(), false);
    await store.forgetting.forget(ADA, true);
    store.close();
    store = open();
    assert.equal(await store.forgetting.isVacuumDue(), true);
    await store.forgetting.vacuum();
    assert.equal(await store.forgetting.isVacuumDue(), false);
    store.close();
  });

  it("[X4] keeps the sums of budgets, without the person", async () => {
    const places = ["11", "790000000000000001"]; // a channel, and the person's direct messages
    const charges = fc.array(
      fc.record({
        userId: fc.constantFrom(ADA, "3", ""),
        channelId: fc.constantFrom(...places),
        guildId: fc.constantFrom("10", undefined),
        agentId: fc.constantFrom("main", "other"),
        kind: fc.constantFrom("answer", "summary"),
        model: fc.constantFrom("a/x", "b/y"),
        inputTokens: fc.nat(1_000),
        cachedTokens: fc.nat(100),
        outputTokens: fc.nat(1_000),
        micros: fc.option(fc.nat(10_000), { nil: undefined }),
        ms: fc.nat(9),
        audioSec: fc.constant(2),
        at: fc.constantFrom(NOW, NOW - 24 * 60 * 60_000),
      }),
      { maxLength: 12 },
    );
    const fields = ["day", "guild", "agent", "model", "kind"] as const;
    await fc.assert(
      fc.asyncProperty(charges, async (all) => {
        const { store } = openTestStore();
        const by = { userId: "", channelId: "11", guildId: "10", agentId: "main" };
        const sums = async () => ({
          spent: { ...await store.usage.spentBy(by, NOW), user: undefined },
          by: await Promise.all(fields.map((field) => store.usage.sumBy(field, 0))),
        });
        await fill(store);
        store.usage.add(all);
        const before = await sums();
        await store.forgetting.forget(ADA, false);
        assert.deepEqual(await sums(), before);
        assert.equal((await store.usage.sum(0, ADA)).requests, 0);
        const channels = (await store.usage.sumBy("channel", 0)).map(({ value }) => value);
        assert.ok(!channels.includes("790000000000000001"), "the direct channel names the person");
      }),
      { numRuns: cases(15, 200) },
    );
  });

  it("also says that the person is forgotten if the log cannot be emptied", async () => {
    const database = openDatabase();
    const { prepare } = database;
    database.prepare = (sql) => {
      if (sql.includes("wal_checkpoint")) throw new Error("database or disk is full");
      return prepare.call(database, sql);
    };
    const store = createStore(database, ":memory:", { elapsed: () => 0 });
    await fill(store);
    assert.ok(typeof await store.forgetting.forget(ADA, true) === "object");
    assert.equal(await store.forgetting.isVacuumDue(), true);
    store.close();
  });

  it("also forgets the settings of the person's conversations in memory, and no other's", async () => {
    const { store: { settings, ...store } } = openTestStore();
    const message = directMessage({ sender: ada(), text: "canary" });
    await store.inbox.acceptBatch(batch({ judged: [accepted(message)] }), NOW);
    const [session, other] = [`agent:main:discord:direct:${ADA}`, "1456074443980899999"];
    await settings.change(ACCOUNT, session, "model", "test/x", NOW);
    for (const channel of [message.channelId, other]) {
      await settings.change(ACCOUNT, channel, "queue", "collect", NOW);
    }
    await store.forgetting.forget(ADA, false);
    assert.equal(await settings.settingOf(ACCOUNT, session, "model"), undefined);
    assert.equal(await settings.settingOf(ACCOUNT, message.channelId, "queue"), undefined);
    assert.equal(await settings.settingOf(ACCOUNT, other, "queue"), "collect");
  });

  it("[G6] answers no message again that catch-up finds after a restart", async () => {
    const database = openDatabase();
    const open = () => createStore(database, ":memory:", { elapsed: () => 0 });
    let store = open();
    const day = 24n * 60n * 60_000n << 22n;
    const newest = 1390000000000000001n;
    const [old, recent] = [newest - 2n * day, newest].map((id) =>
      accepted(guildMessage({ id: messageId(String(id)), sender: ada() }))
    );
    assert.ok(old && recent);
    const judged = [old, recent];
    await store.inbox.acceptBatch(batch({ judged }), NOW);
    await store.forgetting.forget(ADA, false);
    store = open();
    const { accepted: again } = await store.inbox.acceptBatch(
      batch({ judged: [recent], heard: undefined }),
      NOW,
    );
    assert.deepEqual(again, []);
    const kept = database.prepare("SELECT * FROM decision").all().map(Object.values);
    assert.deepEqual(kept, [
      [2, String(newest), ACCOUNT, "1", "1", "forgotten", "", "", null, null, NOW],
    ]);
    assert.deepEqual(await store.messages.newestVerdicts(9), []);
    assert.deepEqual(await store.messages.verdictsAfter(0, 9), []);
    assert.equal(await store.messages.messageRecordOf({ messageId: recent.message.id }), undefined);
    assert.deepEqual(database.prepare("SELECT * FROM inbox").all(), []);
  });

  it("waits for open turns beside a running bot, and not without one", async () => {
    using directory = tempDirectory();
    const store = openStore(join(directory.path, "barnacle.db"), { now: NOW, elapsed: () => 0 });
    try {
      const message = guildMessage({ sender: ada(), text: "canary" });
      await store.inbox.acceptBatch(batch({ judged: [accepted(message)] }), NOW);
      assert.equal(await store.forgetting.forget(ADA, true), "open turns");
      assert.notEqual(await store.forgetting.forget(ADA, false), "open turns");
      assert.notEqual(await store.forgetting.forget(ADA, true), "open turns");
    } finally {
      store.close();
    }
  });
});
