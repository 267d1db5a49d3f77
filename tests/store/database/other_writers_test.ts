import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import process from "node:process";
import { describe, it } from "node:test";
import { setImmediate, setTimeout } from "node:timers/promises";
import { DatabaseSync } from "node:sqlite";
import { createBurstWatch } from "../../../src/store/database/other_writers.ts";
import { openStore } from "../../../src/store/store.ts";
import { ACCOUNT, channelId } from "../../support/discord/builders.ts";
import { batch, frozen } from "../../support/store/store.ts";
import { tempDirectory } from "../../support/temp_directory.ts";

const NOW = 1_000;
const OPTIONS = { now: NOW, elapsed: () => 0 };
const CHILD = join(import.meta.dirname!, "..", "..", "support", "process", "outbox_child.ts");

/** Number of messages of each process. */
const ADDED = 100;

/** Adds `count` messages to the store at `path` in another process, and returns its exit code. */
async function addElsewhere(path: string, name: string, count: number): Promise<number> {
  const run = process.versions["deno"] ? ["run", "-A", "--no-check", "--quiet"] : [];
  const child = spawn(process.execPath, [...run, CHILD, path, name, String(count)], {
    stdio: ["ignore", "ignore", "inherit"],
  });
  const [code] = await once(child, "exit");
  return Number(code);
}

describe("changedElsewhere()", () => {
  it("[D1] reports each commit of another writer once, and none of its own store", async () => {
    using directory = tempDirectory();
    const path = join(directory.path, "barnacle.db");
    const bot = openStore(path, OPTIONS);
    const command = openStore(path, OPTIONS);
    assert.equal(bot.changedElsewhere(), false);
    await bot.outbox.add(frozen({ nonce: "" }), NOW);
    await bot.inbox.acceptBatch(batch(), NOW);
    assert.equal(bot.changedElsewhere(), false);
    assert.equal(command.changedElsewhere(), true);

    await command.outbox.heads(ACCOUNT);
    assert.equal(bot.changedElsewhere(), false, "a read is no change");
    const { id } = await command.outbox.add(frozen({ nonce: "" }), NOW);
    await command.outbox.release(id, "drop");
    assert.equal(bot.changedElsewhere(), true);
    assert.equal(bot.changedElsewhere(), false);
    for (const store of [bot, command]) store.close();
  });

  it("[D1] stays false after a checkpoint of its own", async () => {
    using directory = tempDirectory();
    const store = openStore(join(directory.path, "barnacle.db"), OPTIONS);
    const content = "x".repeat(2_000);
    for (let index = 0; index < 2_000; index++) {
      void store.outbox.add(frozen({ nonce: "", content }), NOW);
    }
    await store.outbox.add(frozen({ nonce: "", content }), NOW); // more than a log holds
    assert.equal(store.changedElsewhere(), false);
    store.close();
  });
});

describe("[D2] two processes with one outbox", () => {
  it("add each message once, in the order of each process, regardless of the winner", async () => {
    using directory = tempDirectory();
    const path = join(directory.path, "barnacle.db");
    const store = openStore(path, OPTIONS);
    const others = [addElsewhere(path, "bot", ADDED), addElsewhere(path, "command", ADDED)];
    let areDone = false;
    const codes = Promise.all(others).finally(() => areDone = true);
    let added = 0;
    while (!areDone && added < 20_000) {
      const message = { nonce: "", channelId: channelId("3"), content: `here ${added++}` };
      await store.outbox.add(frozen(message), NOW);
      await setTimeout(1);
    }
    assert.deepEqual(await codes, [0, 0]);
    assert.equal(store.changedElsewhere(), true);

    const open = await store.outbox.open(ACCOUNT);
    const textsOf = (name: string) =>
      open.flatMap(({ preview }) =>
        preview.startsWith(`${name} `) ? [Number(preview.split(" ")[1])] : []
      );
    const all = Array.from({ length: ADDED }, (_, index) => index);
    assert.deepEqual(textsOf("here"), Array.from({ length: added }, (_, index) => index));
    const [bot, command] = [textsOf("bot"), textsOf("command")];
    for (const one of [bot, command]) assert.deepEqual(one, one.toSorted((a, b) => a - b));
    assert.deepEqual(
      [...bot, ...command].toSorted((a, b) => a - b),
      all.flatMap((index) => index % 2 === 0 ? [index, index] : [index]),
      "one row for each shared nonce",
    );
    assert.equal(new Set(open.map(({ id }) => id)).size, open.length);
    store.close();
  });
});

describe("createBurstWatch()", () => {
  it("[D1] reports a commit of another writer once, in a later turn of the event loop at most", async () => {
    using directory = tempDirectory();
    const path = join(directory.path, "burst.db");
    const [own, other] = [new DatabaseSync(path), new DatabaseSync(path)];
    own.exec("PRAGMA journal_mode = WAL; CREATE TABLE one (a)");
    const watch = createBurstWatch(own);
    assert.equal(watch.changedElsewhere(), false);
    other.exec("INSERT INTO one VALUES (1)");
    assert.equal(watch.changedElsewhere(), false, "checked already in this turn");
    await setImmediate();
    assert.equal(watch.changedElsewhere(), true);
    await setImmediate();
    assert.equal(watch.changedElsewhere(), false);
    own.exec("INSERT INTO one VALUES (2)");
    await setImmediate();
    assert.equal(watch.changedElsewhere(), false, "its own commit");
    for (const database of [own, other]) database.close();
  });

  it("[D1] reports a commit to each watch of the connection, with one check for all", async () => {
    using directory = tempDirectory();
    const path = join(directory.path, "burst.db");
    const [own, other] = [new DatabaseSync(path), new DatabaseSync(path)];
    own.exec("PRAGMA journal_mode = WAL; CREATE TABLE one (a)");
    let checks = 0;
    const prepare = own.prepare.bind(own);
    own.prepare = (sql) => {
      const statement = prepare(sql);
      const get = statement.get.bind(statement);
      statement.get = () => {
        checks++;
        return get();
      };
      return statement;
    };
    const watches = [0, 1, 2].map(() => createBurstWatch(own));
    const ask = () => watches.map((watch) => watch.changedElsewhere());
    await setImmediate();
    other.exec("INSERT INTO one VALUES (1)");
    const before = checks;
    assert.deepEqual(ask(), [true, true, true]);
    assert.deepEqual(ask(), [false, false, false]);
    assert.equal(checks, before + 1);
    await setImmediate();
    assert.equal(watches[0]?.changedElsewhere(), false);
    other.exec("INSERT INTO one VALUES (2)");
    await setImmediate();
    assert.equal(watches[0]?.changedElsewhere(), true);
    await setImmediate();
    assert.deepEqual(ask(), [false, true, true], "a later turn of the loop, too");
    const late = createBurstWatch(own);
    assert.equal(late.changedElsewhere(), false, "commits from now on count");
    for (const database of [own, other]) database.close();
  });
});
