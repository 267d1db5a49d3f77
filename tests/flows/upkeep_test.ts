import assert from "node:assert/strict";
import { statSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { describe, it } from "node:test";
import { startUpkeep } from "../../src/flows/upkeep.ts";
import { guildMessage, userId } from "../support/discord/builders.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { recordingLog } from "../support/recording_log.ts";
import { settle } from "../support/settle.ts";
import { accepted, batch, openTestStore } from "../support/store/store.ts";
import { tempDirectory } from "../support/temp_directory.ts";

/** A bot with its store in a file, which has rested since its start. */
async function build() {
  const directory = tempDirectory();
  const path = join(directory.path, "barnacle.db");
  const { store } = openTestStore({}, path);
  const clock = new FakeClock();
  const { log, lines } = recordingLog();
  const done: string[] = [];
  const { emptyLog } = store.upkeep;
  const { vacuum } = store.forgetting;
  let slowestMs = 0;
  store.upkeep.emptyLog = async () => {
    done.push("log");
    const from = performance.now();
    const isEmpty = await emptyLog();
    slowestMs = Math.max(slowestMs, performance.now() - from);
    return isEmpty;
  };
  store.forgetting.vacuum = async () => {
    done.push("file");
    if (done.length === 1) throw new Error("database is locked");
    await vacuum();
  };
  const upkeep = startUpkeep({ store, schedule: clock.schedule, now: clock.now, log });
  async function pass(ms: number): Promise<void> {
    for (let passed = 0; passed < ms; passed += 250) {
      clock.advance(250);
      await settle();
    }
  }
  await pass(61_000);
  done.splice(0);
  const message = guildMessage({ text: "words" });
  await store.inbox.acceptBatch(batch({ judged: [accepted(message)] }), clock.now());
  const { channelId, id } = message;
  return {
    store,
    path,
    pass,
    lines,
    done,
    slowestMs: () => slowestMs,
    logBytes: () => statSync(`${path}-wal`).size,
    remove: () =>
      store.inbox.acceptBatch(
        batch({ changes: [{ kind: "deleted", channelId, messageIds: [id] }] }),
        clock.now(),
      ),
    [Symbol.dispose]() {
      upkeep.stop();
      store.close();
      directory[Symbol.dispose]();
    },
  };
}

describe("[H6a] startUpkeep()", () => {
  it("empties the log within an hour, and a minute after the first of several removals", async () => {
    using bot = await build();
    await bot.pass(30 * 60_000);
    assert.deepEqual(bot.done, []);
    await bot.remove();
    await bot.pass(30_000);
    await bot.remove();
    assert.ok(bot.logBytes() > 0);
    await bot.pass(31_000);
    assert.equal(bot.logBytes(), 0);
    assert.deepEqual(bot.done, ["log"]);
    await bot.pass(61 * 60_000);
    assert.deepEqual(bot.done, ["log", "log"]);
  });

  it("waits for no other process that reads the log, and tries again", async () => {
    using bot = await build();
    const reader = new DatabaseSync(bot.path, { readOnly: true });
    reader.exec("BEGIN");
    reader.prepare("SELECT * FROM inbox").all();
    await bot.remove();
    await bot.pass(61_000);
    assert.ok(bot.slowestMs() < 4_000, "SQLite's own wait is longer");
    assert.ok(bot.logBytes() > 0);
    assert.deepEqual(bot.lines.map(({ level }) => level), ["warn"]);
    reader.close();
    await bot.pass(61_000);
    assert.equal(bot.logBytes(), 0);
  });

  it("[X5] writes the file anew once for several forgotten people, and again if it could not", async () => {
    using bot = await build();
    const { forgetting } = bot.store;
    for (const id of ["700000000000000001", "700000000000000002"]) {
      await forgetting.forget(userId(id), false);
    }
    await bot.pass(61_000);
    assert.equal(await forgetting.isVacuumDue(), true);
    await bot.pass(61_000);
    assert.equal(await forgetting.isVacuumDue(), false);
    assert.deepEqual(bot.done, ["file", "file"]);
    assert.equal(bot.logBytes(), 0);
  });
});
