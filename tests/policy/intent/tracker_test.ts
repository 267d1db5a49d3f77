import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { describe, it } from "node:test";
import { pathToFileURL } from "node:url";
import fc from "fast-check";
import type { UserId } from "../../../src/core/discord/ids.ts";
import { FEATURES } from "../../../src/policy/intent/features.ts";
import { MAX_PEOPLE } from "../../../src/policy/intent/people.ts";
import { createIntentTracker, type IntentMessage } from "../../../src/policy/intent/tracker.ts";
import { skipUnless } from "../../support/skip.ts";

const BOT = "1" as UserId;
const FEW = ["2", "3", "4", "5", "6"] as UserId[];
const CROWD = Array.from({ length: 60 }, (_, at) => `7${at}` as UserId);

const REFERENCE = join(
  process.env["BARNACLE_SHARED"] ?? join(import.meta.dirname!, "..", "..", "..", "..", "shared"),
  "intent",
  "features.reference.mjs",
);

/** The tracker of the published experiment. */
interface ReferenceTracker {
  features(message: ReferenceMessage): number[];
  push(message: ReferenceMessage): void;
}

interface ReferenceMessage {
  readonly author: string;
  readonly text: string;
  /** Unix time in seconds. */
  readonly t: number;
  readonly to: ReadonlySet<string>;
  readonly vocative: boolean;
}

const word = fc.constantFrom(
  ..."yes no thanks hello what how is does anyone it that but you they bot my i'm help sudo --force"
    .split(" "),
  ..."install grub kernel driver screen c++ sound-card don't Firefox https://x.org `ls` /etc/hosts"
    .split(" "),
  ..."why? ok, it's?".split(" "),
);
const text = fc.array(word, { maxLength: 30 }).map((words) => words.join(" "));
const messageOf = (people: readonly UserId[]) =>
  fc.record({
    author: fc.constantFrom(BOT, ...people),
    text,
    pauseMs: fc.oneof(fc.nat(20_000), fc.nat(2_000_000)),
    to: fc.uniqueArray(fc.constantFrom(BOT, ...people), { maxLength: 3 }),
    beginsWithName: fc.boolean(),
  });
const conversation = fc.oneof(
  fc.array(messageOf(FEW), { maxLength: 80 }),
  fc.array(messageOf(CROWD), { minLength: 60, maxLength: 120 }),
).map((messages) => {
  let at = 0; // the reference counts seconds, and loses digits of a time of today
  return messages.map(({ pauseMs, ...rest }): IntentMessage => ({
    ...rest,
    at: at += pauseMs,
    to: rest.to.filter((one) => one !== rest.author),
  }));
});

describe("the tracker of the intent filter", () => {
  it(
    "[I1] computes the features of the published experiment, of any English conversation",
    skipUnless(existsSync(REFERENCE), `the experiment: no ${REFERENCE} (set BARNACLE_SHARED)`),
    async () => {
      const { Tracker, NAMES } = await import(pathToFileURL(REFERENCE).href);
      const own = ["followsUp", "afterOthersQuestion", "onlyThanks"];
      const names = Object.keys(FEATURES).filter((name) => !own.includes(name))
        .slice(0, NAMES.length);
      fc.assert(
        fc.property(conversation, (messages) => {
          const ours = createIntentTracker({ me: BOT });
          const reference: ReferenceTracker = new Tracker(BOT);
          for (const one of messages) {
            const same: ReferenceMessage = {
              author: one.author,
              text: one.text,
              t: one.at / 1_000,
              to: new Set(one.to),
              vocative: one.beginsWithName,
            };
            if (one.author !== BOT) {
              const expected = reference.features(same);
              const actual: Readonly<Record<string, number>> = ours.features(one);
              for (const [at, name] of names.entries()) {
                const distance = Math.abs((actual[name] ?? NaN) - (expected[at] ?? NaN));
                assert.ok(distance < 1e-9, `${name}: ${actual[name]}, not ${expected[at]}`);
              }
            }
            ours.push(one);
            reference.push(same);
          }
        }),
        { numRuns: 300 },
      );
    },
  );

  it("[I1] keeps at most 200 people, and at most 300 bytes of each", () => {
    const tracker = createIntentTracker({ me: BOT });
    const answer = Array.from({ length: 400 }, (_, at) => `word${letters(at)}`).join(" ");
    for (let person = 0; person < 1_000; person++) {
      const author = `9${person}` as UserId;
      const at = 1_700_000_000_000 + person;
      tracker.push({ author, text: answer, at, to: [BOT], beginsWithName: false });
      tracker.push({ author: BOT, text: answer, at, to: [author], beginsWithName: false });
      assert.ok(tracker.people <= MAX_PEOPLE);
    }
    assert.equal(tracker.people, MAX_PEOPLE);
    assert.ok(tracker.bytes / tracker.people <= 300, `${tracker.bytes / tracker.people} bytes`);
  });

  it("[I1] forgets the person of whom nothing was heard for longest", () => {
    const tracker = createIntentTracker({ me: BOT });
    const write = (author: UserId) =>
      tracker.push({ author, text: "hi", at: 0, to: [], beginsWithName: false });
    const isNew = (author: UserId) =>
      tracker.features({ author, text: "hi", at: 0, to: [], beginsWithName: false }).newPerson;
    const crowd = Array.from({ length: MAX_PEOPLE }, (_, at) => `8${at}` as UserId);
    crowd.forEach(write);
    write("80" as UserId);
    write("7" as UserId);
    assert.equal(isNew("80" as UserId), 0);
    assert.equal(isNew("81" as UserId), 1);
    assert.equal(isNew("82" as UserId), 0);
  });
});

/** A number as letters, since digits are no part of a word. */
function letters(value: number): string {
  return value.toString(26).replace(/\d/g, (digit) => "qrstuvwxyz"[Number(digit)] ?? "");
}
