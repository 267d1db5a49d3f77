/**
 * Bench: the intent filter alone, with its tracking (I1).
 *
 * A hundred channels have 200 people each, who talk and are answered. A sample is the mean of a
 * hundred messages: features, scores and the record. Then it divides the memory of all trackers by
 * the number of tracked people. The bench runs in Bun, the binary's runtime, in a process of its own.
 */

import process from "node:process";
import { judgeIntent } from "../../src/policy/intent/heads.ts";
import { createIntentTracker, type IntentMessage } from "../../src/policy/intent/tracker.ts";
import type { UserId } from "../../src/core/discord/ids.ts";
import { id } from "./admit.ts";
import { readInBun } from "../stand/in_bun.ts";
import { quantile, type Readings } from "../stand/stats.ts";

const CHANNELS = 100;
const PEOPLE = 200;
const IN_A_SAMPLE = 100;
const SAMPLES = 2_000;
/** Every eighth message is the bot's. */
const OWN = 8;
const BOT = id<"user">(1);

const TEXTS = [
  "does anyone know how I can mount the second disk at start?",
  "thanks, that worked",
  "and what does the last option of that command do, is it safe?",
  "no idea, I only use the graphical installer for these things and it did the rest",
  "lol",
  "you can add a line to /etc/fstab: first the device, then the folder, then the options. " +
  "Should I show you an example with a label, or one with the device's id?",
  "the new release is out, has someone tried it with two screens yet?",
  "yes, the second one please",
];

/** The next message of a busy channel. */
function messageOf(channel: number, at: number): IntentMessage {
  const person = personOf(channel, (at * 7) % PEOPLE);
  const isOwn = at % OWN === 0;
  return {
    author: isOwn ? BOT : person,
    text: TEXTS[at % TEXTS.length] ?? "",
    at: 1_700_000_000_000 + at * 3_000,
    to: isOwn || at % 5 === 0 ? [personOf(channel, (at * 3) % PEOPLE)] : [],
    beginsWithName: at % 5 === 0,
  };
}

function personOf(channel: number, person: number): UserId {
  return id<"user">(1_000 + channel * PEOPLE + person);
}

/** Compiles the code before the first measurement. */
function warmUp(): void {
  const tracker = createIntentTracker({ me: BOT });
  for (let at = 0; at < 10_000; at++) {
    judgeIntent(tracker.features(messageOf(0, at)));
    tracker.push(messageOf(0, at));
  }
}

/** Measures; in the process of its own. */
function measure(): Readings {
  const collect = Reflect.get(globalThis, "Bun")?.gc ?? (() => {});
  warmUp();
  collect(true);
  const before = process.memoryUsage().heapUsed;
  const trackers = Array.from({ length: CHANNELS }, () => createIntentTracker({ me: BOT }));
  for (const [channel, tracker] of trackers.entries()) {
    for (let at = 0; at < PEOPLE * OWN; at++) tracker.push(messageOf(channel, at));
  }
  collect(true);
  const people = trackers.reduce((sum, tracker) => sum + tracker.people, 0);
  const bytes = (process.memoryUsage().heapUsed - before) / people;
  const samples: number[] = [];
  for (let sample = 0; sample < SAMPLES; sample++) {
    const channel = sample % CHANNELS;
    const tracker = trackers[channel];
    const messages = Array.from(
      { length: IN_A_SAMPLE },
      (_, at) => messageOf(channel, sample * IN_A_SAMPLE + at),
    );
    const start = performance.now();
    for (const message of messages) {
      if (tracker && message.author !== BOT) judgeIntent(tracker.features(message));
      tracker?.push(message);
    }
    samples.push(((performance.now() - start) * 1_000) / IN_A_SAMPLE);
  }
  return {
    intentP50: quantile(samples, 0.5),
    intentP99: quantile(samples, 0.99),
    intentPersonBytes: bytes,
  };
}

/** Measures the intent filter. */
export function benchIntent(): Readings {
  return readInBun(import.meta.url);
}

if (import.meta.main) console.log(JSON.stringify(measure()));
