import assert from "node:assert/strict";
import { closeSync, openSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { librariesOf, loadFlock } from "../../src/host/flock.ts";
import { tempDirectory } from "../support/temp_directory.ts";

describe("loadFlock()", () => {
  it("[O7] locks a file against any other opening of it, until it is closed", async () => {
    using directory = tempDirectory();
    const path = join(directory.path, "lock");
    const flock = await loadFlock();
    const first = openSync(path, "a+");
    const second = openSync(path, "a+");
    assert.equal(flock(first), true);
    assert.equal(flock(first), true);
    assert.equal(flock(second), false);
    closeSync(first);
    assert.equal(flock(second), true);
    closeSync(second);
    assert.equal(flock(second), false); // no file, no lock
  });
});

describe("librariesOf()", () => {
  const CASES: readonly (readonly [platform: string, arch: string, names: readonly string[]])[] = [
    ["linux", "x64", ["libc.so.6", "libc.musl-x86_64.so.1"]],
    ["linux", "arm64", ["libc.so.6", "libc.musl-aarch64.so.1"]],
    ["darwin", "arm64", ["libSystem.B.dylib"]],
    ["win32", "x64", []],
  ];
  for (const [platform, arch, names] of CASES) {
    it(`[X1] knows the C library of ${platform} ${arch}`, () => {
      assert.deepEqual(librariesOf(platform, arch), names);
    });
  }
});
