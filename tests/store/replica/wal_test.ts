import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { appendFileSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import fc from "fast-check";
import { createWalReader, PAGE_BYTES } from "../../../src/store/replica/wal.ts";
import { cases } from "../../support/long_form.ts";
import { openRandom, playStep, randomStep } from "../../support/store/random_history.ts";
import { tempDirectory } from "../../support/temp_directory.ts";

describe("createWalReader()", () => {
  it("[O15] reads exactly the changed pages of each commit, whatever was undone or checkpointed", () => {
    fc.assert(
      fc.property(fc.array(randomStep, { minLength: 1, maxLength: 30 }), (steps) => {
        using directory = tempDirectory();
        const path = join(directory.path, "notes.db");
        openRandom(path).close(); // now the file has everything, and there is no log
        const copy = new Map<number, Uint8Array>();
        const stored = readFileSync(path);
        for (let page = 0; page < stored.length / PAGE_BYTES; page++) {
          copy.set(page + 1, stored.subarray(page * PAGE_BYTES, (page + 1) * PAGE_BYTES));
        }
        const database = openRandom(path);
        const reader = createWalReader(path);
        for (const one of steps) {
          playStep(database, one);
          const { pages = [], pageCount = Infinity } = reader.read() ?? {};
          for (const [page, bytes] of pages) copy.set(page, bytes);
          for (const page of copy.keys()) if (page > pageCount) copy.delete(page);
          assert.equal(reader.read(), undefined, "nothing is read twice");
        }
        reader.close();
        database.close();
        const pages = [...copy].sort(([one], [other]) => one - other);
        assert.ok(Buffer.concat(pages.map(([, bytes]) => bytes)).equals(readFileSync(path)));
      }),
      { numRuns: cases(40, 2_000) },
    );
  });

  it("[O15] reads no frame whose checksum does not continue the log", () => {
    using directory = tempDirectory();
    const path = join(directory.path, "notes.db");
    const database = openRandom(path);
    playStep(database, { kind: "insert", rows: 1 });
    const reader = createWalReader(path);
    assert.ok(reader.read());
    const log = readFileSync(`${path}-wal`);
    appendFileSync(`${path}-wal`, log.subarray(-(PAGE_BYTES + 24))); // a commit, with its salts
    assert.equal(reader.read(), undefined);
    playStep(database, { kind: "insert", rows: 1 });
    assert.ok(reader.read(), "the next commit takes its place");
    reader.close();
    database.close();
  });

  it("[O15] reads nothing before the first commit", () => {
    using directory = tempDirectory();
    const reader = createWalReader(join(directory.path, "notes.db"));
    assert.equal(reader.read(), undefined);
  });
});
