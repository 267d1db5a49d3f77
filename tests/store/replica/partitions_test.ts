import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { after, before, describe, it } from "node:test";
import { RESERVE, SPACING_MS } from "../../../src/core/discord/identify_budget.ts";
import { FORGOTTEN, type RowChange } from "../../../src/core/partitions/shared_rows.ts";
import { shareIdentifies } from "../../../src/store/replica/identifies.ts";
import { createRemote } from "../../../src/store/replica/remote.ts";
import { checkSharedStore } from "../../../src/cli/standby/doctor_check.ts";
import { fleetStateOf } from "../../../src/store/replica/report.ts";
import { RemoteError } from "../../../src/store/replica/remote_error.ts";
import { PAGE_BYTES, type PageChange } from "../../../src/store/replica/wal.ts";
import { ACCOUNT } from "../../support/discord/builders.ts";
import { NEEDS_POSTGRES, type Postgres, startPostgres } from "../../support/store/postgres.ts";
import { openTestStore } from "../../support/store/store.ts";

const HERE = { owner: "here", place: "host:/here", bots: ["abc"] };
const THERE = { owner: "there", place: "host:/there", bots: ["abc"] };
const change = (fill: number): PageChange => ({
  pages: new Map([[1, Buffer.alloc(PAGE_BYTES, fill)]]),
  pageCount: 1,
});

