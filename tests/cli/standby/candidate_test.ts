/** Tests a process that takes partitions and gives them up, over a real PostgreSQL. */

import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import postgres from "postgres";
import { createCandidate } from "../../../src/cli/standby/candidate.ts";
import { COMMIT_OPTIONS, type Follower } from "../../../src/store/database/durability.ts";
import { lackingPages } from "../../../src/store/replica/copy.ts";
import { createRemote, type RemoteState } from "../../../src/store/replica/remote.ts";
import type { Store } from "../../../src/core/store/store.ts";
import { openStore } from "../../../src/store/store.ts";
import { recordingLog } from "../../support/recording_log.ts";
import { settle } from "../../support/settle.ts";
import { NEEDS_POSTGRES, type Postgres, startPostgres } from "../../support/store/postgres.ts";
import { ACCOUNT, guildMessage, messageId } from "../../support/discord/builders.ts";
import { accepted, batch } from "../../support/store/store.ts";
import { tempDirectory } from "../../support/temp_directory.ts";

const LIMIT_MS = 30_000;

describe("[O16] a candidate for a partition", NEEDS_POSTGRES, () => {
  let server: Postgres;
  before(async () => void (server = await startPostgres()));
  after(() => server.close());

  const optionsOf = (
    folder: string,
    place: string,
    url: string,
    onFailed: (error: unknown) => void,
    onOpen: () => void = () => {},
  ) => ({
    url,
    bots: ["abc"],
    version: "1.0.0",
    log: recordingLog().log,
    onLost: () => assert.fail("the lease holds"),
    index: 0,
    count: 2,
    folder,
    place,
    openStore(path: string) {
      onOpen();
      return openStore(join(path, "barnacle.db"), { elapsed: () => 0, now: Date.now() });
    },
    onWhole() {},
    onFailed,
  });

  /** Looks until the candidate has a whole copy. */
  async function whole(
    one: ReturnType<typeof createCandidate>,
    look: () => Promise<RemoteState>,
  ): Promise<void> {
    const until = performance.now() + LIMIT_MS;
    do {
      assert.ok(performance.now() < until, "no copy");
      one.saw(await look());
      await settle();
    } while (!one.isWhole());
  }

  it("[O15] takes over a copy as it is, and sends what the journal of the killed owner changes", async () => {
    const url = server.create();
    using root = tempDirectory();
    const remote = createRemote(url, { partitions: 2 });
    await remote.open();
    const at = (place: string) => {
      const folder = join(root.path, place);
      mkdirSync(folder);
      return { folder, candidate: createCandidate(optionsOf(folder, place, url, assert.ifError)) };
    };
    const open = (folder: string, follower: Follower) =>
      openStore(join(folder, "barnacle.db"), {
        elapsed: () => 0,
        now: Date.now(),
        follower,
        schedule: () => () => {}, // the journal keeps its work
      });
    const [first, second] = [at("first"), at("second")];
    await whole(first.candidate, remote.look);
    const killed = await first.candidate.take(false);
    assert.ok(killed);
    const store = open(first.folder, killed);
    const accept = async (store: Store, id: string, text: string) => {
      const judged = [accepted(guildMessage({ id: messageId(id), text }))];
      await store.inbox.acceptBatch(batch({ judged }), Date.now());
    };
    await accept(store, "1400000000000000100", "first");
    await store.inbox.claimNext(ACCOUNT, Date.now(), []); // the next messages go to the journal
    // Its work is more than SQLite's log holds, so the next commit begins that anew.
    await accept(store, "1400000000000000200", "€".repeat(1_900_000));
    await killed.confirmed(COMMIT_OPTIONS.T4);
    assert.notEqual(store.caches()["journal"], 0, "the tables have all of it");
    await killed.close(); // with the journal's work undone
    first.candidate.released();

    await whole(second.candidate, remote.look);
    // A page that differs shows whether the takeover compares.
    const sql = postgres(url, { max: 1, onnotice() {} });
    const last = sql`(SELECT max(number) FROM barnacle.pages WHERE partition = 0)`;
    const [{ bytes } = { bytes: null }] = await sql`
      SELECT bytes FROM barnacle.pages WHERE partition = 0 AND number = ${last}`;
    await sql`UPDATE barnacle.pages SET bytes = '\\x00' WHERE partition = 0 AND number = ${last}`;
    const owner = await second.candidate.take(false);
    assert.ok(owner);
    const [page] = await sql`
      SELECT length(bytes) AS length FROM barnacle.pages WHERE partition = 0 AND number = ${last}`;
    assert.equal(page?.["length"], 1, "the takeover compared all pages");
    await sql`UPDATE barnacle.pages SET bytes = ${bytes} WHERE partition = 0 AND number = ${last}`;
    await sql.end();

    const next = open(second.folder, owner);
    await accept(next, "1400000000000000300", "third");
    next.close();
    await owner.close();
    const { pageCount } = await remote.look();
    const path = join(second.folder, "barnacle.db");
    const lacking = await Array.fromAsync(lackingPages(path, remote, pageCount));
    assert.deepEqual(lacking.map(({ pages }) => [...pages.keys()]), []);
    store.close();
    await Promise.all([first.candidate.close(), second.candidate.close(), remote.close()]);
  });

  it("follows the next owner, also if it looked while it became the owner itself", async () => {
    const url = server.create();
    using root = tempDirectory();
    const remote = createRemote(url, { partitions: 2 });
    await remote.open();
    const failures: unknown[] = [];
    const candidateAt = (place: string, onOpen?: () => void) => {
      const folder = join(root.path, place);
      mkdirSync(folder);
      const failed = (error: unknown) => void failures.push(error);
      return createCandidate(optionsOf(folder, place, url, failed, onOpen));
    };
    let seen = await remote.look();
    const look = async () => seen = await remote.look();
    const first = candidateAt("first", () => first.saw(seen));
    const second = candidateAt("second");
    await whole(first, look);
    const owned = await first.take(false);
    assert.ok(owned);
    await whole(second, look);
    await owned.close();
    first.released();
    second.doubt(); // another server may have answered since
    assert.equal(second.isWhole(), false);
    assert.equal(await second.take(false), undefined);
    await whole(second, look);
    const next = await second.take(false);
    assert.ok(next);
    await whole(first, look);
    assert.deepEqual(failures, []);
    await next.close();
    await Promise.all([first.close(), second.close(), remote.close()]);
  });
});
