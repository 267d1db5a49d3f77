import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { parseSnowflake } from "../../src/core/ids.ts";
import type { Self } from "../../src/core/inbound.ts";
import { ACCOUNT, guildMessage, messageId, userId } from "../support/builders.ts";
import { batch, ignored, openTestStore } from "../support/store.ts";

const NOW = Date.UTC(2020, 0, 1); // before the messages below
const SELF: Self = {
  userId: userId("1400000000000000091"),
  applicationId: parseSnowflake<"application">("1400000000000000092")!,
  username: "barnacle",
};
const session = (sessionId: string, seq = 1) => ({ sessionId, resumeUrl: "wss://resume", seq });
const early = guildMessage({ id: messageId("1400000000000000101") });
const late = guildMessage({ id: messageId("1410000000000000101") });

describe("startGatewaySession()", () => {
  it("[G5] stores the session and who we are in it", async () => {
    const { store } = openTestStore();
    await store.startGatewaySession(ACCOUNT, session("a", 3), SELF, NOW);
    assert.deepEqual(await store.loadAccount(ACCOUNT), {
      self: SELF,
      session: { ...session("a", 3), startedAt: NOW, aliveAt: NOW },
    });
  });

  it("[G6] misses nothing by the first session of all, even after a while of waiting", async () => {
    const { store } = openTestStore();
    await store.touchAlive(ACCOUNT, NOW - 60_000);
    await store.startGatewaySession(ACCOUNT, session("a"), SELF, NOW);
    assert.equal((await store.loadAccount(ACCOUNT)).catchUpFrom, undefined);
    await store.startGatewaySession(ACCOUNT, session("b"), SELF, NOW + 1);
    assert.notEqual((await store.loadAccount(ACCOUNT)).catchUpFrom, undefined);
  });

  it("[G6] says from where to catch up: from the newest message that is stored", async () => {
    const { store } = openTestStore();
    await store.startGatewaySession(ACCOUNT, session("a"), SELF, NOW);
    await store.acceptBatch(batch({ seq: 2, judged: [ignored(early)] }), NOW);
    assert.equal((await store.loadAccount(ACCOUNT)).catchUpFrom, undefined);
    await store.startGatewaySession(ACCOUNT, session("b"), SELF, NOW);
    assert.equal((await store.loadAccount(ACCOUNT)).catchUpFrom, early.sentAt);
  });

  it("[G6] moves the start of an open gap neither by messages nor by a second session", async () => {
    const { store } = openTestStore();
    await store.startGatewaySession(ACCOUNT, session("a"), SELF, NOW);
    await store.startGatewaySession(ACCOUNT, session("b"), SELF, NOW);
    await store.acceptBatch(batch({ seq: 2, judged: [ignored(late)] }), NOW);
    await store.startGatewaySession(ACCOUNT, session("c"), SELF, NOW + 1);
    assert.equal((await store.loadAccount(ACCOUNT)).catchUpFrom, NOW);
  });

  it("[G6] says when the newest loss was discovered, wherever its gap begins", async () => {
    const { store } = openTestStore();
    await store.startGatewaySession(ACCOUNT, session("a"), SELF, NOW);
    await store.acceptBatch(batch({ seq: 2, judged: [ignored(early)] }), NOW);
    assert.equal((await store.loadAccount(ACCOUNT)).lostAt, undefined, "the first loses nothing");
    await store.startGatewaySession(ACCOUNT, session("b"), SELF, NOW + 10);
    assert.equal((await store.loadAccount(ACCOUNT)).lostAt, NOW + 10);
    await store.acceptBatch(batch({ seq: 3, judged: [ignored(late)] }), NOW + 20);
    await store.touchAlive(ACCOUNT, NOW + 30);
    assert.equal((await store.loadAccount(ACCOUNT)).lostAt, NOW + 10, "nothing was lost since");
    await store.startGatewaySession(ACCOUNT, session("c"), SELF, NOW + 40);
    const { catchUpFrom, lostAt } = await store.loadAccount(ACCOUNT);
    assert.deepEqual({ catchUpFrom, lostAt }, { catchUpFrom: early.sentAt, lostAt: NOW + 40 });
  });

  it("[G5] begins to count anew, below where the lost session was", async () => {
    const { store } = openTestStore();
    await store.startGatewaySession(ACCOUNT, session("a"), SELF, NOW);
    await store.acceptBatch(batch({ seq: 900 }), NOW);
    await store.startGatewaySession(ACCOUNT, session("b", 1), SELF, NOW);
    await store.acceptBatch(batch({ seq: 2 }), NOW);
    const { session: stored } = await store.loadAccount(ACCOUNT);
    assert.equal(stored?.sessionId, "b");
    assert.equal(stored?.seq, 2);
  });
});

describe("touchAlive()", () => {
  it("[G5] notes that the gateway is heard, and for how long it took", async () => {
    const ticks = [100, 107];
    const { store } = openTestStore({ elapsed: () => ticks.shift()! });
    await store.startGatewaySession(ACCOUNT, session("a"), SELF, NOW);
    assert.equal(await store.touchAlive(ACCOUNT, NOW + 50), 7);
    assert.equal((await store.loadAccount(ACCOUNT)).session?.aliveAt, NOW + 50);
  });

  it("[X2] writes even where there is no session, and rejects where it cannot", async () => {
    const { database, store, rows } = openTestStore();
    await store.touchAlive(ACCOUNT, NOW);
    assert.equal(rows("SELECT * FROM gateway_session").length, 1);
    assert.deepEqual(await store.loadAccount(ACCOUNT), {});
    database.exec("PRAGMA query_only = ON");
    await assert.rejects(store.touchAlive(ACCOUNT, NOW + 1), {
      name: "StoreError",
      kind: "unavailable",
    });
  });
});
