import assert from "node:assert/strict";
import process from "node:process";
import { Buffer } from "node:buffer";
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import {
  chownSync,
  closeSync,
  openSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import {
  acquireLock,
  acquireTokenLock,
  findTokenHolder,
  findTokenHolders,
  type Flock,
  FlockUnavailableError,
  isLocked,
  loadFlock,
  readHolder,
  windowsLock,
} from "../../../src/host/locks/lock.ts";
import type { CFunction } from "../../../src/host/process/libc.ts";
import { startScript } from "../../support/process/start_script.ts";
import { sameData } from "../../support/same_data.ts";
import { skipUnless } from "../../support/skip.ts";
import { tempDirectory } from "../../support/temp_directory.ts";

const NOW = Date.UTC(2026, 0, 1);
const HTTP = "127.0.0.1:8787";
const SCRIPT = join(import.meta.dirname!, "..", "..", "support", "process", "lock_holder.ts");

/** Another process of this runtime that tries to take a lock; over when it is disposed of. */
async function startHolder(path: string, code = 0) {
  const run = process.versions["deno"] ? ["run", "-A", "--no-check", "--quiet"] : [];
  const child: ChildProcess = spawn(process.execPath, [...run, SCRIPT, path, HTTP, `${code}`], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const exited = once(child, "exit");
  const [said] = await Promise.race([once(child.stdout!, "data"), exited.then(() => ["nothing"])]);
  const end = async (signal?: NodeJS.Signals) => {
    if (signal) child.kill(signal);
    else child.stdin!.end("end\n");
    const [code] = await exited;
    return code;
  };
  return {
    pid: child.pid,
    said: String(said).trim(),
    exited,
    end,
    [Symbol.asyncDispose]: async () => void await end("SIGKILL"),
  };
}

/** Starts a process with a copy of a descriptor, as each process has between its fork and its exec. */
function withCopyOf(descriptor: number): Disposable {
  const child = spawn("sleep", ["60"], { stdio: [descriptor, "ignore", "ignore"] });
  return { [Symbol.dispose]: () => void child.kill("SIGKILL") };
}

describe("acquireLock()", () => {
  it("[O7] releases the lock, even if a process that is being started has a copy of it", async () => {
    using directory = tempDirectory();
    const path = join(directory.path, "lock");
    const descriptors: number[] = [];
    const flock = await loadFlock();
    const seen: Flock = (file, mode) => {
      descriptors.push(file.descriptor);
      return flock(file, mode);
    };
    const lock = await acquireLock(path, NOW, () => Promise.resolve(seen));
    assert.ok(lock.kind === "held");
    using _copy = withCopyOf(descriptors[0] ?? -1);
    assert.equal(await isLocked(path), true);
    lock.release();
    assert.equal(await isLocked(path), false);
  });

  it("[O7] does not wait for the writer of a pipe in its place", async () => {
    using directory = tempDirectory();
    const path = join(directory.path, "lock");
    execFileSync("mkfifo", [path]);
    assert.equal(await isLocked(path), false);
  });

  it("[O7] refuses a second process, and names the first", async () => {
    using directory = tempDirectory();
    const path = join(directory.path, "lock");
    const lock = await acquireLock(path, NOW);
    assert.equal(lock.kind, "held");
    await using second = await startHolder(path);
    assert.equal(second.said, `taken ${process.pid}`);
    assert.equal((await second.exited)[0], 75);
    assert.equal(readHolder(path)?.pid, process.pid);
    if (lock.kind === "held") lock.release();
  });

  it("[O7] is free as soon as its holder is killed, and names the holder until then", async () => {
    using directory = tempDirectory();
    const path = join(directory.path, "lock");
    await using holder = await startHolder(path);
    assert.equal(holder.said, "held");
    const taken = await acquireLock(path, NOW);
    assert.ok(taken.kind === "taken");
    assert.equal(taken.heldBy?.pid, holder.pid);
    assert.equal(taken.heldBy?.http, HTTP);

    await holder.end("SIGKILL");
    const lock = await acquireLock(path, NOW);
    assert.ok(lock.kind === "held");
    assert.equal(readHolder(path)?.http, undefined);
    lock.release();
  });

  it("[O9] tells the next bot how the last one ended, also after a command", async () => {
    using directory = tempDirectory();
    const path = join(directory.path, "lock");
    const next = async (about = {}, exitCode?: number) => {
      const lock = await acquireLock(path, NOW, loadFlock, about);
      assert.ok(lock.kind === "held");
      lock.release(exitCode);
      return lock.lastExitCode;
    };
    assert.equal(await (await startHolder(path, 74)).end(), 74);
    assert.equal(await next({ isCommand: true }), 74);
    assert.equal(await next(), 74);
    assert.equal(await next({}, 0), undefined);
    assert.equal(await next(), 0, "it was stopped, whatever the store says");
    await (await startHolder(path, 74)).end("SIGKILL");
    assert.equal(await next(), undefined);
  });

  it("[O7] gives a dead holder's file to one of several simultaneous processes", async () => {
    using directory = tempDirectory();
    const path = join(directory.path, "lock");
    await using dead = await startHolder(path);
    await dead.end("SIGKILL");
    await using comers = new AsyncDisposableStack();
    const said = await Promise.all(
      [1, 2, 3].map(async () => comers.use(await startHolder(path)).said),
    );
    assert.equal(said.filter((word) => word === "held").length, 1, said.join());
  });

  it("[O7] describes its holder to this user only, with its address once it listens", async () => {
    using directory = tempDirectory();
    const path = join(directory.path, "lock");
    writeFileSync(path, "something longer that an older holder left here\n".repeat(9), {
      mode: 0o600,
    });
    const lock = await acquireLock(path, NOW);
    assert.ok(lock.kind === "held");
    const told = JSON.parse(readFileSync(path, "utf8"));
    assert.equal(told.pid, process.pid);
    assert.equal(told.startedAt, NOW);
    lock.setHttp("127.0.0.1:1", "key");
    lock.setHttp("127.0.0.1:2", "key");
    assert.deepEqual(readHolder(path), { ...told, http: "127.0.0.1:2", httpKey: "key" });
    assert.equal(statSync(path).mode & 0o077, 0);
    lock.release();
    lock.release();
    lock.setHttp("127.0.0.1:3", "key"); // too late to describe another holder
    assert.equal(readHolder(path)?.http, "127.0.0.1:2");
  });

  it("[O7] is held by an unknown process until the holder has described itself", async () => {
    using directory = tempDirectory();
    const path = join(directory.path, "lock");
    for (const text of ["", '{"pid":', '{"pid":"12"}', "null"]) {
      writeFileSync(path, text);
      const lock = await acquireLock(path, NOW, () => Promise.resolve(() => false));
      sameData(lock, { kind: "taken" }, text);
      assert.equal(readFileSync(path, "utf8"), text);
    }
  });

  it("[O7] fails on a disk without locks", async () => {
    using directory = tempDirectory();
    const path = join(directory.path, "lock");
    const failing = acquireLock(path, NOW, () => Promise.reject(new FlockUnavailableError("none")));
    await assert.rejects(failing, FlockUnavailableError);
    assert.equal(readHolder(path), undefined);
  });
});

const asRoot = skipUnless(process.geteuid?.() === 0, "not root, who can give files away");

describe("[X2] acquireLock() as root", asRoot, () => {
  it("creates a file that the owner of its folder can open", async () => {
    using directory = tempDirectory();
    chownSync(directory.path, 12_345, 12_345);
    const path = join(directory.path, "lock");
    const lock = await acquireLock(path, NOW);
    assert.ok(lock.kind === "held");
    assert.equal(statSync(path).uid, 12_345);
    lock.release();
  });
});

it("[O7] loadFlock() › locks a file against any other opening of it, until it is closed", async () => {
  using directory = tempDirectory();
  const path = join(directory.path, "lock");
  const flock = await loadFlock();
  const [first, second] = [1, 2].map(() => ({ path, descriptor: openSync(path, "a+") }));
  assert.ok(first && second);
  assert.equal(flock(first), true);
  assert.equal(flock(first), true);
  assert.equal(flock(second), false);
  closeSync(first.descriptor);
  assert.equal(flock(second), true);
  closeSync(second.descriptor);
  assert.equal(flock(second), false); // no file, no lock
});

/** Kernel32 with one file, which counts as Windows does: one lock alone, or several shared ones. */
function fakeKernel({ exists = true } = {}) {
  const handles = new Map<number, "open" | "alone" | "shared">();
  const calls: string[] = [];
  let next = 40;
  const locks = () => [...handles.values()].filter((state) => state !== "open");
  const functions: Readonly<Record<string, CFunction>> = {
    CreateFileW(path) {
      assert.ok(path instanceof Uint8Array);
      calls.push(`open ${Buffer.from(path).toString("utf16le").replaceAll("\0", "|")}`);
      if (!exists) return -1;
      handles.set(++next, "open");
      return next;
    },
    LockFileEx(handle, flags, reserved, low, high, overlapped) {
      assert.ok(overlapped instanceof Uint8Array);
      calls.push(
        `lock ${flags} ${reserved} ${low} ${high} ${Buffer.from(overlapped).toString("hex")}`,
      );
      const isAlone = (Number(flags) & 2) !== 0;
      const isFree = locks().length === 0 || (!isAlone && !locks().includes("alone"));
      if (isFree) handles.set(Number(handle), isAlone ? "alone" : "shared");
      return Number(isFree);
    },
    UnlockFileEx(handle) {
      handles.set(Number(handle), "open");
      return 1;
    },
    CloseHandle: (handle) => Number(handles.delete(Number(handle))),
  };
  const lock = windowsLock((name) => {
    const found = functions[name];
    assert.ok(found, name);
    return found;
  });
  return { lock, calls, open: () => handles.size };
}

const FIRST = { descriptor: 3, path: "lock" };
const SECOND = { descriptor: 4, path: "lock" };

describe("windowsLock()", () => {
  it("[O7] locks a byte beyond the content, at once or not at all", () => {
    const { lock, calls } = fakeKernel();
    assert.equal(lock(FIRST), true);
    // OffsetHigh is 0x40000000, and the rest of the OVERLAPPED is zero.
    const place = `${"00".repeat(20)}00000040${"00".repeat(8)}`;
    assert.deepEqual(calls, ["open lock|", `lock 3 0 1 0 ${place}`]);
  });

  it("[O7] excludes others until it is free, and leaves no handle open", () => {
    const { lock, open } = fakeKernel();
    assert.equal(lock(FIRST), true);
    assert.equal(lock(FIRST), true);
    assert.equal(lock(SECOND), false);
    assert.equal(lock(SECOND, "shared"), false);
    assert.equal(lock(FIRST, "free"), true);
    assert.equal(lock(FIRST, "free"), true);
    assert.equal(open(), 0);
    assert.equal(lock(FIRST, "shared"), true);
    assert.equal(lock(SECOND, "shared"), true);
    assert.equal(open(), 2);
  });

  it("[O7] is not held if the file cannot be opened", () => {
    assert.equal(fakeKernel({ exists: false }).lock(FIRST), false);
  });
});

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
