import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { describe, it } from "node:test";
import { openDatabase } from "../../../src/store/database/database.ts";
import { schemaOf } from "../../../src/store/database/migrations.ts";
import { SCHEMA_1 } from "../../../src/store/schema/schema_1.ts";
import { SCHEMA_2 } from "../../../src/store/schema/schema_2.ts";
import { SCHEMA_3 } from "../../../src/store/schema/schema_3.ts";
import { openStore } from "../../../src/store/store.ts";
import {
  ACCOUNT,
  guildMessage,
  messageId,
  outboundMessage,
} from "../../support/discord/builders.ts";
import { accepted, batch, part } from "../../support/store/store.ts";
import { tempDirectory } from "../../support/temp_directory.ts";

const NOW = Date.UTC(2026, 10, 20, 8, 30);
const ANSWERED = guildMessage({ id: messageId("11") });
const WAITING = guildMessage({ id: messageId("12") });

/** A file as the Barnacle before wrote it: verdicts without facts, turns, and an answer with a draft. */
function writeSchema3(path: string): void {
  const database = openDatabase(path, { now: NOW, migrations: [SCHEMA_1, SCHEMA_2, SCHEMA_3] });
  const decide = database.prepare(
    `INSERT INTO decision (account_id, message_id, channel_id, author_id, verdict, why, rule, at)
     VALUES ('default', ?, '9', '8', ?, ?, 'a.rule', ?)`,
  );
  const ask = database.prepare(
    `INSERT INTO inbox (message_id, account_id, channel_id, agent_id, session_key, message, state,
                        accepted_at, failure_id)
     VALUES (?, 'default', '9', 'main', 's', ?, ?, 5, ?)`,
  );
  const send = database.prepare(
    `INSERT INTO outbox (account_id, channel_id, nonce, state, kind, cause_id, created_at, message)
     VALUES ('default', '9', ?, ?, ?, '11', 6, ?)`,
  );
  decide.run("11", "accept", "mentioned", 5);
  decide.run("12", "accept", "mentioned", 5);
  decide.run("13", "ignore", "no-mention", 6);
  ask.run("11", JSON.stringify(ANSWERED), "answered", "F-1");
  ask.run("12", JSON.stringify(WAITING), "waiting", null);
  for (
    const [nonce, kind, state] of [["d", "draft", "withdrawn"], ["r", "reply", "pending"]] as const
  ) {
    const message = outboundMessage({ nonce, of: part("11", { kind }) });
    send.run(nonce, state, kind, JSON.stringify(message));
  }
  database.close();
}

describe("SCHEMA_4", () => {
  it("[X7] keeps what a database of schema 3 has, and finds it by what is new", async () => {
    using directory = tempDirectory();
    const path = join(directory.path, "barnacle.db");
    writeSchema3(path);
    const store = openStore(path, { now: NOW, elapsed: () => 0 });
    const verdicts = await store.verdictsAfter(0, 9);
    assert.deepEqual(verdicts.map(({ messageId, why }) => [messageId, why]), [
      ["11", "mentioned"],
      ["12", "mentioned"],
      ["13", "no-mention"],
    ]);
    const dossier = await store.dossierOf({ failureId: "F-1" });
    assert.deepEqual(dossier?.decisions, [verdicts[0]]);
    assert.deepEqual(dossier?.outbox.map(({ kind, state }) => [kind, state]), [
      ["draft", "withdrawn"],
      ["reply", "pending"],
    ]);
    const replayed = await store.acceptBatch(batch({ judged: [accepted(WAITING)] }), NOW);
    assert.deepEqual(replayed.accepted, [], "it is on record");
    assert.deepEqual((await store.claimNext(ACCOUNT, NOW, []))?.message, WAITING);
    const gone = { kind: "ignore", why: "pk-original", rule: "r", keepAsContext: false } as const;
    assert.equal(await store.retract(ACCOUNT, WAITING.id, gone), false);
    store.close();
  });

  it("[X7] takes back a message whose facts were never kept", async () => {
    using directory = tempDirectory();
    const path = join(directory.path, "barnacle.db");
    writeSchema3(path);
    const store = openStore(path, { now: NOW, elapsed: () => 0 });
    const gone = { kind: "ignore", why: "pk-original", rule: "r", keepAsContext: false } as const;
    assert.equal(await store.retract(ACCOUNT, WAITING.id, gone), true);
    assert.equal((await store.verdictsAfter(3, 9))[0]?.why, "pk-original");
    store.close();
  });

  it("[X7] leaves a copy of schema 3 beside it, as it was", () => {
    using directory = tempDirectory();
    const path = join(directory.path, "barnacle.db");
    writeSchema3(path);
    openDatabase(path, { now: NOW }).close();
    const name = readdirSync(directory.path).find((one) => one.endsWith(".bak"));
    assert.equal(name, "barnacle.db.schema3-20261120T083000000Z.bak");
    const copy = new DatabaseSync(join(directory.path, name), { readOnly: true });
    assert.equal(schemaOf(copy), 3);
    assert.equal(copy.prepare("SELECT COUNT(*) AS n FROM decision").get()?.["n"], 3);
    copy.close();
  });
});
