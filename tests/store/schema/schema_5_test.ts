import assert from "node:assert/strict";
import { join } from "node:path";
import { describe, it } from "node:test";
import { factsOf } from "../../../src/core/inbound/facts.ts";
import { openDatabase } from "../../../src/store/database/database.ts";
import { MIGRATIONS } from "../../../src/store/database/migrations.ts";
import { openStore } from "../../../src/store/store.ts";
import { ACCOUNT, channelId, guildMessage, messageId } from "../../support/discord/builders.ts";
import { accepted, batch, ignored } from "../../support/store/store.ts";
import { tempDirectory } from "../../support/temp_directory.ts";

const NOW = Date.UTC(2026, 10, 21);
const FIRST = 1_400_000_000_000_000_000n;
const said = (number: number) =>
  guildMessage({ id: messageId(String(FIRST + (BigInt(number) << 22n))) });
const FACTS = JSON.stringify(factsOf(said(0), {}, ignored().verdict));

/** A file of schema 4: 600 verdicts of one account and one of another, with a hole among them. */
function writeSchema4(path: string): void {
  const database = openDatabase(path, { now: NOW, migrations: MIGRATIONS.slice(0, 4) });
  database.prepare("INSERT INTO fact (id, generation, facts) VALUES (40, 40, ?)").run(FACTS);
  const decide = database.prepare(
    `INSERT INTO decision (id, account_id, message_id, channel_id, author_id, verdict, why, rule, at,
                           fact_row, policy_row)
     VALUES (?, ?, ?, '9', '8', 'ignore', 'no-mention', 'a.rule', ?, ?, ?)`,
  );
  database.exec("BEGIN");
  for (let number = 1; number <= 600; number++) {
    if (number === 300) continue; // it was replaced
    decide.run(
      number,
      ACCOUNT,
      said(number).id,
      number <= 500 ? 5 : 6,
      number === 1 ? null : 40,
      3,
    );
  }
  decide.run(601, "second", said(7).id, 6, 40, null);
  database.exec("COMMIT");
  database.close();
}

const CHANNEL = channelId("9");
const EARS = { accountId: ACCOUNT, channelId: CHANNEL };
const kept = (from: number, count: number) =>
  Array.from({ length: count }, (_, index) => said(from + index).id);

/** Overheard messages of schema 4: 150 that were kept at once, and 3 later, out of order. */
function addMessages(path: string): void {
  const database = openDatabase(path, { now: NOW, migrations: MIGRATIONS.slice(0, 4) });
  const insert = database.prepare(
    `INSERT INTO message (account_id, channel_id, digits, message_id, author_id, tag, text, reply_to,
                          sent_at, kept_at)
     VALUES (?, '9', ?, ?, '8', 'ada', ?, ?, 7, ?)`,
  );
  const add = (id: string, keptAt: number, replyTo: string | null) =>
    insert.run(ACCOUNT, id.length, id, `said "${id}"`, replyTo, keptAt);
  database.exec("BEGIN");
  for (const id of kept(10, 150)) add(id, 5, null);
  for (const id of kept(5, 3)) add(id, 6, said(4).id);
  insert.run("second", 19, said(300).id, "not for the first", null, 6);
  database.exec("COMMIT");
  database.close();
}

describe("SCHEMA_5", () => {
  it("[H1] [X7] keeps each overheard message of schema 4", async () => {
    using directory = tempDirectory();
    const path = join(directory.path, "barnacle.db");
    addMessages(path);
    const store = openStore(path, { now: NOW, elapsed: () => 0 });
    const heard = await store.overheard(EARS, "s", said(400).id, 500);
    assert.deepEqual(heard.map(({ messageId }) => messageId), [...kept(5, 3), ...kept(10, 150)]);
    assert.deepEqual(heard[0], {
      messageId: said(5).id,
      authorId: "8",
      tag: "ada",
      text: `said "${said(5).id}"`,
      replyTo: said(4).id,
      sentAt: 7,
    });
    assert.equal(heard[3]?.replyTo, undefined);
    store.close();
  });

  it("[X7] keeps each verdict of schema 4, in its order, with what it was made from", async () => {
    using directory = tempDirectory();
    const path = join(directory.path, "barnacle.db");
    writeSchema4(path);
    const store = openStore(path, { now: NOW, elapsed: () => 0 });
    const verdicts = await store.verdictsAfter(0, 1_000);
    assert.equal(verdicts.length, 600);
    assert.deepEqual(
      verdicts.map((verdict) => verdict.id),
      verdicts.map((_, index) => index + 1),
    );
    const numbers = Array.from({ length: 600 }, (_, index) => index + 1).filter((n) => n !== 300);
    assert.deepEqual(
      verdicts.slice(0, -1).map((verdict) => [verdict.messageId, verdict.at]),
      numbers.map((number) => [said(number).id, number <= 500 ? 5 : 6]),
    );
    assert.deepEqual(verdicts[0], {
      id: 1,
      accountId: ACCOUNT,
      messageId: said(1).id,
      channelId: "9",
      authorId: "8",
      verdict: "ignore",
      why: "no-mention",
      rule: "a.rule",
      at: 5,
    });
    const facts = async (number: number) =>
      (await store.dossierOf({ messageId: said(number).id }))?.decisions.map((one) => one.facts);
    assert.deepEqual(await facts(1), [undefined], "it was of schema 3");
    assert.deepEqual(await facts(7), [JSON.parse(FACTS), JSON.parse(FACTS)], "of two accounts");
    store.close();
  });

  it("[G7] [X7] keeps the verdicts when their messages come again, and goes on counting", async () => {
    using directory = tempDirectory();
    const path = join(directory.path, "barnacle.db");
    writeSchema4(path);
    const store = openStore(path, { now: NOW, elapsed: () => 0 });
    const judged = [599, 600, 601].map((number) => accepted(said(number)));
    const { accepted: taken } = await store.acceptBatch(batch({ judged }), NOW);
    assert.deepEqual(taken.map(({ message }) => message.id), [said(601).id]);
    const [newest] = await store.verdictsAfter(600, 9);
    assert.deepEqual([newest?.id, newest?.messageId], [601, said(601).id]);
    store.close();
  });
});
