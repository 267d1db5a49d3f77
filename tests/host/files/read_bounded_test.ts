import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { execFileSync } from "node:child_process";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { readBounded } from "../../../src/host/files/read_bounded.ts";
import { skipUnless } from "../../support/skip.ts";
import { tempDirectory } from "../../support/temp_directory.ts";

describe("[SEC-R11] readBounded()", () => {
  it("reads a file up to its bound, with its byte order mark", () => {
    using folder = tempDirectory();
    const path = join(folder.path, "file");
    writeFileSync(path, "\uFEFFä".padEnd(99, "x"));
    const bytes = 99 + 2 + 1; // the mark has three bytes, and the letter two
    assert.equal(readBounded(path, { maxBytes: bytes }), "\uFEFFä".padEnd(99, "x"));
    assert.throws(() => readBounded(path, { maxBytes: bytes - 1 }), { code: "EFBIG" });
    writeFileSync(path, "y".repeat(200_000));
    assert.equal(readBounded(path, { maxBytes: 200_000 }).length, 200_000);
  });

  it("reads UTF-16, as PowerShell's `>` writes it, with a mark and without", () => {
    using folder = tempDirectory();
    const path = join(folder.path, "file");
    const little = Buffer.from('{ "ä": "🦀" }', "utf16le");
    const big = Buffer.from(little).swap16();
    const files = [[0xff, 0xfe, ...little], [0xfe, 0xff, ...big], [...little], [...big]];
    for (const bytes of files) {
      writeFileSync(path, Buffer.from(bytes));
      assert.equal(readBounded(path, { maxBytes: 99 }), '{ "ä": "🦀" }');
    }
  });

  it("reads an empty file", () => {
    using folder = tempDirectory();
    const path = join(folder.path, "file");
    writeFileSync(path, "");
    assert.equal(readBounded(path, { maxBytes: 10 }), "");
  });

  it("refuses a folder, and reports a missing file by the system's code", () => {
    using folder = tempDirectory();
    assert.throws(() => readBounded(folder.path, { maxBytes: 10 }), { code: "EISDIR" });
    const missing = join(folder.path, "missing");
    assert.throws(() => readBounded(missing, { maxBytes: 10 }), { code: "ENOENT" });
  });

  describe("on Linux", skipUnless(existsSync("/proc/self/maps"), "no /proc"), () => {
    it("refuses a device without an end", () => {
      assert.throws(() => readBounded("/dev/zero", { maxBytes: 10 }), { code: "ENODEV" });
    });

    it("bounds a file whose size the system does not tell", () => {
      assert.throws(() => readBounded("/proc/self/maps", { maxBytes: 10 }), { code: "EFBIG" });
      assert.match(readBounded("/proc/self/maps", { maxBytes: 1_000_000 }), /^[0-9a-f]+-/);
    });

    it("refuses a pipe, and never waits for its writer", () => {
      using folder = tempDirectory();
      const path = join(folder.path, "pipe");
      execFileSync("mkfifo", [path]);
      assert.throws(() => readBounded(path, { maxBytes: 10 }), { code: "ENODEV" });
    });
  });
});
