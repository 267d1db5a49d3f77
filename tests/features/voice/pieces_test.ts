import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { SAMPLE_RATE } from "../../../src/features/voice/line.ts";
import { createPieces, type Heard } from "../../../src/features/voice/receiver.ts";
import { seeded } from "../../support/seeded.ts";
import { skipUnless } from "../../support/skip.ts";
import { espeak, hasEspeak, speechLike } from "../../support/voice/recordings.ts";

const FRAME = 480;
const RULES = { pauseMs: 500, longestMs: 30_000 };

/** Milliseconds that a person takes for a letter. */
const LETTER_MS = 75;

/** Who says the words: a buzz on every machine, and a voice where it is installed. */
const VOICES = [
  {
    name: "syllables",
    say: (text: string) => speechLike(Math.max(400, text.length * LETTER_MS)),
    options: { skip: false },
  },
  { name: "espeak-ng", say: espeak, options: skipUnless(hasEspeak, "espeak-ng is missing") },
];

type Noise = "none" | "hiss" | "rumble" | "hum";

/** Noise of a root mean square of 1. */
function noise(kind: Noise, length: number): Float64Array {
  const { random } = seeded(7);
  let low = 0;
  const sound = Float64Array.from({ length }, (_, at) => {
    const hiss = random() + random() + random() - 1.5;
    low = 0.995 * low + hiss;
    const kinds = { none: 0, hiss, rumble: low, hum: Math.sin(at * 0.0131) + 0.2 * hiss };
    return kinds[kind];
  });
  const level = Math.sqrt(sound.reduce((sum, one) => sum + one * one, 0) / length);
  return level > 0 ? sound.map((one) => one / level) : sound;
}

/** The words after three seconds, and before three, with noise so many decibels below. */
function recording(words: Int16Array, kind: Noise, belowDb: number): Int16Array {
  const gap = 3 * SAMPLE_RATE;
  const level = Math.sqrt(words.reduce((sum, one) => sum + one * one, 0) / words.length);
  const around = noise(kind, words.length + 2 * gap).map((one) =>
    one * level / 10 ** (belowDb / 20)
  );
  return Int16Array.from(around, (one, at) => {
    const all = one + (words[at - gap] ?? 0);
    return Math.max(-32_768, Math.min(32_767, all));
  });
}

type Timed = Heard & { readonly at: number };

function heardIn(pcm: Int16Array, rules = RULES): readonly Timed[] {
  const pieces = createPieces(rules);
  const all: Timed[] = [];
  for (let at = 0; at + FRAME <= pcm.length; at += FRAME) {
    const ms = (at + FRAME) / 24;
    all.push(...pieces.push(pcm.subarray(at, at + FRAME), ms).map((one) => ({ ...one, at: ms })));
  }
  return all;
}

/** Whether it is a piece with words, and no noise. */
const isSpeech = (one: Heard) => one.kind === "piece" && one.piece.pcm.length > 0;
const piecesIn = (all: readonly Timed[]) => all.filter(isSpeech);

