import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Claim } from "../../src/core/inbound/inbox.ts";
import type { CrashHooks } from "../../src/store/database/durability.ts";
import {
  ACCOUNT,
  channelId,
  guildMessage,
  messageId,
  outboundMessage,
} from "../support/discord/builders.ts";
import { createStore, openDatabase } from "../support/store/open_database.ts";
import { accepted, batch, frozen, heard } from "../support/store/store.ts";

const NOW = Date.UTC(2026, 0, 1);
const CHANNEL = channelId("11");
const FIRST = 1_400_000_000_000_002_000n;

/** A store on its common path: it knows that no message waits. */
async function open(crash?: CrashHooks) {
  const database = openDatabase();
  const store = createStore(database, ":memory:", { elapsed: () => 0, ...(crash && { crash }) });
  await store.inbox.claimNext(ACCOUNT, NOW, []);
  await store.outbox.heads(ACCOUNT, [CHANNEL]);
  let said = 0;
  const route = { agentId: "main", sessionKey: "session" };
  return {
    store,
    database,
    rows: () => {
      store.catchUp();
      return database.prepare("SELECT nonce, state FROM outbox ORDER BY nonce").all()
        .map(({ nonce, state }) => `${nonce} ${state}`);
    },
    say: (text = "hello", channel = CHANNEL) => {
      const id = messageId(String(FIRST + BigInt(++said)));
      const judged = [accepted(guildMessage({ id, channelId: channel, text }), route)];
      return store.inbox.acceptBatch(batch({ judged, heard: heard(said) }), NOW);
    },
    turn: (claim: Claim, nonce: string) =>
      store.turns.finishTurn({
        claim,
        end: { kind: "answered" },
        entries: [],
        outbox: [frozen({ nonce, channelId: claim.message.channelId })],
      }, NOW),
    /** As `barnacle send` does. */
    addElsewhere: (id: number) => {
      const message = outboundMessage({ nonce: "theirs", channelId: channelId("99") });
      database.prepare(
        `INSERT INTO outbox (id, account_id, channel_id, nonce, created_at, message)
         VALUES (?, ?, '99', 'theirs', 0, ?)`,
      ).run(id, ACCOUNT, JSON.stringify(message));
    },
  };
}

describe("the memory of the store", () => {
  it("[D1] finds a row that is stored after its channel was found empty again", async () => {
    const { store, say, turn, rows } = await open();
    await say();
    const stored = turn((await store.inbox.claimNext(ACCOUNT, NOW, []))!, "ours");
    await store.outbox.heads(ACCOUNT); // as at a start
    await store.outbox.heads(ACCOUNT, [CHANNEL]);
    await stored;
    assert.equal((await store.outbox.heads(ACCOUNT, [CHANNEL])).length, 1);
    assert.deepEqual(rows(), ["ours sending"]);
  });

  it("[D2] stores messages that were sent together as one record", async () => {
    const { store, database, say, turn, rows } = await open();
    const channels = [CHANNEL, channelId("12"), channelId("13")];
    const heads = [];
    for (const channel of channels) {
      await say("hello", channel);
      await turn((await store.inbox.claimNext(ACCOUNT, NOW, []))!, `in ${channel}`);
      heads.push((await store.outbox.heads(ACCOUNT, [channel]))[0]!);
    }
    for (const row of heads) assert.equal(await store.outbox.markSending(row, NOW), true);
    for (const row of heads) assert.equal(await store.outbox.markSent(row, messageId("9")), true);
    await say();
    const sent = database.prepare("SELECT record FROM journal WHERE kind = 'sent'").all();
    assert.equal(sent.length, 1);
    assert.deepEqual(rows(), channels.map((channel) => `in ${channel} sent`));
  });

  it("[D2] knows the record of one sent message, as earlier versions stored it", async () => {
    const { store, database, say, turn, rows } = await open();
    await say();
    await turn((await store.inbox.claimNext(ACCOUNT, NOW, []))!, "ours");
    const record = { id: 1, accountId: ACCOUNT, nonce: "ours", channelId: CHANNEL, fileCount: 0 };
    database.prepare(
      `INSERT INTO journal (id, number, kind, record)
       SELECT MAX(id) + 1, MAX(number) + 1, 'sent', ? FROM journal`,
    ).run(JSON.stringify({ ...record, messageId: "9" }));
    createStore(database, ":memory:", { elapsed: () => 0 }); // after a kill
    assert.deepEqual(rows(), ["ours sent"]);
  });

  it("[S5] claims a released message again, even if memory was forgotten meanwhile", async () => {
    const { store, say } = await open();
    await say();
    const claim = (await store.inbox.claimNext(ACCOUNT, NOW, []))!;
    const broken = { ...accepted(guildMessage()), route: undefined };
    // Undoes a transaction, so that the queue is filled from the tables.
    await assert.rejects(store.inbox.acceptBatch(batch({ judged: [broken as never] }), NOW));
    const released = store.inbox.release(claim);
    await store.inbox.claimNext(ACCOUNT, NOW, []); // of another session, before the disk has it
    await released;
    assert.equal((await store.inbox.claimNext(ACCOUNT, NOW, []))?.message.id, claim.message.id);
  });

  it("[S5] claims a message again if its text could not be read", async () => {
    let fails = false;
    const { store, say } = await open({
      before(name) {
        if (fails && name === "TJ") throw new Error("the disk is full");
      },
      after() {},
    });
    for (let part = 0; part < 3; part++) await say("x".repeat(1024 * 1024));
    store.catchUp();
    for (let part = 0; part < 2; part++) {
      const claim = (await store.inbox.claimNext(ACCOUNT, NOW, []))!;
      await store.turns.finishTurn(
        { claim, end: { kind: "declined" }, entries: [], outbox: [] },
        NOW,
      );
    }
    fails = true;
    await assert.rejects(store.inbox.claimNext(ACCOUNT, NOW, []));
    fails = false;
    assert.ok(await store.inbox.claimNext(ACCOUNT, NOW, []));
  });
});
