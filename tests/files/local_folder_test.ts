import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { lookAt } from "../../src/files/local_folder.ts";
import { tempDirectory } from "../support/temp_directory.ts";

const now = () => Date.now();

describe("[O17] lookAt()", () => {
  it("leaves files beyond the limit on their machine, and says so", async () => {
    using directory = tempDirectory();
    for (let file = 0; file < 4_003; file++) writeFileSync(join(directory.path, `f${file}`), "");
    const { files, left } = await lookAt(directory.path, new Map(), now);
    assert.equal(files.size, 4_000);
    assert.deepEqual(left.length, 3);
    assert.match(left[0] ?? "", /\(the workspace has too many files\)$/);
  });

  it("reads a file again only if its stamp has changed", async () => {
    using directory = tempDirectory();
    const file = join(directory.path, "a");
    writeFileSync(file, "1");
    const first = (await lookAt(directory.path, new Map(), now)).files.get("a");
    assert.ok(first);
    const known = new Map([["a", { ...first, hash: "known" }]]);
    assert.equal((await lookAt(directory.path, known, now)).files.get("a")?.hash, "known");
    writeFileSync(file, "22");
    assert.notEqual((await lookAt(directory.path, known, now)).files.get("a")?.hash, "known");
  });

  it("trusts no stamp of a file that has just changed", async () => {
    using directory = tempDirectory();
    writeFileSync(join(directory.path, "a"), "1");
    const at = async (ms: number) =>
      (await lookAt(directory.path, new Map(), () => Date.now() + ms)).files.get("a")?.isSettled;
    assert.deepEqual([await at(0), await at(10_000)], [false, true]);
  });

  it("skips files that a process is writing", async () => {
    using directory = tempDirectory();
    mkdirSync(join(directory.path, "notes"));
    writeFileSync(join(directory.path, "notes", ".0123456789abcdef.tmp"), "half");
    writeFileSync(join(directory.path, "notes", ".hidden"), "whole");
    const { files, left } = await lookAt(directory.path, new Map(), now);
    assert.deepEqual([[...files.keys()], left], [["notes/.hidden"], []]);
  });
});
