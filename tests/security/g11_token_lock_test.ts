/** Attacks by another user of the machine on the lock of the bot token. */

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:net";
import { join } from "node:path";
import process from "node:process";
import { describe, it } from "node:test";
import { type NameOwner, ownerOfName } from "../../src/host/locks/socket_holder.ts";
import {
  acquireTokenLock,
  TOKEN_LOCK_PORTS,
  type TokenLock,
  tokenLockName,
  type TokenLockPorts,
} from "../../src/host/locks/token_lock.ts";
import { acquireReleased } from "../support/process/acquire_released.ts";
import { startScript } from "../support/process/start_script.ts";
import { skipUnless } from "../support/skip.ts";
import { tempDirectory } from "../support/temp_directory.ts";
import { sameData } from "../support/same_data.ts";

const SELF = { startedAt: Date.UTC(2026, 0, 1), dataDir: "/var/lib/barnacle" };
/** Neither root's nor the user's that runs the tests. */
const STRANGER = 54_321;

const isRoot = process.platform === "linux" && process.getuid?.() === 0;

function newToken(): string {
  return `MTA.${randomBytes(16).toString("hex")}`;
}

function squat(token: string, conduct: string) {
  return startScript("name_squatter.ts", [tokenLockName(token), String(STRANGER), conduct]);
}

function portsAt(directory: string | undefined): TokenLockPorts {
  return { ...TOKEN_LOCK_PORTS, askMs: 300, directory: () => directory };
}

const CONDUCTS = ["silent", "full", "liar"];

describe(
  "[G11] acquireTokenLock() where another user has the name",
  skipUnless(isRoot, "no root"),
  () => {
    for (const conduct of CONDUCTS) {
      it(`does not keep the bot from starting if that process is ${conduct}`, async () => {
        using directory = tempDirectory();
        const ports = portsAt(directory.path);
        const token = newToken();
        await using squatter = await squat(token, conduct);
        assert.equal(squatter.said, "ready");
        const lock = await acquireTokenLock(token, SELF, ports);
        assert.ok(lock.kind === "held");
        sameData(
          lock.squatter,
          conduct === "full" ? {} : { owner: { uid: STRANGER, pid: squatter.pid } },
        );

        const second = await acquireTokenLock(token, SELF, ports);
        assert.ok(second.kind === "taken", "the file decides between Barnacles");
        assert.equal(second.heldBy?.pid, process.pid);
        await squatter.kill();
        const third = await acquireTokenLock(token, SELF, ports);
        assert.ok(third.kind === "taken", "also once the name is free");
        assert.equal(third.heldBy?.pid, process.pid);

        await lock.release();
        const fourth = await acquireReleased(token, SELF, ports);
        assert.ok(fourth.kind === "held");
        assert.equal(fourth.squatter, undefined);
        await fourth.release();
      });
    }

    it("is unsupported, not taken, if no directory is safe from that user either", async () => {
      const token = newToken();
      await using squatter = await squat(token, "silent");
      assert.deepEqual(await acquireTokenLock(token, SELF, portsAt(undefined)), {
        kind: "unsupported",
        squatter: { owner: { uid: STRANGER, pid: squatter.pid } },
      });
      using directory = tempDirectory();
      const missing = await acquireTokenLock(token, SELF, portsAt(join(directory.path, "missing")));
      assert.equal(missing.kind, "unsupported");
    });
  },
);

describe("[G11] acquireTokenLock() where another Barnacle has the name", () => {
  /** The kernel's answer if the holder ran as another user. */
  const foreign = { ownerOf: () => Promise.resolve({ uid: STRANGER, pid: 1 }) };

  it("is taken by any user, because the holder proves that it knows the token", async () => {
    const token = newToken();
    await using holder = await startScript("token_holder.ts", [token, "/srv/other"]);
    assert.equal(holder.said, "held");
    const lock = await acquireTokenLock(token, SELF, { ...portsAt(undefined), ...foreign });
    assert.ok(lock.kind === "taken");
    assert.equal(lock.heldBy?.pid, holder.pid);
  });

  it("is taken if it hangs, and the kernel says that it runs as this user", async () => {
    const token = newToken();
    await using holder = await startScript("token_holder.ts", [token, "/srv/other"]);
    assert.ok(holder.pid !== undefined);
    process.kill(holder.pid, "SIGSTOP");
    sameData(await acquireTokenLock(token, SELF, portsAt(undefined)), { kind: "taken" });
    const silent = { ...portsAt(undefined), ownerOf: () => Promise.resolve(undefined) };
    sameData(await acquireTokenLock(token, SELF, silent), { kind: "taken" });
  });

  it("is taken if that one got the name while this one turned to the file", async () => {
    using directory = tempDirectory();
    const token = newToken();
    let other: TokenLock | undefined;
    const squatter = createServer(async (socket) => {
      squatter.close();
      // It has looked for a locked file before this process locks one.
      other = await acquireReleased(token, SELF, portsAt(undefined));
      socket.end();
    });
    squatter.listen({ path: `\0${tokenLockName(token)}` });
    await once(squatter, "listening");
    let stranger: NameOwner | undefined = { uid: STRANGER, pid: 1 };
    const lock = await acquireTokenLock(token, SELF, {
      ...portsAt(directory.path),
      askMs: 60_000, // the other one ends the question, also on a busy machine
      ownerOf(name) {
        const owner = stranger;
        stranger = undefined;
        return owner ? Promise.resolve(owner) : ownerOfName(name);
      },
    });
    assert.equal(other?.kind, "held");
    assert.equal(lock.kind, "taken");
    if (other.kind === "held") await other.release();
    const next = await acquireReleased(token, SELF, portsAt(directory.path));
    assert.ok(next.kind === "held", "the first let go of the file");
    await next.release();
  });
});
