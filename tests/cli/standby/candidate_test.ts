/** Tests a process that takes partitions and gives them up, over a real PostgreSQL. */

import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { createCandidate } from "../../../src/cli/standby/candidate.ts";
import { createRemote } from "../../../src/store/replica/remote.ts";
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

  it("follows the next owner, also if it looked while it became the owner itself", async () => {
    const url = server.create();
    using root = tempDirectory();
    const remote = createRemote(url, { partitions: 2 });
    await remote.open();
    const failures: unknown[] = [];
    const candidateAt = (place: string, onOpen: () => void = () => {}) => {
      const folder = join(root.path, place);
      mkdirSync(folder);
      return createCandidate({
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
        onWhole() {},
        onFailed: (error) => failures.push(error),
      });
    };
    const look = async () => await remote.look();
    let seen = await look();
    const first = candidateAt("first", () => first.saw(seen));
    const second = candidateAt("second");
    const whole = async (one: typeof first) => {
      const until = performance.now() + LIMIT_MS;
      do {
        assert.ok(performance.now() < until, "no copy");
        one.saw(seen = await look());
        await settle();
      } while (!one.isWhole() && failures.length === 0);
    };
    await whole(first);
    const owned = await first.take(false);
    assert.ok(owned);
    await whole(second);
    await owned.close();
    first.released();
    second.doubt(); // another server may have answered since
    assert.equal(second.isWhole(), false);
    assert.equal(await second.take(false), undefined);
    await whole(second);
    const next = await second.take(false);
    assert.ok(next);
    await whole(first);
    assert.deepEqual(failures, []);
    await next.close();
    await Promise.all([first.close(), second.close(), remote.close()]);
  });
});
