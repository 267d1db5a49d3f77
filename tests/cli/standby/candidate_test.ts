/** Tests a process that takes partitions and gives them up, over a real PostgreSQL. */

import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { createCandidate } from "../../../src/cli/standby/candidate.ts";
import { COMMIT_OPTIONS } from "../../../src/store/database/durability.ts";
import type { SharedStore } from "../../../src/cli/standby/join.ts";
import { createRemote } from "../../../src/store/replica/remote.ts";
import { openDatabase } from "../../../src/store/database/database.ts";
import { openStore } from "../../../src/store/store.ts";
import { recordingLog } from "../../support/recording_log.ts";
import { settle } from "../../support/settle.ts";
import { NEEDS_POSTGRES, type Postgres, startPostgres } from "../../support/store/postgres.ts";
import { tempDirectory } from "../../support/temp_directory.ts";

const LIMIT_MS = 30_000;

describe("[O16] a candidate for a partition", NEEDS_POSTGRES, () => {
  let server: Postgres;
  before(async () => void (server = await startPostgres()));
  after(() => server.close());

  /** A database, and candidates in folders of their own. */
  async function opened() {
    const url = server.create();
    const root = tempDirectory();
    const remote = createRemote(url, { partitions: 2 });
    await remote.open();
    const failures: unknown[] = [];
    const candidates: ReturnType<typeof createCandidate>[] = [];
    const databaseOf = (place: string) =>
      openDatabase(join(root.path, place, "barnacle.db"), Date.now());
    return {
      look: () => remote.look(),
      candidateAt(place: string, onOpen: () => void = () => {}) {
        const folder = join(root.path, place);
        mkdirSync(folder);
        const candidate = createCandidate({
          url,
          bots: ["abc"],
          version: "1.0.0",
          log: recordingLog().log,
          onLost: () => assert.fail("the lease holds"),
          index: 0,
          count: 2,
          folder,
          place,
          openStore(path) {
            onOpen();
            return openStore(join(path, "barnacle.db"), { elapsed: () => 0, now: Date.now() });
          },
          onFailed: (error) => failures.push(error),
        });
        candidates.push(candidate);
        return candidate;
      },
      async whole(one: ReturnType<typeof createCandidate>): Promise<void> {
        const until = performance.now() + LIMIT_MS;
        do {
          assert.ok(performance.now() < until, "no copy");
          one.saw(await remote.look());
          await settle();
        } while (!one.isWhole() && failures.length === 0);
      },
      /** Changes the store of an owner. */
      change(place: string, owned: Pick<SharedStore, "committed">, guild: string): void {
        const database = databaseOf(place);
        database.prepare("INSERT INTO asked_guild VALUES ('main', ?, 7)").run(guild);
        owned.committed();
        database.close();
      },
      guilds(place: string): readonly unknown[] {
        const database = databaseOf(place);
        const rows = database.prepare("SELECT guild_id AS id FROM asked_guild").all();
        database.close();
        return rows.map(({ id }) => id);
      },
      async [Symbol.asyncDispose]() {
        await Promise.all(candidates.map((one) => one.close()));
        await remote.close();
        root[Symbol.dispose]();
        assert.deepEqual(failures, []);
      },
    };
  }

  it("follows the next owner, also if it looked while it became the owner itself", async () => {
    await using scene = await opened();
    const { look, candidateAt, whole, change, guilds } = scene;
    const seen = await look();
    const first = candidateAt("first", () => first.saw(seen));
    const second = candidateAt("second");
    await whole(first);
    const owned = await first.take(false);
    assert.ok(owned);
    await whole(second);
    change("first", owned, "1400000000000000001"); // after the last copy: the takeover reads it
    await owned.close();
    first.released();
    second.saw(await look());
    const next = await second.take(false);
    assert.ok(next);
    assert.deepEqual(guilds("second"), ["1400000000000000001"]);
    await whole(first);
    await next.close();
  });

  it("waits for the owner after PostgreSQL went back, also to changes that no copy had", async () => {
    await using scene = await opened();
    const { look, candidateAt, whole, change } = scene;
    const first = candidateAt("first");
    const second = candidateAt("second");
    await whole(first);
    const owned = await first.take(false);
    assert.ok(owned);
    await whole(second);
    const copied = await look();
    change("first", owned, "1400000000000000001");
    await owned.confirmed(COMMIT_OPTIONS.T4);
    const between = await look();
    change("first", owned, "1400000000000000002");
    await owned.close();
    const newest = await look();
    assert.ok(copied.sequence < between.sequence && between.sequence < newest.sequence);
    second.saw(newest); // looks again, and copies later
    second.saw({ ...between, isFree: true });
    assert.equal(await second.take(false), undefined);
  });
});
