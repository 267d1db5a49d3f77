/**
 * Plays the schedule of processes that share partitions, on a database and clocks of the test (O16).
 *
 * The processes use the real decision and memory; leases and clocks follow `store/replica/owner.ts`. A
 * step is 250 ms. Whatever happens, no two processes may act for one partition at the same time.
 */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createSharing, type Look, type Sharing } from "../../../src/flows/partitions/sharing.ts";
import { STEP_IN_MS } from "../../../src/flows/partitions/split.ts";
import { UNUSED_MS } from "../../../src/store/replica/owner.ts";
import { MEMBER_MS } from "../../../src/store/replica/members.ts";
import { LEASE_MS } from "../../../src/store/replica/remote.ts";
import { cases } from "../../support/long_form.ts";
import { type Seeded, seeded } from "../../support/seeded.ts";

const STEP_MS = 250;
const LOOK_MS = 500;
const RENEW_MS = 3_000;
/** A copy of a new process is whole after this. */
const COPY_MS = 2_000;
/** How long a partition takes to stop: its turns end. */
const STOP_MS = 1_000;
const TAKEN_WITHIN_MS = 15_000;
const HANDED_WITHIN_MS = 2_000;

interface Lease {
  epoch: number;
  owner: string;
  endsAt: number;
}

interface Holding {
  readonly epoch: number;
  renewedAt: { readonly elapsed: number; readonly now: number };
  /** Set while the partition stops, before its lease is released. */
  stopsAt?: number;
}

/** One process. Its clocks: one stands still while the machine sleeps, and the other one may jump. */
class Process {
  readonly place: string;
  readonly owned = new Map<number, Holding>();
  readonly sharing: Sharing;
  elapsed = 0;
  skew = 0;
  sleepsUntil = 0;
  cutUntil = 0;
  lookAt = 0;
  wholeAt: number;
  /** Milliseconds between two looks; a busy machine takes longer. */
  lookMs = LOOK_MS;
  kept: number | undefined;
  isLeaving = false;
  isDead = false;

  constructor(place: string, now: number) {
    this.place = place;
    this.sharing = createSharing(place);
    this.wholeAt = now + COPY_MS;
  }
}

class World {
  readonly count: number;
  now = 1_000_000;
  readonly leases: Lease[];
  readonly seen = new Map<string, number>();
  readonly copied = new Map<string, readonly number[]>();
  downUntil = 0;
  processes: Process[] = [];
  moves = 0;
  private born = 0;

  constructor(count: number) {
    this.count = count;
    this.leases = Array.from({ length: count }, () => ({ epoch: 0, owner: "", endsAt: 0 }));
  }

  join(): void {
    this.processes.push(new Process(`host:/${++this.born}`, this.now));
  }

  step(): void {
    this.now += STEP_MS;
    for (const one of this.processes) {
      if (one.isDead || this.now < one.sleepsUntil) continue;
      one.elapsed += STEP_MS;
      this.run(one);
      this.assertSingle();
    }
    this.processes = this.processes.filter(({ isDead }) => !isDead);
  }

  mayAct(one: Process, { renewedAt }: Holding): boolean {
    const age = Math.max(
      one.elapsed - renewedAt.elapsed,
      Math.abs(this.now + one.skew - renewedAt.now),
    );
    return age < LEASE_MS - UNUSED_MS;
  }

  /** At this moment; a process that sleeps looks at its clocks before it acts. */
  assertSingle(): void {
    for (let index = 0; index < this.count; index++) {
      const acting = this.processes.filter((one) => {
        const holding = one.owned.get(index);
        const isAwake = !one.isDead && this.now >= one.sleepsUntil;
        return isAwake && holding && this.mayAct(one, holding);
      });
      assert.ok(acting.length <= 1, `${acting.map(({ place }) => place)} act for ${index}`);
    }
  }

