import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { describe, it } from "node:test";
import { toAccountId } from "../../../src/core/discord/ids.ts";
import { openDatabase } from "../../../src/store/database/database.ts";
import { schemaOf } from "../../../src/store/database/migrations.ts";
import { SCHEMA_1 } from "../../../src/store/schema/schema_1.ts";
import { openStore } from "../../../src/store/store.ts";
import { ACCOUNT, directMessage, guildMessage, messageId } from "../../support/discord/builders.ts";
import { tempDirectory } from "../../support/temp_directory.ts";

const NOW = Date.UTC(2026, 10, 20, 8, 30);
const FIRST = toAccountId("first");

/** A file as the Barnacle before wrote it: one account in a gap, one without, and questions. */
function writeSchema1(path: string): void {
  const database = openDatabase(path, { now: NOW, migrations: [SCHEMA_1] });
  database.exec(`
    INSERT INTO account VALUES ('default', '91', '92', 'barnacle', 'discord', 'wss://gateway', 5);
    INSERT INTO account (account_id, peer) VALUES ('first', 'discord');
    INSERT INTO gateway_session VALUES ('default', 's1', 'wss://resume', 41, 1000, 4000, 3000, 2000);
    INSERT INTO gateway_session (account_id, alive_at, stored_up_to) VALUES ('first', 6000, 6000);
    INSERT INTO guild VALUES ('default', '10', '{}');
  `);
  const insert = database.prepare(
    `INSERT INTO inbox (message_id, account_id, channel_id, agent_id, session_key, message, state, accepted_at)
     VALUES (?, 'default', ?, 'main', ?, ?, ?, ?)`,
  );
  const messages = [
    [directMessage({ id: messageId("11") }), "waiting", 7],
    [directMessage({ id: messageId("12") }), "answered", 9],
    [guildMessage({ id: messageId("13") }), "running", 8],
  ] as const;
  for (const [message, state, at] of messages) {
    insert.run(
      message.id,
      message.channelId,
      `of ${message.id}`,
      JSON.stringify(message),
      state,
      at,
    );
  }
  database.close();
}

describe("SCHEMA_2", () => {
  it("[X7] keeps the session, the gap and the inbox of a database of schema 1", async () => {
    using directory = tempDirectory();
    const path = join(directory.path, "barnacle.db");
    writeSchema1(path);
    const store = openStore(path, { now: NOW, elapsed: () => 0 });
    assert.deepEqual(await store.loadAccount(ACCOUNT), {
      self: { userId: "91", applicationId: "92", username: "barnacle" },
      gateway: { url: "wss://gateway", at: 5 },
      shardCount: 1,
      shards: [{
        shardId: 0,
        session: {
          sessionId: "s1",
          resumeUrl: "wss://resume",
          seq: 41,
          startedAt: 1_000,
          aliveAt: 4_000,
        },
        catchUpFrom: 2_000,
        lostAt: 1_000,
        storedUpTo: 3_000,
        aliveAt: 4_000,
      }],
    });
    assert.equal((await store.guildsOf(ACCOUNT)).length, 1);
    assert.deepEqual(await store.directChannels(ACCOUNT), [directMessage().channelId]);
    assert.deepEqual(await store.identifyBudget(ACCOUNT, NOW), { left: 1_000 });
    assert.equal(await store.voidClaims(ACCOUNT), 1);
    const claimed = [
      await store.claimNext(ACCOUNT, NOW, []),
      await store.claimNext(ACCOUNT, NOW, []),
    ];
    assert.deepEqual(claimed.map((claim) => claim?.message.id), ["11", "13"]);
    assert.equal(await store.adoptPeer(ACCOUNT, "discord"), false, "it is of the same peer");
    store.close();
  });

  for (const isResharded of [false, true]) {
    it(`[G6] opens no gap in an account that had no session yet, ${isResharded ? "with" : "without"} another number of shards`, async () => {
      using directory = tempDirectory();
      const path = join(directory.path, "barnacle.db");
      writeSchema1(path);
      const store = openStore(path, { now: NOW, elapsed: () => 0 });
      const self = (await store.loadAccount(ACCOUNT)).self!;
      if (isResharded) await store.reshard(FIRST, 2, NOW);
      const session = { sessionId: "s2", resumeUrl: "wss://resume", seq: 1 };
      await store.startGatewaySession(FIRST, 0, session, self, NOW);
      const { shards } = await store.loadAccount(FIRST);
      assert.deepEqual(shards.map(({ catchUpFrom, lostAt }) => [catchUpFrom, lostAt]), [
        [undefined, undefined],
      ]);
      store.close();
    });
  }

  it("[X7] leaves a copy of schema 1 beside it, as it was", () => {
    using directory = tempDirectory();
    const path = join(directory.path, "barnacle.db");
    writeSchema1(path);
    openDatabase(path, { now: NOW }).close();
    const name = readdirSync(directory.path).find((one) => one.endsWith(".bak"));
    assert.equal(name, "barnacle.db.schema1-20261120T083000000Z.bak");
    const copy = new DatabaseSync(join(directory.path, name), { readOnly: true });
    assert.equal(schemaOf(copy), 1);
    assert.equal(copy.prepare("SELECT seq FROM gateway_session").get()?.["seq"], 41);
    copy.close();
  });
});
