import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { execFileSync } from "node:child_process";
import { mkdirSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { listTree, openTreeFile } from "../../../../src/extras/backup/archive/file_tree.ts";
import { tempDirectory } from "../../../support/temp_directory.ts";

describe("[O11] listTree()", () => {
  it("lists regular files, and names all others", async () => {
    using directory = tempDirectory();
    const root = join(directory.path, "root");
    mkdirSync(join(root, "notes", "deep"), { recursive: true });
    writeFileSync(join(directory.path, "secret"), "a secret of the host");
    writeFileSync(join(root, "notes", "a.md"), "one");
    writeFileSync(join(root, "notes", "deep", "b.sh"), "two", { mode: 0o755 });
    writeFileSync(join(root, "line\nend"), "three");
    symlinkSync("../secret", join(root, "link"));
    symlinkSync("..", join(root, "up"));
    execFileSync("mkfifo", [join(root, "pipe")]);
    const { files, left } = await listTree(root);
    assert.deepEqual(files.map(({ path, size, isProgram }) => [path, size, isProgram]), [
      ["notes/a.md", 3, false],
      ["notes/deep/b.sh", 3, true],
    ]);
    assert.deepEqual(left, ["line\nend", "link", "pipe", "up"]);
  });

  it("finds nothing in a missing folder, and behind a link", async () => {
    using directory = tempDirectory();
    symlinkSync("/etc", join(directory.path, "link"));
    for (const name of ["missing", "link"]) {
      assert.deepEqual(await listTree(join(directory.path, name)), { files: [], left: [] });
    }
  });
});

describe("[O11] openTreeFile()", () => {
  it("reads as many bytes as the file had when it was opened", async () => {
    using directory = tempDirectory();
    const path = join(directory.path, "a");
    for (const length of [2, 5]) {
      writeFileSync(path, "1234");
      const opened = await openTreeFile(path);
      assert.ok(opened);
      truncateSync(path, length);
      const parts: Uint8Array[] = [];
      for await (const part of opened.content) parts.push(part);
      assert.equal(Buffer.concat(parts).toString(), "1234".slice(0, length).padEnd(4, "\0"));
    }
  });

  it("opens neither links nor pipes", async () => {
    using directory = tempDirectory();
    symlinkSync("/etc/passwd", join(directory.path, "link"));
    execFileSync("mkfifo", [join(directory.path, "pipe")]);
    for (const name of ["link", "pipe", "missing"]) {
      assert.equal(await openTreeFile(join(directory.path, name)), undefined);
    }
  });
});
