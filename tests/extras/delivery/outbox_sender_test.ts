import assert from "node:assert/strict";
import { join } from "node:path";
import { describe, it } from "node:test";
import { openDataDirectory } from "../../../src/extras/delivery/outbox_sender.ts";
import { acquireLock } from "../../../src/host/locks/lock.ts";
import { frozen } from "../../support/store/store.ts";
import { tempDirectory } from "../../support/temp_directory.ts";
import { sameData } from "../../support/same_data.ts";

const NOW = Date.UTC(2026, 0, 1);
const open = (path: string) => openDataDirectory(path);

describe("[S4] openDataDirectory()", () => {
  it("has one sender at a time, and the next one takes over", async () => {
    using folder = tempDirectory();
    const first = await open(folder.path);
    assert.equal(first.sender(), "us");
    const second = await open(folder.path);
    assert.equal(second.sender(), "another");
    assert.equal(await second.takeOver(), false);

    const [row] = await second.store().outbox.addAll([frozen({ nonce: "" })], NOW);
    assert.ok(row);
    sameData(await first.store().outbox.sendResultsOf([row.id]), [{
      id: row.id,
      kind: "waits",
    }]);
    await first.close();
    assert.equal(await second.takeOver(), true);
    assert.equal(second.sender(), "us");
    sameData(await second.store().outbox.sendResultsOf([row.id]), [{
      id: row.id,
      kind: "waits",
    }]);

    const third = await open(folder.path);
    assert.equal(third.sender(), "another");
    await third.close();
    await second.close();
  });

  it("never takes over from a bot, not even from a stopped one", async () => {
    using folder = tempDirectory();
    await (await open(folder.path)).close(); // makes the store
    const bot = await acquireLock(join(folder.path, "lock"), NOW);
    assert.ok(bot.kind === "held");
    const beside = await open(folder.path);
    assert.equal(beside.sender(), "bot");
    bot.release(); // it may be restarting
    assert.equal(await beside.takeOver(), false);
    assert.equal(beside.sender(), "bot");
    await beside.close();
  });

  it("[O7] lets a bot start once it is closed, and reports a bot that is just starting", async () => {
    using folder = tempDirectory();
    const lock = join(folder.path, "lock");
    const bot = await acquireLock(lock, NOW);
    assert.ok(bot.kind === "held");
    await assert.rejects(open(folder.path), /just starting/);
    bot.release();
    const fixture = await open(folder.path);
    assert.equal((await acquireLock(lock, NOW)).kind, "taken");
    await fixture.close();
    const next = await acquireLock(lock, NOW);
    assert.ok(next.kind === "held");
    next.release();
  });
});
