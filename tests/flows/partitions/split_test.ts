import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import {
  type SharedPartition,
  type SharingMember,
  type SplitFacts,
  splitOf,
  STEP_IN_MS,
} from "../../../src/flows/partitions/split.ts";
import { cases } from "../../support/long_form.ts";

const RUNS = { numRuns: cases(300, 20_000) };

/** Processes and the owner of each partition; `-1`: free, and any larger number: one that is gone. */
const anyFleet = fc.record({
  count: fc.integer({ min: 1, max: 5 }),
  owners: fc.array(fc.integer({ min: -1, max: 5 }), { minLength: 1, maxLength: 12 }),
  copies: fc.array(fc.array(fc.boolean(), { minLength: 12, maxLength: 12 }), {
    minLength: 5,
    maxLength: 5,
  }),
});

type Fleet = typeof anyFleet extends fc.Arbitrary<infer Value> ? Value : never;

const nameOf = (number: number): string => `host:/${number}`;

function factsOf(
  { count, owners, copies }: Fleet,
  self: string,
  given: Partial<Pick<SplitFacts, "refusing">> & { readonly freeMs?: number } = {},
): SplitFacts {
  const { freeMs = 0, refusing = new Set<string>() } = given;
  const members = Array.from({ length: count }, (_, number): SharingMember => ({
    place: nameOf(number),
    copied: owners.flatMap((owner, index) =>
      owner === number || copies[number]?.[index] ? [index] : []
    ),
  }));
  const partitions = owners.map((owner, index): SharedPartition => ({
    index,
    ...(owner >= 0 && { owner: nameOf(owner) }),
    freeMs: owner >= 0 ? 0 : freeMs,
    isEmpty: false,
  }));
  return { self, members, partitions, refusing };
}

const countsOf = ({ count, owners }: Fleet): readonly number[] =>
  Array.from({ length: count }, (_, number) => owners.filter((one) => one === number).length);

const spread = (fleet: Fleet): number =>
  Math.max(...countsOf(fleet)) - Math.min(...countsOf(fleet));

/** Lets each process act once, by the same facts. @returns The new fleet, and the moves. */
function playRound(fleet: Fleet): { readonly fleet: Fleet; readonly moves: number } {
  const owners = [...fleet.owners];
  let moves = 0;
  for (let number = 0; number < fleet.count; number++) {
    const { take, giveUp } = splitOf(factsOf(fleet, nameOf(number)));
    for (const index of take) {
      assert.equal(owners[index], -1, "one process takes a free partition");
      owners[index] = number;
    }
    if (giveUp) {
      assert.equal(fleet.owners[giveUp.index], number, "a process gives up its own");
      owners[giveUp.index] = -1;
      moves++;
    }
  }
  return { fleet: { ...fleet, owners }, moves };
}

describe("[O16] splitOf()", () => {
  it("gives each free partition to one process, if any has a copy of it", () => {
    fc.assert(
      fc.property(anyFleet, (fleet) => {
        const takers = fleet.owners.map((_, index) =>
          Array.from({ length: fleet.count }, (_, number) => number).filter((number) =>
            splitOf(factsOf(fleet, nameOf(number))).take.includes(index)
          )
        );
        for (const [index, owner] of fleet.owners.entries()) {
          const hasCopy = fleet.copies.slice(0, fleet.count).some((own) => own[index]);
          assert.equal(takers[index]?.length, owner === -1 && hasCopy ? 1 : 0);
        }
      }),
      RUNS,
    );
  });

  it("lets each process with a copy take a partition that the chosen one has left", () => {
    fc.assert(
      fc.property(anyFleet, (fleet) => {
        for (let number = 0; number < fleet.count; number++) {
          const facts = factsOf(fleet, nameOf(number), { freeMs: STEP_IN_MS });
          const free = fleet.owners.flatMap((owner, index) =>
            owner === -1 && fleet.copies[number]?.[index] ? [index] : []
          );
          assert.deepEqual(splitOf(facts).take, free);
        }
      }),
      RUNS,
    );
  });

  it("ends with numbers that differ by one at most, and moves each partition once", () => {
    fc.assert(
      fc.property(anyFleet, (drawn) => {
        const owners = drawn.owners.map((owner) => owner >= drawn.count ? -1 : owner);
        let fleet: Fleet = {
          ...drawn,
          owners,
          copies: drawn.copies.map((row) => row.map(() => true)),
        };
        let moved = 0;
        for (let round = 0; round < 3 * owners.length + 3; round++) {
          const next = playRound(fleet);
          ({ fleet } = next);
          moved += next.moves;
        }
        assert.ok(spread(fleet) <= 1, `${countsOf(fleet)}`);
        assert.equal(fleet.owners.includes(-1), false);
        assert.ok(moved <= owners.length, `${moved} moves`);
        assert.equal(playRound(fleet).moves, 0, "it stays so");
      }),
      RUNS,
    );
  });

  it("gives up nothing for a process without a copy, or for one that refuses", () => {
    fc.assert(
      fc.property(anyFleet, fc.integer({ min: 0, max: 4 }), (fleet, refuser) => {
        for (let number = 0; number < fleet.count; number++) {
          const facts = factsOf(fleet, nameOf(number), { refusing: new Set([nameOf(refuser)]) });
          const { giveUp } = splitOf(facts);
          if (!giveUp) continue;
          assert.notEqual(giveUp.to, nameOf(refuser));
          const receiver = facts.members.find(({ place }) => place === giveUp.to);
          assert.ok(receiver?.copied.includes(giveUp.index));
        }
      }),
      RUNS,
    );
  });

  it("never gives up the partition that it keeps", () => {
    const owners = [0, 0, 0];
    const copies = Array.from({ length: 5 }, () => Array.from({ length: 12 }, () => true));
    const facts = factsOf({ count: 2, owners, copies }, nameOf(0));
    assert.deepEqual(splitOf({ ...facts, kept: 2 }).giveUp, { index: 1, to: nameOf(1) });
    assert.deepEqual(splitOf(facts).giveUp, { index: 2, to: nameOf(1) });
  });

  it("lets any process take an empty partition", () => {
    const fleet = { count: 1, owners: [-1, -1], copies: [] };
    const facts = factsOf(fleet, nameOf(0));
    const partitions = facts.partitions.map((one) => ({ ...one, isEmpty: true }));
    assert.deepEqual(splitOf(facts).take, []);
    assert.deepEqual(splitOf({ ...facts, partitions }).take, [0, 1]);
  });
});
