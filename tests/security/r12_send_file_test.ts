/** Attacks on `barnacle send --file` by paths that are no files, that never end, or that change. */

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { appendFileSync, renameSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { once } from "node:events";
import { join } from "node:path";
import process from "node:process";
import { describe, it } from "node:test";
import { send } from "../../src/features/delivery/send.ts";
import { FileRefusedError, withRegularFile } from "../../src/host/files/read_bounded.ts";
import { recordingIo } from "../cli/io.ts";
import { skipUnless } from "../support/skip.ts";
import { tempDirectory } from "../support/temp_directory.ts";

const ON_LINUX = skipUnless(process.platform === "linux", "needs /proc and devices");
const TARGET = "channel:123456789012345678";

/** Runs the command without a token, so an accepted file ends with 78. */
async function sendFile(folder: string, path: string, text: string | undefined = "x") {
  const config = join(folder, "config.jsonc");
  writeFileSync(config, '{ "channels": { "discord": { "mediaMaxMb": 1 } } }', { mode: 0o600 });
  const io = recordingIo();
  const flags = { config, data: join(folder, "data"), json: false, wait: 0, file: [path] };
  const code = await send(flags, { target: TARGET, text }, io, () => Promise.resolve(""));
  return { code, stderr: io.stderr.join("\n") };
}

function pathIn(folder: string, content?: string): string {
  const path = join(folder, "report.txt");
  if (content !== undefined) writeFileSync(path, content);
  return path;
}

describe("[R12] barnacle send --file", () => {
  const SYSTEM = [
    "/proc/self/environ",
    "/proc/self/cmdline",
    "/proc/cpuinfo",
    "/proc/self/root/proc/version",
    "/sys/kernel/mm/transparent_hugepage/enabled",
    "/dev/zero",
    "/dev/null",
    "/dev/tty",
  ];
  for (const path of SYSTEM) {
    it(`refuses ${path}, also by a link`, ON_LINUX, async () => {
      using folder = tempDirectory();
      const link = pathIn(folder.path);
      symlinkSync(path, link);
      for (const named of [path, link]) {
        const { code, stderr } = await sendFile(folder.path, named);
        assert.equal(code, 2, `${named} ${stderr}`);
        assert.match(stderr, /cannot (?:send|read) /);
      }
    });
  }

  it("refuses a pipe without a writer, and does not wait for one", ON_LINUX, async () => {
    using folder = tempDirectory();
    const path = pathIn(folder.path);
    execFileSync("mkfifo", [path]);
    const { code, stderr } = await sendFile(folder.path, path);
    assert.equal(code, 2);
    assert.match(stderr, /it is not a regular file/);
  });

  it("refuses a socket", ON_LINUX, async () => {
    using folder = tempDirectory();
    const path = pathIn(folder.path);
    const server = createServer().listen(path);
    await once(server, "listening");
    const { code, stderr } = await sendFile(folder.path, path);
    server.close();
    assert.equal(code, 2);
    assert.match(stderr, /it is not a regular file/);
  });

  it("refuses a file over the limit, and a link that leads in a circle", async () => {
    using folder = tempDirectory();
    const path = pathIn(folder.path, "");
    truncateSync(path, 2 ** 20 + 1);
    const large = await sendFile(folder.path, path);
    assert.deepEqual([large.code, /is too large/.test(large.stderr)], [2, true]);
    const circle = join(folder.path, "circle");
    symlinkSync(circle, circle);
    assert.match(
      (await sendFile(folder.path, circle)).stderr,
      /cannot read .*: its links lead in a circle/,
    );
  });
});

describe("[R12] withRegularFile()", () => {
  const refusal = (code: FileRefusedError["code"]) => (error: unknown) =>
    error instanceof FileRefusedError && error.code === code;

  it("reads at most its limit and one byte of a file that grows", () => {
    using folder = tempDirectory();
    const path = pathIn(folder.path, "0123456789");
    withRegularFile(path, (file) => {
      appendFileSync(path, "x".repeat(100_000));
      assert.throws(() => file.read(20), refusal("EFBIG"));
    });
    assert.equal(withRegularFile(path, (file) => file.read(100_010)).length, 100_010);
    assert.throws(() => withRegularFile(path, (file) => file.read(100_009)), refusal("EFBIG"));
  });

  it("reads the file that it has checked, if the path points elsewhere meanwhile", () => {
    using folder = tempDirectory();
    const path = pathIn(folder.path, "checked");
    const other = join(folder.path, "other");
    writeFileSync(other, "secret");
    const text = withRegularFile(path, (file) => {
      symlinkSync(other, `${path}.new`);
      renameSync(`${path}.new`, path);
      assert.equal(file.realPath.endsWith("other"), false);
      return new TextDecoder().decode(file.read(100));
    });
    assert.equal(text, "checked");
  });

  it("names the open file", ON_LINUX, () => {
    using folder = tempDirectory();
    const target = join(folder.path, "target");
    writeFileSync(target, "content");
    const link = pathIn(folder.path);
    symlinkSync(target, link);
    assert.equal(withRegularFile(link, ({ realPath }) => realPath), target);
  });
});
