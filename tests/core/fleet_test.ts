import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { fleetRows, type FleetState, fleetText } from "../../src/core/fleet.ts";
import { sharedRows, type SharedStoreState } from "../../src/core/shared_store.ts";
import { judgeHealth } from "../../src/http/checks.ts";
import { createMetrics } from "../../src/http/metrics.ts";
import { BUILD, HEALTHY, NOW } from "../support/bot/health.ts";

const SINCE = Date.UTC(2026, 0, 2, 3, 4);
const A = "a:/data";
const B = "b:/data";

const partition = (index: number, owner: string, isHeld = true) => ({
  index,
  owner,
  isHeld,
  since: SINCE,
  epoch: 3,
  handOvers: index,
  ...(index > 0 && {
    lastHandOver: { at: SINCE + index * 1_000, from: "c:/data", isStop: index === 1 },
  }),
});

const FLEET: FleetState = {
  self: B,
  partitions: [partition(0, A), partition(1, B), partition(2, A)],
  processes: [{ place: A, copied: 3 }, { place: B, copied: 2 }],
};

describe("[O16] fleetRows()", () => {
  it("name each process with its partitions, since when, and the copies that it lacks", () => {
    const [first, second, last] = fleetRows(FLEET);
    assert.match(first?.[1] ?? "", /^a:\/data: partition 0 since 2026-01-02 .*, partition 2 since/);
    assert.match(second?.[1] ?? "", /^b:\/data \(this process\): partition 1 .*; it lacks 1 copy$/);
    assert.equal(last?.[0], "Hand-over");
    assert.match(
      last?.[1] ?? "",
      /partition 2 from c:\/data, which had died, to a:\/data; 3 in all$/,
    );
  });

  it("name a process without a partition, and partitions without a process", () => {
    const fleet: FleetState = {
      ...FLEET,
      partitions: [partition(0, A), partition(1, B, false), partition(2, B, false)],
    };
    const texts = fleetRows(fleet).map(([, text]) => text);
    assert.equal(texts[1], "b:/data (this process): no partition, copies of 2 of 3");
    assert.equal(texts[2], "partitions 1, 2: no process runs them");
    assert.equal(
      fleetText(fleet),
      "3 partitions on 2 processes, none of them here; partitions 1, 2: no process runs them",
    );
  });
});

describe("[O16] the state of a shared store", () => {
  const state: SharedStoreState = {
    owner: A,
    isOwner: true,
    isHeld: true,
    since: SINCE,
    epoch: 3,
    handOvers: 0,
    lagMs: 0,
    processes: [],
    readAt: SINCE,
    fleet: FLEET,
  };

  it("shows the fleet in place of one owner", () => {
    assert.deepEqual(sharedRows(state).map(([what]) => what), [
      "Process",
      "Process",
      "Hand-over",
      "Copy",
    ]);
    assert.equal(sharedRows(state).at(-1)?.[1], "PostgreSQL has all changes of this process");
  });

  it("is two gauges of metrics", () => {
    const fleet = { ...FLEET, partitions: [...FLEET.partitions, partition(3, A, false)] };
    const shared = { ...state, fleet };
    const text = createMetrics(BUILD).text({ ...HEALTHY, shared }, { cpuSec: 1 }, NOW);
    assert.match(text, /^barnacle_store_partitions_owned 1$/m);
    assert.match(text, /^barnacle_store_partitions_ownerless 1$/m);
  });

  it("warns in health while a partition has no process", () => {
    const findingOf = (shared: SharedStoreState) =>
      judgeHealth({ ...HEALTHY, shared }, NOW).find(({ id }) => id === "storage:shared");
    const whole = findingOf(state);
    assert.deepEqual([whole?.status, whole?.figure], [
      "pass",
      "3 partitions on 2 processes, here: 1; PostgreSQL has all changes of this process",
    ]);
    const fleet = { ...FLEET, partitions: [...FLEET.partitions, partition(3, A, false)] };
    assert.equal(findingOf({ ...state, fleet })?.status, "warn");
  });
});
