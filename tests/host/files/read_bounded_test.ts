import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { describe, it } from "node:test";
import { readBounded } from "../../../src/host/files/read_bounded.ts";
import { skipUnless } from "../../support/skip.ts";
import { tempDirectory } from "../../support/temp_directory.ts";

const SCRIPT = join(import.meta.dirname!, "..", "..", "support", "process", "read_stdin.ts");

function namedPipe(folder: string): string {
  const path = join(folder, "pipe");
  execFileSync("mkfifo", [path]);
  return path;
}

/** A shell that writes to a pipe, beside this thread, which waits. */
function writer(script: string): { readonly ended: Promise<unknown>; kill(): void } {
  const child = spawn("sh", ["-c", script], { stdio: "ignore" });
  return { ended: once(child, "exit"), kill: () => void child.kill() };
}

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
      for (const acceptsPipes of [true, false]) {
        const bound = { maxBytes: 10, acceptsPipes };
        assert.throws(() => readBounded("/dev/zero", bound), { code: "ENODEV" });
      }
    });

    it("bounds a file whose size the system does not tell", () => {
      assert.throws(() => readBounded("/proc/self/maps", { maxBytes: 10 }), { code: "EFBIG" });
      assert.match(readBounded("/proc/self/maps", { maxBytes: 1_000_000 }), /^[0-9a-f]+-/);
    });

    it("refuses a pipe that no program writes, after a bounded wait if pipes are accepted", () => {
      using folder = tempDirectory();
      const path = namedPipe(folder.path);
      assert.throws(() => readBounded(path, { maxBytes: 10 }), { code: "ENODEV" });
      assert.throws(() => readBounded(path, { maxBytes: 10, acceptsPipes: true, pipeMs: 60 }), {
        code: "ETIMEDOUT",
        message: "it is a pipe, and no program wrote to it within 1 s",
      });
    });

    it("reads a named pipe to its end, though its writer comes late and stops in between", async () => {
      using folder = tempDirectory();
      const path = namedPipe(folder.path);
      const { ended } = writer(`sleep 0.2; { printf one; sleep 0.2; printf two; } > "${path}"`);
      assert.equal(readBounded(path, { maxBytes: 6, acceptsPipes: true }), "onetwo");
      await ended;
    });

    it("refuses a pipe with too much, and one whose writer does not end it", async () => {
      using folder = tempDirectory();
      const path = namedPipe(folder.path);
      const endless = writer(`while printf xxxx; do :; done > "${path}"`);
      assert.throws(() => readBounded(path, { maxBytes: 10, acceptsPipes: true }), {
        code: "EFBIG",
      });
      await endless.ended;
      const silent = writer(`{ printf x; exec sleep 60; } > "${path}"`);
      assert.throws(() => readBounded(path, { maxBytes: 10, acceptsPipes: true, pipeMs: 2_000 }), {
        code: "ETIMEDOUT",
      });
      silent.kill();
      await silent.ended;
    });

    it("reads a pipe that is already open, where pipes are accepted", () => {
      const run = process.versions["deno"] ? ["run", "-A", "--no-check", "--quiet"] : [];
      for (const path of ["/dev/stdin", "/dev/fd/0", "/proc/self/fd/0"]) {
        const ended = spawnSync(process.execPath, [...run, SCRIPT, path], {
          input: "text",
          encoding: "utf8",
        });
        assert.equal(ended.stdout, "text\n", ended.stderr);
        const argv = [process.execPath, ...run, SCRIPT, path];
        const empty = spawnSync("sh", ["-c", 'true | "$0" "$@"', ...argv], { encoding: "utf8" });
        assert.equal(empty.stdout, "\n", empty.stderr); // its writer has ended; none is waited for
      }
    });
  });
});
