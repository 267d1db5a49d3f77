import assert from "node:assert/strict";
import { closeSync, openSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { loadFlock } from "../../../src/host/locks/lock.ts";
import { tempDirectory } from "../../support/temp_directory.ts";

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