  private run(one: Process): void {
    const isReached = this.now >= one.cutUntil && this.now >= this.downUntil;
    for (const [index, holding] of one.owned) {
      const lease = this.leases[index];
      if (!lease) continue;
      if (isReached && lease.epoch !== holding.epoch) {
        one.isDead = true; // it ends with 75
        return;
      }
      if (isReached && one.elapsed - holding.renewedAt.elapsed >= RENEW_MS) {
        lease.endsAt = this.now + LEASE_MS;
        holding.renewedAt = { elapsed: one.elapsed, now: this.now + one.skew };
      }
      if (holding.stopsAt !== undefined && this.now >= holding.stopsAt && isReached) {
        lease.endsAt = this.now - 1;
        one.owned.delete(index);
        one.wholeAt = Math.min(one.wholeAt, this.now);
      }
    }
    if (one.isLeaving && one.owned.size === 0) one.isDead = true;
    if (one.elapsed < one.lookAt || one.isLeaving) return;
    one.lookAt = one.elapsed + one.lookMs;
    if (!isReached) return one.sharing.failed(one.elapsed);
    this.look(one);
  }

  private look(one: Process): void {
    const all = this.leases.map((_, index) => index);
    const copied = this.now >= one.wholeAt ? all : [...one.owned.keys()];
    this.seen.set(one.place, this.now);
    this.copied.set(one.place, copied);
    const look: Look = {
      members: [...this.seen].filter(([, at]) => this.now - at < MEMBER_MS).map(([place]) => ({
        place,
        copied: this.copied.get(place) ?? [],
      })).sort((a, b) => a.place < b.place ? -1 : 1),
      partitions: this.leases.map(({ owner, endsAt, epoch }, index) => ({
        index,
        ...(endsAt >= this.now && { owner }),
        isEmpty: epoch === 0,
      })),
    };
    const isBusy = [...one.owned.values()].some(({ stopsAt }) => stopsAt !== undefined);
    const { take, giveUp } = one.sharing.decide(look, one.elapsed, one.kept, isBusy);
    const askedAt = { elapsed: one.elapsed, now: this.now + one.skew };
    for (const index of take) {
      const lease = this.leases[index];
      if (!lease || lease.endsAt >= this.now) continue;
      this.leases[index] = {
        epoch: lease.epoch + 1,
        owner: one.place,
        endsAt: this.now + LEASE_MS,
      };
      one.owned.set(index, { epoch: lease.epoch + 1, renewedAt: askedAt });
      one.kept ??= index;
    }
    const holding = giveUp && one.owned.get(giveUp.index);
    if (!holding) return;
    holding.stopsAt = this.now + STOP_MS;
    this.moves++;
  }

  leave(one: Process): void {
    one.isLeaving = true;
    this.seen.delete(one.place);
    for (const holding of one.owned.values()) holding.stopsAt = this.now;
  }

  isOwned(index: number): boolean {
    const { owner = "", endsAt = 0, epoch = 0 } = this.leases[index] ?? {};
    const one = this.processes.find(({ place }) => place === owner);
    return endsAt >= this.now && one?.owned.get(index)?.epoch === epoch;
  }

  allOwned = (): boolean => this.leases.every((_, index) => this.isOwned(index));

  counts = (): readonly number[] => this.processes.map(({ owned }) => owned.size);

  isEven(): boolean {
    return this.allOwned() && Math.max(...this.counts()) - Math.min(...this.counts()) <= 1;
  }

  /** Steps until it holds. @returns The milliseconds that it took. */
  until(what: string, isDone: () => boolean, limitMs: number): number {
    const since = this.now;
    while (!isDone()) {
      assert.ok(this.now - since < limitMs, `${what} within ${limitMs} ms: ${this.counts()}`);
      this.step();
    }
    return this.now - since;
  }
}

/** A fleet whose partitions are shared evenly. */
function evenFleet(processes: number, count: number): World {
  const world = new World(count);
  for (let number = 0; number < processes; number++) world.join();
  world.until("an even split", () => world.isEven(), 120_000);
  return world;
}

const RUNS = cases(15, 600);