function findsWords(say: (text: string) => Int16Array): void {
  for (const text of ["No.", "What is the weather like in Berlin tomorrow?"]) {
    const words = say(text);
    const lengthMs = words.length / 24;
    for (const kind of ["none", "hiss", "rumble", "hum"] as const) {
      for (const belowDb of [20, 12, 8]) {
        it(`finds "${text}" in ${kind} ${belowDb} dB below it`, () => {
          const all = heardIn(recording(words, kind, belowDb));
          const [first, ...others] = piecesIn(all);
          assert.equal(others.length, 0);
          assert.ok(first?.kind === "piece" && first.piece.end === "pause");
          const { endedAt, pcm } = first.piece;
          assert.ok(endedAt <= 3_000 + lengthMs + 40 && endedAt > 3_000 + lengthMs * 0.5 - 100);
          assert.ok(first.at - endedAt <= 520, "the pause ends the piece");
          const began = all.findLast((one) => one.kind === "began")?.at ?? 0;
          assert.ok(began > 3_000 && began <= 3_260, `speech begins at ${began}`);
          assert.ok(pcm.length / 24 >= endedAt - 3_060, "the piece has the first sound");
        });
      }
    }
  }

  it("waits for the configured pause", () => {
    const words = say("First words.");
    const both = new Int16Array(words.length * 2 + 0.9 * SAMPLE_RATE);
    both.set(words);
    both.set(words, both.length - words.length);
    const pcm = recording(both, "hiss", 25);
    assert.equal(piecesIn(heardIn(pcm)).length, 2);
    assert.equal(piecesIn(heardIn(pcm, { ...RULES, pauseMs: 2_000 })).length, 1);
  });

  it("cuts a speech without a pause after the longest piece, and loses nothing of it", () => {
    const words = say("one two three four five six seven eight nine ten eleven twelve thirteen");
    const pcm = recording(words, "none", 0);
    const pieces = piecesIn(heardIn(pcm, { pauseMs: 500, longestMs: 1_000 }));
    const ends = pieces.map((one) => one.kind === "piece" && one.piece.end);
    assert.ok(ends.length >= 3);
    assert.deepEqual(new Set(ends.slice(0, -1)), new Set(["cut"]));
    const samples = pieces.reduce(
      (sum, one) => sum + (one.kind === "piece" ? one.piece.pcm.length : 0),
      0,
    );
    assert.ok(samples / 24 > words.length / 24 * 0.8);
  });

  it("takes packets that stop for silence", () => {
    const pcm = recording(say("Is anyone here?"), "none", 0);
    const pieces = createPieces(RULES);
    const all: Heard[] = [];
    for (let at = 0; at + FRAME <= pcm.length; at += FRAME) {
      const frame = pcm.subarray(at, at + FRAME);
      const isQuiet = frame.every((sample) => Math.abs(sample) < 30); // as clients stop to send
      all.push(...pieces.push(isQuiet ? undefined : frame, at / 24));
    }
    assert.deepEqual(all.map(({ kind }) => kind), ["began", "piece"]);
  });
}

for (const { name, say, options } of VOICES) {
  describe(`[V4] turn detection of ${name}`, options, () => findsWords(say));
}

describe("[V4] turn detection", () => {
  it("hears nothing in an hour of steady noise, however loud", () => {
    const minute = Int16Array.from(noise("hiss", 60 * SAMPLE_RATE), (one) => one * 6_000);
    const pieces = createPieces(RULES);
    const all: Heard[] = [];
    for (let frames = 0; frames < 180_000; frames++) {
      const at = frames * FRAME % (minute.length - FRAME);
      all.push(...pieces.push(minute.subarray(at, at + FRAME), frames * 20));
    }
    assert.ok(all.length <= 2, "the first second may begin as a voice, and ends as a noise");
    assert.ok(!all.some(isSpeech));
  });

  it("bounds each piece, and announces it, for any sound", () => {
    const part = fc.tuple(fc.constantFrom("off", "quiet", "loud"), fc.integer({ min: 1, max: 90 }));
    fc.assert(
      fc.property(
        fc.array(part, { maxLength: 30 }),
        fc.integer({ min: 1, max: 2 ** 30 }),
        (parts, seed) => {
          const { random } = seeded(seed);
          const pieces = createPieces({ pauseMs: 300, longestMs: 2_000 });
          let mayBe = false;
          for (const [kind, frames] of parts) {
            for (let left = frames; left > 0; left--) {
              const top = kind === "loud" ? 20_000 * random() : 40;
              const frame = kind === "off"
                ? undefined
                : Int16Array.from({ length: FRAME }, () => (random() - 0.5) * top);
              for (const one of pieces.push(frame, 0)) {
                if (one.kind === "began") {
                  mayBe = true;
                  continue;
                }
                assert.ok(mayBe, "a piece needs a begin");
                assert.ok(one.piece.pcm.length <= 2_000 * 24);
                mayBe = one.piece.end === "cut";
              }
            }
          }
        },
      ),
      { numRuns: 60 },
    );
  });
});
