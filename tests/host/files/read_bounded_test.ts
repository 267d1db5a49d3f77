import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { describe, it } from "node:test";
import { readBounded } from "../../../src/host/files/read_bounded.ts";
import { skipUnless } from "../../support/skip.ts";
import { tempDirectory } from "../../support/temp_directory.ts";

const SCRIPT = join(import.meta.dirname!, "..", "..", "support", "process", "read_stdin.ts");

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
      for (const acceptsPipes of [true, false]) {
        const bound = { maxBytes: 10, acceptsPipes };
        assert.throws(() => readBounded("/dev/zero", bound), { code: "ENODEV" });
      }
    });

    it("bounds a file whose size the system does not tell", () => {
      assert.throws(() => readBounded("/proc/self/maps", { maxBytes: 10 }), { code: "EFBIG" });
      assert.match(readBounded("/proc/self/maps", { maxBytes: 1_000_000 }), /^[0-9a-f]+-/);
    });

    it("refuses a pipe that no program writes, without waiting for one", () => {
      using folder = tempDirectory();
      const path = join(folder.path, "pipe");
      execFileSync("mkfifo", [path]);
      for (const acceptsPipes of [true, false]) {
        assert.throws(() => readBounded(path, { maxBytes: 10, acceptsPipes }), { code: "ENODEV" });
      }
    });

    it("reads a pipe that is already open, where pipes are accepted", () => {
      const run = process.versions["deno"] ? ["run", "-A", "--no-check", "--quiet"] : [];
      for (const path of ["/dev/stdin", "/dev/fd/0", "/proc/self/fd/0"]) {
        const ended = spawnSync(process.execPath, [...run, SCRIPT, path], {
          input: "text",
          encoding: "utf8",
        });
        assert.equal(ended.stdout, "text\n", ended.stderr);
      }
    });
  });
});
