import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { describe, it } from "node:test";
import { windowsLock } from "../../../src/host/locks/lock.ts";
import type { CFunction } from "../../../src/host/process/libc.ts";

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
