import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { createCommits } from "../../../src/store/database/commits.ts";
import { openDatabase } from "../../../src/store/database/database.ts";
import { COMMIT_OPTIONS, type Follower, UNNAMED } from "../../../src/store/database/durability.ts";
import { createWalReader } from "../../../src/store/replica/wal.ts";
import { createStore } from "../../../src/store/store.ts";
import { ACCOUNT, guildMessage } from "../../support/discord/builders.ts";
import { accepted, batch } from "../../support/store/store.ts";
import { tempDirectory } from "../../support/temp_directory.ts";

const NOW = Date.UTC(2026, 0, 1);

describe("a follower of the store", () => {
  it("[O15] lets full commits wait until it has them, and no others", async () => {
    using directory = tempDirectory();
    const database = openDatabase(join(directory.path, "notes.db"), 0);
    const { promise, resolve } = Promise.withResolvers<void>();
    const calls: string[] = [];
    const commits = createCommits(database, {
      path: "notes.db",
      crash: { before() {}, after: (name) => void calls.push(name) },
      onUndone() {},
      onRefused() {},
      follower: {
        committed: () => void calls.push("committed"),
        confirmed: ({ durability }) => durability === "full" ? promise : undefined,
      },
    });
    let isFull = false;
    const full = commits.commit(COMMIT_OPTIONS.T4, () => {}).then(() => isFull = true);
    await commits.commit(UNNAMED, () => {});
    assert.deepEqual(calls, ["T4", "committed"], "one group, and the log is read at once");
    await commits.commit(UNNAMED, () => {});
    assert.equal(isFull, false);
    resolve();
    await full;
    commits.close();
    database.close();
  });

  it("[O14] lets a program wait for its answer, however it asks for that", async () => {
    using directory = tempDirectory();
    const path = join(directory.path, "notes.db");
    const { promise, resolve } = Promise.withResolvers<void>();
    let isAway = false;
    const follower: Follower = {
      committed() {},
      confirmed: ({ durability }) => isAway && durability === "full" ? promise : undefined,
    };
    const store = createStore(openDatabase(path, 0), path, { elapsed: () => 0, follower });
    const call = guildMessage({ called: { program: "notes", kind: "ask" } });
    await store.inbox.acceptBatch(batch({ judged: [accepted(call)] }), NOW);
    const claim = await store.inbox.claimNext(ACCOUNT, NOW, []);
    assert.ok(claim);
    assert.equal((await store.programs.find(call.id))?.state, "open");
    isAway = true;
    /** Resolves once all work so far is committed. */
    const commits = () => new Promise<void>((done) => setImmediate(() => setImmediate(done)));
    const seen: string[] = [];
    const end = { claim, end: { kind: "answered" as const }, entries: [], outbox: [] };
    const ended = store.turns.finishTurn(end, NOW).then(() => void seen.push("ended"));
    await commits();
    const found = store.programs.find(call.id).then((one) => void seen.push(one?.state ?? ""));
    await commits();
    assert.deepEqual(seen, []);
    resolve();
    await Promise.all([ended, found]);
    assert.deepEqual(seen.sort(), ["answered", "ended"]);
    store.close();
  });

  it("[O15] gets the pages of a vacuum before the log is emptied", async () => {
    using directory = tempDirectory();
    const path = join(directory.path, "notes.db");
    createStore(openDatabase(path, 0), path, { elapsed: () => 0 }).close();
    const copy = new Map<number, Uint8Array>();
    const database = openDatabase(path, 0);
    const wal = createWalReader(path);
    const follower: Follower = {
      committed() {
        const { pages = [], pageCount = Infinity } = wal.read() ?? {};
        for (const [page, bytes] of pages) copy.set(page, bytes);
        for (const page of copy.keys()) if (page > pageCount) copy.delete(page);
      },
      confirmed: () => undefined,
    };
    const store = createStore(database, path, { elapsed: () => 0, follower });
    database.exec("CREATE TABLE junk (text TEXT)");
    const add = database.prepare("INSERT INTO junk VALUES (?)");
    for (let row = 0; row < 500; row++) add.run("krill ".repeat(300));
    database.exec("DELETE FROM junk WHERE rowid % 3 > 0");
    await store.forgetting.vacuum();
    store.close();
    wal.close();
    const pages = [...copy].sort(([one], [other]) => one - other);
    assert.ok(Buffer.concat(pages.map(([, bytes]) => bytes)).equals(readFileSync(path)));
  });
});
