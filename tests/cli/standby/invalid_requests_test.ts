/** Tests the count of invalid requests over all processes, over a real PostgreSQL. */

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { createFleetInvalid } from "../../../src/cli/standby/invalid_requests.ts";
import { createRemote } from "../../../src/store/replica/remote.ts";
import { NEEDS_POSTGRES, type Postgres, startPostgres } from "../../support/store/postgres.ts";

const MINUTE_MS = 60_000;
const NOW = Date.UTC(2026, 10, 25);
const MINUTE = NOW / MINUTE_MS;

describe("[O16] [D3] createFleetInvalid()", NEEDS_POSTGRES, () => {
  let server: Postgres;
  before(async () => void (server = await startPostgres()));
  after(() => server.close());

  async function openFleet() {
    const url = server.create();
    const remotes = [0, 1].map(() => createRemote(url, { partitions: 3 }));
    await Promise.all(remotes.map((one) => one.open()));
    let isDown = false;
    const processes = remotes.map((remote, place) => {
      const invalid = createFleetInvalid({
        meet: (...given) => isDown ? Promise.reject(new Error("down")) : remote.meet(...given),
      });
      return { ...invalid, look: () => invalid.meet({ place: `host:/${place}`, copied: [] }) };
    });
    const [here, there] = processes;
    assert.ok(here && there);
    return {
      here,
      there,
      setDown: (down: boolean) => void (isDown = down),
      async [Symbol.asyncDispose]() {
        await Promise.all(remotes.map((one) => one.close()));
      },
    };
  }

  it("counts the requests of all partitions, for each those of the others", async () => {
    await using fleet = await openFleet();
    const { here, there } = fleet;
    const [zero, one, two] = [here.of(0), here.of(1), there.of(2)];
    for (const _ of [1, 2, 3]) zero.note(MINUTE);
    one.note(MINUTE - 1);
    two.note(MINUTE - 9);
    assert.deepEqual([zero, one, two].map(({ count }) => count(NOW)), [1, 3, 0], "at once here");
    for (const process of [here, there, here]) await process.look();
    assert.deepEqual([zero, one, two].map(({ count }) => count(NOW)), [2, 4, 4]);
    zero.note(MINUTE); // the row of a minute grows
    for (const process of [here, there]) await process.look();
    assert.equal(two.count(NOW), 5);
    assert.equal(there.of(0).count(NOW), 2, "after a takeover");
    assert.equal(zero.count(NOW + 2 * MINUTE_MS), 1, "ten minutes are over for one");
    assert.equal(zero.count(NOW + 20 * MINUTE_MS), 0);
  });

  it("loses none while PostgreSQL does not answer", async () => {
    await using fleet = await openFleet();
    const { here, there } = fleet;
    here.of(0).note(MINUTE);
    fleet.setDown(true);
    await assert.rejects(here.look());
    here.of(0).note(MINUTE);
    fleet.setDown(false);
    for (const process of [here, there]) await process.look();
    assert.equal(there.of(2).count(NOW), 2);
  });
});