/** Does something at random to a process, or to the database. */
function disturb(world: World, dice: Seeded): void {
  const one = world.processes.length > 0 ? dice.pick(world.processes) : undefined;
  const ms = 1_000 + dice.upTo(60_000);
  switch (dice.upTo(8)) {
    case 0:
      return world.join();
    case 1:
      if (one) one.isDead = true;
      return;
    case 2:
      return one && world.leave(one);
    case 3:
      if (one) one.sleepsUntil = world.now + 30_000; // the monotonic clock stands still
      return;
    case 4:
      if (one) one.cutUntil = world.now + ms;
      return;
    case 5:
      world.downUntil = world.now + ms / 4;
      return;
    case 6:
      if (one) one.skew += 300_000 * (dice.upTo(2) === 0 ? 1 : -1);
      return;
    default:
      if (one) one.sleepsUntil = world.now + ms;
  }
}

describe("[O16] processes that share partitions", () => {
  it("own all partitions again within 15 s of a death, and share them evenly", () => {
    for (let seed = 0; seed < RUNS; seed++) {
      const dice = seeded(seed);
      const world = evenFleet(2 + dice.upTo(3), 1 + dice.upTo(9));
      const victims = dice.upTo(2) === 0 ? 1 : world.processes.length - 1;
      for (const one of world.processes.slice(0, victims)) one.isDead = true;
      world.step();
      world.until("all partitions", () => world.allOwned(), TAKEN_WITHIN_MS);
      world.until("an even split", () => world.isEven(), 60_000);
    }
  });

  it("hand over within 2 s when one of them is told to stop", () => {
    for (let seed = 0; seed < RUNS; seed++) {
      const dice = seeded(seed);
      const world = evenFleet(2 + dice.upTo(3), 1 + dice.upTo(9));
      world.leave(dice.pick(world.processes));
      world.step();
      world.until("all partitions", () => world.allOwned(), HANDED_WITHIN_MS);
    }
  });

  it("make room for another process, and then move nothing", () => {
    for (let seed = 0; seed < RUNS; seed++) {
      const dice = seeded(seed);
      const world = evenFleet(1 + dice.upTo(3), 2 + dice.upTo(9));
      world.moves = 0;
      const share = Math.floor(world.count / (world.processes.length + 1));
      world.join();
      world.until("an even split", () => world.isEven(), 120_000);
      assert.equal(world.moves, share, "each move brings one partition to the new process");
      for (let step = 0; step < 400; step++) world.step();
      assert.equal(world.moves, share);
    }
  });

  it("share evenly soon after a busy machine was too slow to take what it was given", () => {
    for (let seed = 0; seed < RUNS; seed++) {
      const dice = seeded(seed);
      const world = evenFleet(1 + dice.upTo(3), 4 + dice.upTo(9));
      world.join();
      const slow = world.processes.at(-1);
      if (slow) slow.lookMs = 2 * STEP_IN_MS;
      for (let step = 0; step < 240; step++) world.step();
      if (slow) slow.lookMs = LOOK_MS;
      world.until("an even split", () => world.isEven(), 60_000);
    }
  });

  it("never act twice for a partition, and share evenly once all is well", () => {
    for (let seed = 0; seed < RUNS; seed++) {
      const dice = seeded(seed);
      const world = evenFleet(1 + dice.upTo(3), 1 + dice.upTo(9));
      for (let fault = 0; fault < 12; fault++) {
        disturb(world, dice);
        const steps = dice.upTo(80);
        for (let step = 0; step < steps; step++) world.step();
      }
      for (const one of world.processes) Object.assign(one, { cutUntil: 0 });
      world.downUntil = 0;
      if (world.processes.every(({ isLeaving, isDead }) => isLeaving || isDead)) world.join();
      world.until(
        "all awake",
        () => world.processes.every((one) => one.sleepsUntil <= world.now),
        70_000,
      );
      world.until("an even split", () => world.processes.length > 0 && world.isEven(), 120_000);
      const { moves } = world;
      for (let step = 0; step < 200; step++) world.step();
      assert.equal(world.moves, moves, "nothing moves back and forth");
    }
  });
});
