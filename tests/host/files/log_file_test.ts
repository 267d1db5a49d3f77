import assert from "node:assert/strict";
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { describe, it } from "node:test";
import { openLogFile } from "../../../src/host/files/log_file.ts";
import { tempDirectory } from "../../support/temp_directory.ts";

const onFailed = (error: unknown) => assert.fail(String(error));

describe("[O2] openLogFile()", () => {
  it("keeps the newest lines, within its size, and only for this user", () => {
    using folder = tempDirectory();
    const path = join(folder.path, "x.log");
    const append = openLogFile({ path, maxBytes: 500, onFailed });
    for (let at = 100; at < 200; at += 1) append(`line ${at}\n`);
    const files = readdirSync(folder.path).toSorted();
    assert.deepEqual(files, ["x.log", "x.log.1", "x.log.2", "x.log.3", "x.log.4"]);
    const text = files.toReversed().map((file) => readFileSync(join(folder.path, file), "utf8"));
    assert.ok(text.join("").length <= 500);
    assert.match(text.join(""), /^line \d+\n(line \d+\n)*line 199\n$/);
    if (process.platform !== "win32") assert.equal(statSync(path).mode & 0o777, 0o600);
  });

  it("continues the file of the last run", () => {
    using folder = tempDirectory();
    const path = join(folder.path, "x.log");
    openLogFile({ path, maxBytes: 5_000, onFailed })("one\n");
    openLogFile({ path, maxBytes: 5_000, onFailed })("two\n");
    assert.equal(readFileSync(path, "utf8"), "one\ntwo\n");
  });

  it("tells once that it fails, and throws nothing", () => {
    using folder = tempDirectory();
    const path = join(folder.path, "x.log");
    const told: unknown[] = [];
    const append = openLogFile({ path, maxBytes: 50, onFailed: (error) => told.push(error) });
    append("12345678\n");
    // Folders stand where the oldest files should be.
    for (const old of [3, 4]) mkdirSync(join(`${path}.${old}`, "x"), { recursive: true });
    for (const _ of ["once", "twice"]) append("12345678\n");
    assert.equal(told.length, 1);
    rmSync(`${path}.4`, { recursive: true });
    append("again\n");
    assert.equal(readFileSync(path, "utf8"), "again\n");
  });

  it("throws if it cannot be opened", () => {
    using folder = tempDirectory();
    assert.throws(() => openLogFile({ path: folder.path, maxBytes: 50, onFailed }), /EISDIR/);
  });
});
