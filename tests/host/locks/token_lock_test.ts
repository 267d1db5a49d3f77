import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import process from "node:process";
import { describe, it } from "node:test";
import {
  acquireTokenLock,
  findTokenHolder,
  findTokenHolders,
} from "../../../src/host/locks/lock.ts";
import { startScript } from "../../support/process/start_script.ts";
import { tempDirectory } from "../../support/temp_directory.ts";

const SELF = { startedAt: Date.UTC(2026, 0, 1), dataDir: "/var/lib/barnacle" };
const TOKEN = "MTAwMDAwMDAwMDAwMDAwMDAx.GtestX.abcdefghijklmnopqrstuvwxyz0123456789ab";

describe("[G11] acquireTokenLock()", () => {
  it("refuses a second process with the token, names the first, and shows no token", async () => {
    using folder = tempDirectory();
    const lock = await acquireTokenLock(TOKEN, SELF, folder.path);
    assert.ok(lock.kind === "held");
    await using second = await startScript("token_holder.ts", [TOKEN, "/srv/b", folder.path]);
    assert.equal(second.said, `taken ${process.pid}`);
    const other = await acquireTokenLock("MTB.x.y", SELF, folder.path);
    assert.ok(other.kind === "held");
    assert.deepEqual(
      (await findTokenHolders(folder.path)).map(({ pid, dataDir }) => [pid, dataDir]),
      [[process.pid, SELF.dataDir], [process.pid, SELF.dataDir]],
    );
    for (const part of TOKEN.split(".")) assert.ok(!readdirSync(folder.path).join().includes(part));
    other.release();
    lock.release();
    assert.deepEqual(await findTokenHolders(folder.path), []);
  });

  it("is free as soon as its holder is killed", async () => {
    using folder = tempDirectory();
    await using holder = await startScript("token_holder.ts", [TOKEN, "/srv/b", folder.path]);
    assert.equal(holder.said, "held");
    const found = await findTokenHolder(TOKEN, folder.path);
    assert.ok(typeof found === "object");
    assert.deepEqual([found.pid, found.dataDir], [holder.pid, "/srv/b"]);
    await holder.kill();
    assert.equal(await findTokenHolder(TOKEN, folder.path), "none");
    const lock = await acquireTokenLock(TOKEN, SELF, folder.path);
    assert.ok(lock.kind === "held");
    lock.release();
  });

  it("accepts one of several simultaneous processes", async () => {
    using folder = tempDirectory();
    await using comers = new AsyncDisposableStack();
    const args = [TOKEN, "/srv/b", folder.path];
    const said = await Promise.all(
      [1, 2, 3].map(async () => comers.use(await startScript("token_holder.ts", args)).said),
    );
    assert.equal(said.filter((word) => word === "held").length, 1, said.join());
  });
});
