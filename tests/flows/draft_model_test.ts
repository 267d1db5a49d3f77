/**
 * Drafts leave nothing behind: the channel ends as with `streaming: "off"`.
 *
 * This holds for any answer in any pieces, for a crash anywhere, and for any results of edits. Once
 * the queue is empty, the channel contains the turn's own messages: whole, once each, and in order.
 */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import type { Frozen } from "../../src/core/outbound/outbound.ts";
import { settle } from "../support/settle.ts";
import {
  compose,
  Crash,
  DraftWorld,
  type EditFault,
  FAILURE,
  withoutDrafts,
} from "./support/draft_world.ts";
import { cases } from "../support/long_form.ts";

/** One piece of an answer, and the events before the next. */
interface Piece {
  readonly text: string;
  readonly passMs: number;
  /** Maximum number of rows that the queue delivers meanwhile. */
  readonly delivers: number;
  readonly edit: EditFault;
}

/** A process: the model's answer in it, and the step at which it dies. */
interface ProcessRun {
  readonly pieces: readonly Piece[];
  readonly end: "reply" | "failure" | "declined";
  readonly diesAt?: number;
}

function saidIn({ pieces, end }: ProcessRun): readonly Frozen[] {
  if (end === "declined") return [];
  return end === "failure" ? FAILURE : compose(pieces.map(({ text }) => text).join(""));
}

/** @returns Whether the turn ended. */
async function playRun(world: DraftWorld, processRun: ProcessRun): Promise<boolean> {
  world.restart();
  world.crashIn = processRun.diesAt ?? Infinity;
  const stream = world.begin();
  let text = "";
  try {
    for (const piece of processRun.pieces) {
      world.nextEdit = piece.edit;
      text += piece.text;
      stream.grow(text);
      world.clock.advance(piece.passMs);
      await settle();
      if (world.isDead) return false;
      for (let left = piece.delivers; left > 0 && world.deliverOne(); left -= 1);
    }
    await stream.end();
    world.finishTurn(saidIn(processRun));
  } catch (error) {
    if (error instanceof Crash) return false;
    throw error;
  }
  return true;
}

/** Delivers the whole queue, even if the process dies. */
function drain(world: DraftWorld, crashes: readonly number[]): void {
  for (const crashIn of [...crashes, Infinity]) {
    world.restart();
    world.crashIn = crashIn;
    try {
      while (world.deliverOne());
      return;
    } catch (error) {
      if (!(error instanceof Crash)) throw error;
    }
  }
}

/** The processes of one turn; the first that ends the turn is the last. */
async function run(
  runs: readonly ProcessRun[],
  { drainCrashes = [], refusesDrafts = false }: {
    readonly drainCrashes?: readonly number[];
    readonly refusesDrafts?: boolean;
  } = {},
): Promise<DraftWorld> {
  const world = new DraftWorld();
  world.refusesDrafts = refusesDrafts;
  for (const processRun of [...runs, { ...runs.at(-1)!, diesAt: Infinity }]) {
    const hasEnded = await playRun(world, processRun);
    if (!hasEnded && !world.isStored) continue;
    drain(world, drainCrashes);
    assert.deepEqual(world.seen(), withoutDrafts(saidIn(processRun)));
    assert.deepEqual(world.log, []);
    return world;
  }
  assert.fail("no processRun came to its end");
}

const text = fc.oneof(
  { weight: 6, arbitrary: fc.lorem({ maxCount: 12 }).map((words) => `${words} `) },
  {
    weight: 3,
    arbitrary: fc.constantFrom(
      "\n```ts\nlet a = 1;\n",
      "\n```\n",
      "\n\n",
      "[[reply_to_current]]",
      "| a | b |\n|---|---|\n",
      "[here](https://a.example/b) ",
      "<@1400000000000000007> ",
      "日本語、",
      "👩‍👩‍👧 ",
      "open sesame now ",
      "</think>\n",
    ),
  },
  { weight: 1, arbitrary: fc.string({ maxLength: 20 }) },
);

const piece: fc.Arbitrary<Piece> = fc.record({
  text,
  passMs: fc.constantFrom(0, 50, 700, 1_200, 5_000),
  delivers: fc.constantFrom(0, 1, 1, 1, 9),
  edit: fc.constantFrom<EditFault>(
    "none",
    "none",
    "none",
    "no room",
    "lost on the way",
    "done, and not answered",
    "limited",
    "forbidden",
  ),
});

const processRun: fc.Arbitrary<ProcessRun> = fc.record({
  pieces: fc.array(piece, { maxLength: 25 }),
  end: fc.constantFrom("reply", "reply", "reply", "failure", "declined"),
}, { requiredKeys: ["pieces", "end"] });

describe("[R8] an answer with drafts", () => {
  it("ends as without drafts, in every order of events", async () => {
    await fc.assert(
      fc.asyncProperty(processRun, fc.boolean(), async (one, refusesDrafts) => {
        await run([one], { refusesDrafts });
      }),
      { numRuns: cases(1_000, 30_000) },
    );
  });

  it("ends the same over any number of processes, each of which dies anywhere", async () => {
    const dying = fc.tuple(processRun, fc.integer({ min: 1, max: 40 })).map(([one, diesAt]) => ({
      ...one,
      diesAt,
    }));
    const crashes = fc.array(fc.integer({ min: 1, max: 12 }), { maxLength: 4 });
    await fc.assert(
      fc.asyncProperty(
        fc.array(dying, { minLength: 1, maxLength: 3 }),
        processRun,
        crashes,
        async (runs, last, drainCrashes) => {
          await run([...runs, last], { drainCrashes });
        },
      ),
      { numRuns: cases(1_000, 30_000) },
    );
  });

  const SENTENCE = "The quick brown fox jumps over the lazy dog. ";
  const steady = (words: string): Piece => ({
    text: words,
    passMs: 1_200,
    delivers: 9,
    edit: "none",
  });
  const LONG: ProcessRun = {
    pieces: Array.from("abcdef", (one) => steady(one + SENTENCE)),
    end: "reply",
  };
  const SHORT: ProcessRun = { pieces: [steady(SENTENCE), steady("Or so. ")], end: "reply" };

  it("survives a crash at each of its steps, and a second one at each", async () => {
    const { steps } = await run([LONG]);
    assert.ok(steps > 30, `${steps} steps`);
    for (let first = 1; first <= steps; first += 1) {
      for (let second = 1; second <= steps; second += 3) {
        await run([{ ...LONG, diesAt: first }, { ...SHORT, diesAt: second }, LONG], {
          drainCrashes: [second],
        });
      }
    }
  });

  it("survives a crash at each step if the next answer is shorter or empty", async () => {
    const { steps } = await run([LONG]);
    for (let first = 1; first <= steps; first += 1) {
      for (const end of ["reply", "failure", "declined"] as const) {
        await run([{ ...LONG, diesAt: first }, { ...SHORT, end }]);
      }
    }
  });

  it("shows as many drafts as the answer has messages, so that the test can fail", async () => {
    const world = await run([LONG]);
    const posts = world.asked.filter((one) => one.startsWith("post"));
    const edits = world.asked.filter((one) => one.startsWith("edit"));
    assert.ok(posts.length >= 3 && edits.length >= 5, world.asked.join("\n"));
  });
});
