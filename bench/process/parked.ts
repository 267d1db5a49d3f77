/**
 * Bench: the memory of parked turns. Each waits for a person whom the tool `ask` has asked, in a
 * channel and a session of its own.
 */

import { setTimeout as sleep } from "node:timers/promises";
import { memoryOf } from "../stand/proc.ts";
import { type Contender, openStand, type Stand } from "../stand/stand.ts";
import type { Readings } from "../stand/stats.ts";

const PARKED = 1_000;
/** Rounds of so many answers, each in a channel of its own, before the first turn is parked. */
const WARM_UP = 2;
/** Rounds of so many turns that are parked after the first ones. */
const MORE = 3;
/** Turns at once, as in a large server. */
const AT_ONCE = 20;
/** Barnacle returns memory three seconds after its last work, and once more five seconds later. */
const REST_MS = 15_000;

const ASK = { name: "ask", arguments: '{"question":"Which krill?","options":["small","large"]}' };

export async function benchParked(contender: Contender): Promise<Readings> {
  const used = await addedMib(contender, WARM_UP, 0);
  const anew = await addedMib(contender, 0, MORE);
  return {
    parkedAddsMib: used.first,
    parkedNewAddsMib: anew.first,
    answeredNewAddsMib: used.answered,
    parkedMoreMib: anew.more / MORE,
  };
}

/** The memory of parked turns in a process that has answered some rounds of messages before. */
async function addedMib(
  contender: Contender,
  before: number,
  after: number,
): Promise<{ readonly answered: number; readonly first: number; readonly more: number }> {
  const stand = openStand(contender, { rooms: PARKED * (before + 1 + after) });
  try {
    const { pid } = await stand.start();
    const rssMib = async () => {
      await sleep(REST_MS);
      return memoryOf(pid).rssMib;
    };
    let round = 0;
    await askIn(stand, "general", 1);
    const started = await rssMib();
    if (before > 0) await askAll(stand, round++);
    const answered = before > 0 ? await rssMib() : started;
    while (round < before) await askAll(stand, round++);
    const empty = round > 1 ? await rssMib() : answered;
    stand.model.callTools(1, ASK);
    await askAll(stand, round++);
    const first = await rssMib();
    for (let more = 0; more < after; more++) await askAll(stand, round++);
    const last = after > 0 ? await rssMib() : first;
    return { answered: answered - started, first: first - empty, more: last - first };
  } finally {
    await stand.close();
  }
}

/** Asks once in each channel of a round, and waits for the answers or questions. */
async function askAll(stand: Stand, round: number): Promise<void> {
  const channels = stand.channels.slice(round * PARKED, (round + 1) * PARKED);
  stand.forget();
  for (const [number, channel] of channels.entries()) {
    await askIn(stand, channel, Math.max(0, number + 1 - AT_ONCE));
  }
  await stand.posts(channels.length);
}

async function askIn(stand: Stand, channel: string, posted: number): Promise<void> {
  stand.ask(channel);
  await stand.posts(posted);
}