describe("[O16] partitions in PostgreSQL", NEEDS_POSTGRES, () => {
  let server: Postgres;
  before(async () => void (server = await startPostgres()));
  after(() => server.close());

  async function opened(partition: number, url: string, partitions = 2) {
    const remote = createRemote(url, { partition, partitions });
    const state = await remote.open();
    return Object.assign(remote, { state, [Symbol.asyncDispose]: () => remote.close() });
  }

  it("have a lease, a number of changes and pages of their own", async () => {
    const url = server.create();
    await using zero = await opened(0, url);
    await using one = await opened(1, url);
    assert.notEqual(zero.state.id, one.state.id);
    const first = await zero.take(HERE, 0);
    const second = await one.take(THERE, 0);
    assert.ok(first && second);
    await zero.push(first, change(1));
    await one.push(second, change(2));
    await one.push({ ...second, sequence: 1 }, change(3));
    const bytesOf = async (remote: typeof zero) =>
      (await remote.changedSince({ sequence: 0, number: 0 })).map(({ bytes }) => bytes[0]);
    assert.deepEqual([await bytesOf(zero), await bytesOf(one)], [[1], [3]]);
    await zero.release(first);
    const { states } = await zero.meet({ place: HERE.place, copied: [] });
    assert.deepEqual(states.map(({ place, isFree }) => [place, isFree]), [
      [HERE.place, true],
      [THERE.place, false],
    ]);
  });

  it("keep their number once there is a store", async () => {
    const url = server.create();
    await using four = await opened(0, url, 4);
    await using two = await opened(1, url, 2); // there was nothing yet
    const lease = await two.take(HERE, 0);
    assert.ok(lease);
    await two.push(lease, change(1));
    await two.release(lease);
    await assert.rejects(
      opened(0, url, 4),
      (error) =>
        error instanceof RemoteError && error.kind === "divided" &&
        /partitions: 2, and this process 4/.test(error.message),
    );
    await four.close();
  });

  it("show each process the others, until they leave or fall silent", async () => {
    const url = server.create();
    await using here = await opened(0, url);
    await using there = await opened(0, url);
    await there.meet({ place: THERE.place, copied: [1, 0] });
    const placesOf = async () =>
      (await here.meet({ place: HERE.place, copied: [] })).members.map((one) => [
        one.place,
        one.copied,
      ]);
    assert.deepEqual(await placesOf(), [[HERE.place, []], [THERE.place, [1, 0]]]);
    const { states = [], members = [] } = await here.inspect();
    assert.deepEqual(fleetStateOf(states, members, HERE.place).processes, [
      { place: HERE.place, copied: 0 },
      { place: THERE.place, copied: 2 },
    ]);
    assert.deepEqual(states.map(({ partition }) => partition), [0, 1]);
    const doctor = await checkSharedStore(url, "/nowhere", { partitions: 2 });
    assert.equal(doctor.status, "warn");
    assert.match(doctor.why, /process: host:\/there: no partition, copies of all; no owner: /);
    assert.match(doctor.fix ?? "", /if partition 0 has no owner then/);
    server.sql(url, "UPDATE barnacle.members SET seen = seen - interval '1 minute'");
    assert.deepEqual(await placesOf(), [[HERE.place, []]]);
    await there.meet({ place: THERE.place, copied: [] });
    await there.leave(THERE.place, 60_000);
    assert.deepEqual(await placesOf(), [[HERE.place, []]]);
    assert.deepEqual((await here.inspect()).members?.map(({ place }) => place), [HERE.place]);
    await there.meet({ place: THERE.place, copied: [] }); // started again
    assert.deepEqual(await placesOf(), [[HERE.place, []], [THERE.place, []]]);
    await there.leave(THERE.place);
    assert.deepEqual(await placesOf(), [[HERE.place, []]]);
  });

  it("[G5] space and count the IDENTIFYs of all processes", async () => {
    const url = server.create();
    await using remote = await opened(0, url);
    const [first, second] = [0, 1].map(() =>
      shareIdentifies(openTestStore().store.gateway, remote)
    );
    assert.ok(first && second);
    const now = Date.now();
    assert.deepEqual(await first.takeIdentify(ACCOUNT, 0, now), { kind: "granted" });
    const refused = await second.takeIdentify(ACCOUNT, 1, now);
    assert.ok(refused.kind === "wait" && refused.why === "spacing");
    assert.ok(refused.untilMs - now <= SPACING_MS);
    assert.ok(await second.identifyInMs(ACCOUNT, 1, now) > 0);
    server.sql(url, "UPDATE barnacle.identifies SET at = at - interval '10 seconds'");
    assert.deepEqual(await second.takeIdentify(ACCOUNT, 1, now), { kind: "granted" });
    assert.equal((await first.identifyBudget(ACCOUNT, now)).left, 998);
    server.sql(
      url,
      `INSERT INTO barnacle.identifies (account, shard, at)
       SELECT 'default', 0, clock_timestamp() - interval '1 hour'
       FROM generate_series(1, ${1_000 - RESERVE})`,
    );
    const spent = await first.takeIdentify(ACCOUNT, 2, now + 60_000);
    assert.ok(spent.kind === "wait" && spent.why === "budget");
  });

  it("[G5] send no IDENTIFY while PostgreSQL is away, and start all the same", async () => {
    const { gateway } = openTestStore().store;
    const away = () => Promise.reject(new RemoteError("unreachable", "no answer within 5 s"));
    const shared = shareIdentifies(gateway, { identify: away });
    const now = Date.now();
    assert.equal(await shared.identifyInMs(ACCOUNT, 0, now), SPACING_MS);
    assert.equal((await shared.identifyBudget(ACCOUNT, now)).left, 1_000);
    await assert.rejects(shared.takeIdentify(ACCOUNT, 0, now), RemoteError);
    assert.deepEqual(await gateway.takeIdentify(ACCOUNT, 0, now), { kind: "granted" }); // none was taken
    const broken = shareIdentifies(gateway, { identify: () => Promise.reject(new TypeError("x")) });
    await assert.rejects(broken.identifyInMs(ACCOUNT, 0, now), TypeError);
  });

  it("store each change once, in one order, and drop those of a forgotten person", async () => {
    const url = server.create();
    await using remote = await opened(0, url);
    const changeOf = (id: string, key: string, value: string | null = null): RowChange => ({
      id,
      name: id === "f" ? FORGOTTEN : "paired",
      key: JSON.stringify([key]),
      value,
    });
    await remote.append([changeOf("a", "1400000000000000001", "{}")], 0);
    await remote.append([changeOf("a", "1400000000000000001", "{}"), changeOf("b", "2")], 0);
    const all = await remote.changes(0);
    assert.deepEqual(all.map(({ id, value }) => [id, value]), [["a", "{}"], ["b", null]]);
    const [{ sequence = 0 } = {}] = all;
    assert.deepEqual((await remote.changes(sequence)).map(({ id }) => id), ["b"]);
    await remote.append([changeOf("f", "1400000000000000001")], 0);
    assert.deepEqual((await remote.changes(0)).map(({ id }) => id), ["b", "f"]);
    const { lastChange } = await remote.meet({ place: HERE.place, copied: [] });
    assert.equal(lastChange, (await remote.changes(0)).at(-1)?.sequence);
  });

  const changeOf = (id: string, name: string, key: string, value: string | null): RowChange => ({
    id,
    name,
    key: JSON.stringify([key]),
    value,
  });

  it("keep no earlier value of a row beside a later one, and none of a deleted row", async () => {
    const url = server.create();
    await using remote = await opened(0, url);
    await remote.append([changeOf("a", "note", "1", "old"), changeOf("b", "note", "2", "x")], 0);
    await remote.append([changeOf("c", "note", "1", "new"), changeOf("d", "note", "2", null)], 0);
    await remote.append([changeOf("a", "note", "1", "old")], 0); // sent again after a takeover
    const all = await remote.changes(0);
    assert.deepEqual(all.map(({ id, value }) => [id, value]), [
      ["a", "new"],
      ["b", null],
      ["c", "new"],
      ["d", null],
    ]);
  });

  it("take no change of a partition that lacks a person to forget", async () => {
    const url = server.create();
    await using remote = await opened(0, url);
    const person = "1400000000000000001";
    assert.equal(await remote.append([changeOf("f", FORGOTTEN, person, null)], 0), true);
    const [{ sequence } = { sequence: 0 }] = await remote.changes(0);
    const theirs = changeOf("a", "paired", person, "{}");
    assert.equal(await remote.append([theirs], sequence - 1), false);
    assert.deepEqual((await remote.changes(0)).map(({ id }) => id), ["f"]);
    assert.equal(await remote.append([theirs], sequence), true);
  });

  it("keep each change until all partitions have taken it, however long that takes", async () => {
    const url = server.create();
    await using remote = await opened(0, url);
    await remote.append(
      [changeOf("a", "setting", "1", "x"), changeOf("b", "setting", "2", "y")],
      0,
    );
    await remote.append([changeOf("c", "setting", "2", "z")], 0);
    server.sql(url, "UPDATE barnacle.changes SET at = at - interval '30 days' WHERE id <> 'c'");
    const idsOf = async () => (await remote.changes(0)).map(({ id }) => id);
    const [first, , last] = (await remote.changes(0)).map(({ sequence }) => sequence);
    assert.ok(first !== undefined && last !== undefined);
    await remote.confirm(0, last);
    assert.deepEqual(await idsOf(), ["a", "c"], "the later change of a row is enough");
    await remote.confirm(1, first);
    assert.deepEqual(await idsOf(), ["c"]);
    await remote.confirm(1, last);
    assert.deepEqual(await idsOf(), ["c"], "the next number must be higher");
  });

  it("give a change a higher number than all before a failover that has lost some", async () => {
    const url = server.create();
    await using remote = await opened(0, url);
    await remote.append([changeOf("a", "setting", "1", "x")], 0);
    const { lastChange } = await remote.meet({ place: HERE.place, copied: [] });
    server.sql(url, "DELETE FROM barnacle.changes");
    await remote.append([changeOf("b", "setting", "1", "y")], 0);
    assert.deepEqual((await remote.changes(lastChange)).map(({ id }) => id), ["b"]);
  });
});
