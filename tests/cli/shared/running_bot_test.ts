import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { holderOf, isHeld } from "../../../src/cli/shared/running_bot.ts";
import { acquireLock } from "../../../src/host/locks/lock.ts";
import { tempDirectory } from "../../support/temp_directory.ts";

const NOW = Date.parse("2026-11-20T12:00:00Z");

describe("[O3] isHeld()", () => {
  it("is false if no bot ever ran", async () => {
    using folder = tempDirectory();
    assert.equal(await isHeld(folder.path), false);
    assert.equal(await isHeld(join(folder.path, "none")), false);
  });

  it("tells a running bot from a stopped one, and changes neither's record", async () => {
    using folder = tempDirectory();
    const path = join(folder.path, "lock");
    const lock = await acquireLock(path, NOW);
    assert.ok(lock.kind === "held");
    lock.setHttp("127.0.0.1:8787", "key");
    const words = readFileSync(path, "utf8");
    assert.equal(await isHeld(folder.path), true);
    lock.release();
    assert.equal(await isHeld(folder.path), false);
    assert.equal(readFileSync(path, "utf8"), words);
    assert.equal(holderOf(folder.path)?.http, "127.0.0.1:8787");
  });

  it("releases the lock for a bot that starts right afterwards", async () => {
    using folder = tempDirectory();
    const path = join(folder.path, "lock");
    const first = await acquireLock(path, NOW);
    if (first.kind === "held") first.release();
    await isHeld(folder.path);
    const second = await acquireLock(path, NOW);
    assert.equal(second.kind, "held");
    if (second.kind === "held") second.release();
  });
});
