/** Attacks by another user of the machine on the lock of the bot token. */

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import process from "node:process";
import { describe, it } from "node:test";
import {
  acquireTokenLock,
  TOKEN_LOCK_PORTS,
  tokenLockName,
  type TokenLockPorts,
} from "../../src/host/locks/token_lock.ts";
import { acquireReleased } from "../support/process/acquire_released.ts";
import { startScript } from "../support/process/start_script.ts";
import { skipUnless } from "../support/skip.ts";
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

const PORTS: TokenLockPorts = { ...TOKEN_LOCK_PORTS, askMs: 300, directory: () => undefined };

const CONDUCTS = ["silent", "full", "liar"];

describe(
  "[G11] acquireTokenLock() where another user has the name",
  skipUnless(isRoot, "no root"),
  () => {
    for (const conduct of CONDUCTS) {
      it(`does not keep the bot from starting if that process is ${conduct}`, async () => {
        const token = newToken();
        await using squatter = await squat(token, conduct);
        assert.equal(squatter.said, "ready");
        const lock = await acquireTokenLock(token, SELF, PORTS);
        assert.ok(lock.kind === "unsupported");
        sameData(
          lock.squatter,
          conduct === "full" ? {} : { owner: { uid: STRANGER, pid: squatter.pid } },
        );
        await squatter.kill();
        const next = await acquireReleased(token, SELF, PORTS);
        assert.ok(next.kind === "held");
        await next.release();
      });
    }
  },
);

describe("[G11] acquireTokenLock() where another Barnacle has the name", () => {
  /** The kernel's answer if the holder ran as another user. */
  const foreign = { ownerOf: () => Promise.resolve({ uid: STRANGER, pid: 1 }) };

  it("is taken by any user, because the holder proves that it knows the token", async () => {
    const token = newToken();
    await using holder = await startScript("token_holder.ts", [token, "/srv/other"]);
    assert.equal(holder.said, "held");
    const patient = { ...PORTS, ...foreign, askMs: 60_000 }; // it answers, on a busy machine late
    const lock = await acquireTokenLock(token, SELF, patient);
    assert.ok(lock.kind === "taken");
    assert.equal(lock.heldBy?.pid, holder.pid);
  });

  it("is taken if it hangs, and the kernel says that it runs as this user", async () => {
    const token = newToken();
    await using holder = await startScript("token_holder.ts", [token, "/srv/other"]);
    assert.ok(holder.pid !== undefined);
    process.kill(holder.pid, "SIGSTOP");
    sameData(await acquireTokenLock(token, SELF, PORTS), { kind: "taken" });
    const silent = { ...PORTS, ownerOf: () => Promise.resolve(undefined) };
    sameData(await acquireTokenLock(token, SELF, silent), { kind: "taken" });
  });
});
