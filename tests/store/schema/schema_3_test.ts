import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { describe, it } from "node:test";
import type { OutboundMessage } from "../../../src/core/outbound/outbound.ts";
import { openDatabase } from "../../../src/store/database/database.ts";
import { schemaOf } from "../../../src/store/database/migrations.ts";
import { SCHEMA_1 } from "../../../src/store/schema/schema_1.ts";
import { SCHEMA_2 } from "../../../src/store/schema/schema_2.ts";
import { openStore } from "../../../src/store/store.ts";
import {
  ACCOUNT,
  channelId,
  directMessage,
  guildMessage,
  messageId,
  outboundMessage,
} from "../../support/discord/builders.ts";
import { part } from "../../support/store/store.ts";
import { tempDirectory } from "../../support/temp_directory.ts";

const NOW = Date.UTC(2026, 10, 20, 8, 30);
const GUILD = guildMessage({ id: messageId("11") });
const DIRECT = directMessage({ id: messageId("12"), revision: 3 });
const DM = DIRECT.channelId;

/** A message as the Barnacle before froze it, and its row. */
type Old = readonly [
  nonce: string,
  channel: string,
  answers: string | undefined,
  state: string,
  fields?: { readonly attemptAt?: number; readonly messageId?: string; readonly refusal?: string },
];

const ODD = 'a "quote", \\ a NUL \0, half a pair \ud83d, and 🦐';

const ROWS: readonly Old[] = [
  ["a0", GUILD.channelId, "11", "sent", { attemptAt: 5, messageId: "77" }],
  ["b0", DM, "12", "sending", { attemptAt: 6 }],
  ["a1", GUILD.channelId, undefined, "uncertain", { attemptAt: 7 }],
  ["a2", GUILD.channelId, undefined, "dead", { refusal: "Missing Access" }],
  ["c0", GUILD.channelId, "13", "pending"],
  ["d0", "9", undefined, "pending"],
];

/** A file as the Barnacle before wrote it: answers of one to three messages, in all states. */
function writeSchema2(path: string): void {
  const database = openDatabase(path, { now: NOW, migrations: [SCHEMA_1, SCHEMA_2] });
  const insertInbox = database.prepare(
    `INSERT INTO inbox (message_id, account_id, channel_id, agent_id, session_key, message, state, accepted_at)
     VALUES (?, 'default', ?, 'helper', 's', ?, 'answered', 1)`,
  );
  for (const message of [GUILD, DIRECT]) {
    insertInbox.run(message.id, message.channelId, JSON.stringify(message));
  }
  const insert = database.prepare(
    `INSERT INTO outbox (account_id, channel_id, nonce, message, state, created_at,
                         first_attempt_at, message_id, refusal)
     VALUES ('default', ?, ?, ?, ?, ?, ?, ?, ?)`,
  );
  for (const [at, [nonce, channel, answers, state, fields = {}]] of ROWS.entries()) {
    const message = {
      ...outboundMessage({ nonce, channelId: channelId(channel), content: ODD }),
      ...(answers !== undefined && { answers }),
    };
    const { attemptAt = null, messageId: id = null, refusal = null } = fields;
    insert.run(channel, nonce, JSON.stringify(message), state, at, attemptAt, id, refusal);
  }
  database.close();
}

function expected(nonce: string, fields: Partial<OutboundMessage> = {}): OutboundMessage {
  const [, channel] = ROWS.find(([one]) => one === nonce)!;
  return outboundMessage({ nonce, channelId: channelId(channel), content: ODD, ...fields });
}

const IN_GUILD = { guildId: GUILD.guildId! };
const MIGRATED: readonly OutboundMessage[] = [
  expected("a0", { ...IN_GUILD, of: part("11", { agentId: "helper", parts: 3 }) }),
  expected("b0", { of: part("12", { agentId: "helper", revision: 3 }) }),
  expected("a1", { ...IN_GUILD, of: part("11", { agentId: "helper", part: 1, parts: 3 }) }),
  expected("a2", { ...IN_GUILD, of: part("11", { agentId: "helper", part: 2, parts: 3 }) }),
  expected("c0", { of: { cause: messageId("13"), revision: 0, kind: "reply", part: 0, parts: 1 } }),
  expected("d0"),
];

describe("SCHEMA_3", () => {
  it("[X7] keeps the outbox of a database of schema 2, and says what each row is a part of", () => {
    using directory = tempDirectory();
    const path = join(directory.path, "barnacle.db");
    writeSchema2(path);
    const database = openDatabase(path, { now: NOW });
    const rows = database.prepare("SELECT * FROM outbox ORDER BY id").all();
    const messages = rows.map((row) => JSON.parse(String(row["message"])));
    assert.deepEqual(messages, MIGRATED);
    for (const [index, [nonce, channel, , state, fields = {}]] of ROWS.entries()) {
      const { message: _, ...row } = rows[index]!;
      const of = MIGRATED[index]!.of;
      assert.deepEqual(row, {
        id: index + 1,
        account_id: ACCOUNT,
        channel_id: channel,
        nonce,
        state,
        kind: of?.kind ?? null,
        cause_id: of?.cause ?? null,
        action: "post",
        draft_nonce: null,
        file_count: 0,
        created_at: index,
        first_attempt_at: fields.attemptAt ?? null,
        failing_since: null,
        message_id: fields.messageId ?? null,
        folded_into: null,
        refusal: fields.refusal ?? null,
        whole: null,
      });
    }
    database.close();
  });

  it("[X7] sends on what the Barnacle before has frozen", async () => {
    using directory = tempDirectory();
    const path = join(directory.path, "barnacle.db");
    writeSchema2(path);
    const store = openStore(path, { now: NOW, elapsed: () => 0 });
    const heads = await store.outbox.heads(ACCOUNT);
    assert.deepEqual(heads.map(({ message }) => message.nonce), ["b0", "c0", "d0"]);
    assert.equal(heads[0]?.firstAttemptAt, 6);
    for (const row of heads) assert.equal(await store.outbox.markSent(row, messageId("78")), true);
    assert.equal(await store.outbox.release(3, "resend"), true);
    assert.deepEqual((await store.outbox.heads(ACCOUNT)).map(({ id }) => id), [3]);
    store.close();
  });

  it("[X7] leaves a copy of schema 2 beside it, as it was", () => {
    using directory = tempDirectory();
    const path = join(directory.path, "barnacle.db");
    writeSchema2(path);
    openDatabase(path, { now: NOW }).close();
    const name = readdirSync(directory.path).find((one) => one.endsWith(".bak"));
    assert.equal(name, "barnacle.db.schema2-20261120T083000000Z.bak");
    const copy = new DatabaseSync(join(directory.path, name), { readOnly: true });
    assert.equal(schemaOf(copy), 2);
    const first = copy.prepare("SELECT message FROM outbox").get();
    assert.equal(JSON.parse(String(first?.["message"])).answers, "11");
    copy.close();
  });
});
