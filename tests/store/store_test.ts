import assert from "node:assert/strict";
import { join } from "node:path";
import { describe, it } from "node:test";
import { openStore } from "../support/store/open_database.ts";
import { ACCOUNT } from "../support/discord/builders.ts";
import { accepted, batch } from "../support/store/store.ts";
import { tempDirectory } from "../support/temp_directory.ts";

const NOW = Date.UTC(2026, 0, 1);

describe("openStore()", () => {
  it("[O7] stores waiting work on close(), and refuses later work", async () => {
    using directory = tempDirectory();
    const path = join(directory.path, "barnacle.db");
    const store = openStore(path, { now: NOW, elapsed: () => 0 });
    const asked = store.inbox.acceptBatch(batch({ judged: [accepted()] }), NOW);
    store.close();
    assert.equal((await asked).accepted.length, 1);
    await assert.rejects(store.gateway.touchAlive(ACCOUNT, undefined, NOW), /closed/);
  });
});
