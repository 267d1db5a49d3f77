/**
 * Plays the crash table (reliability 1.6): a crash at every step, pairs of crashes, outages within
 * and beyond Discord's memory of nonces, and requests that fail in every way.
 *
 * There are three messages with answers of two parts each. One of them arrives while the bot is
 * away. The short form plays each crash, with each fault and each outage, and one in seven of the
 * pairs of crashes, or one in 29. The long form (`deno task chaos -- long tests/flows/crash_model_test.ts`) plays
 * all pairs, every schedule of the controls, and 200,000 random ones, and prints figures.
 */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { seeded } from "../support/seeded.ts";
import { type Fault, FAULTS, type Judged, play, type Schedule } from "./support/crash_model.ts";
import { cases } from "../support/long_form.ts";

const OUTAGES_MS = [1_000, 90_000, 600_000];
const SEED = 20_261_120;
const RANDOM = cases(5_000, 200_000);
/** Steps of the first and the second crash; more than a process needs until it is idle. */
const CRASHES = [75, 60] as const;
/** The same with drafts, which take longer. */
const CRASHES_WITH_DRAFTS = [120, 110] as const;
const REQUESTS = 6;

type Shape = Pick<Schedule, "withDrafts" | "withoutQuotes" | "hidesHistory">;

/** @param every Plays one in so many of the pairs of crashes. */
function* schedules(shape: Shape, every = 1): Generator<Schedule> {
  const faults: Schedule["faults"][] = [{}];
  for (let request = 0; request < REQUESTS; request++) {
    for (const fault of FAULTS) faults.push({ [request]: fault });
  }
  const [firsts, seconds] = shape.withDrafts ? CRASHES_WITH_DRAFTS : CRASHES;
  let pairs = 0;
  for (let first = 0; first < firsts; first++) {
    for (const away of OUTAGES_MS) {
      for (const fault of faults) {
        yield { ...shape, crashes: [first], outagesMs: [away], faults: fault };
      }
      for (let second = 0; second < seconds; second++) {
        for (const awayAgain of OUTAGES_MS) {
          if (pairs++ % every !== 0) continue;
          const outagesMs = [away, awayAgain];
          yield { ...shape, crashes: [first, second], outagesMs, faults: {} };
        }
      }
    }
  }
}

/** Three to five crashes, with faults in more than a quarter of the requests. */
function* randomSchedules(shape: Shape, count: number): Generator<Schedule> {
  const { random, between, upTo, pick } = seeded(SEED);
  for (let run = 0; run < count; run++) {
    const crashes = Array.from({ length: between(3, 5) }, () => upTo(shape.withDrafts ? 110 : 70));
    const faults: Record<number, Fault> = {};
    for (let request = 0; request < 12; request++) {
      const drawn = random();
      if (drawn < 0.12) faults[request] = "lost";
      else if (drawn < 0.18) faults[request] = "refused";
      else if (drawn < 0.24) faults[request] = "limited";
      else if (drawn < 0.28) faults[request] = "lostLong";
    }
    yield { ...shape, crashes, outagesMs: crashes.map(() => pick(OUTAGES_MS)), faults };
  }
}

type Violation = "lost" | "doubled" | "misordered" | "uncertain";
const VIOLATIONS: readonly Violation[] = ["lost", "doubled", "misordered", "uncertain"];

function violationsOf(judged: Judged): Violation[] {
  return VIOLATIONS.filter((violation) => judged[violation] > 0);
}

/** Plays all schedules, and reports a failed one so that it can be played again. */
async function playAll(from: Iterable<Schedule>): Promise<number> {
  let played = 0;
  for (const schedule of from) {
    const judged = await play(schedule);
    played++;
    if (violationsOf(judged).length === 0) continue;
    assert.fail(`${JSON.stringify(schedule)} ${JSON.stringify(judged)}`);
  }
  return played;
}

/** Plays one in so many of the pairs of crashes: no divisor of their numbers, so all steps occur. */
const EVERY = cases(7, 1);
/** The same with drafts, whose pairs are four times as many, and without the echo. */
const FEW = cases(29, 1);
/** Schedules of one shape without drafts, and with drafts. */
const PLAIN = cases(11_411, 46_125);
const DRAFTS = cases(13_097, 127_800);

const SHAPES: readonly [name: string, shape: Shape, schedules: number][] = [
  ["two parts, one with a file", {}, PLAIN],
  ["answers that all look alike", { withoutQuotes: true }, PLAIN],
  ["drafts that become the answer, and one that goes", { withDrafts: true }, DRAFTS],
];

describe("[D2] the crash table", () => {
  for (const [name, shape, count] of SHAPES) {
    it(`loses, doubles and reorders no message in ${count} schedules: ${name}`, async () => {
      const { steps, turns } = await play({ ...shape, crashes: [], outagesMs: [], faults: {} });
      assert.ok(steps < (shape.withDrafts ? CRASHES_WITH_DRAFTS : CRASHES)[0] && turns === 2);
      assert.equal(await playAll(schedules(shape, shape.withDrafts ? FEW : EVERY)), count);
    });

    it(`nor in ${RANDOM} schedules of 3 to 5 crashes: ${name}`, async () => {
      assert.equal(await playAll(randomSchedules(shape, RANDOM)), RANDOM);
    });
  }
});

describe("[D5] the crash table of a message that always fails", () => {
  it("sets it aside, and delivers the rest once and in order", async () => {
    let crashes = 0;
    for (const schedule of schedules({}, 97)) {
      if (Object.keys(schedule.faults).length > 0 || crashes++ % 5 !== 0) continue;
      const { lost, doubled, uncertain } = await play({ ...schedule, rejectsFirst: true });
      assert.deepEqual({ lost, doubled, uncertain }, { lost: 1, doubled: 0, uncertain: 1 });
    }
    assert.ok(crashes > 100);
  });
});

describe("[D2] a channel with hidden history", () => {
  it("gets no message twice: the bot holds it", async () => {
    for (const schedule of schedules({ hidesHistory: true }, 29)) {
      const { doubled } = await play(schedule);
      assert.equal(doubled, 0, JSON.stringify(schedule));
    }
  });
});
