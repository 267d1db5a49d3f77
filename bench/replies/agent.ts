/**
 * Bench: the agent's own costs: a long context, steps with tools, memory after many of them, and
 * messages that wait for their turn.
 *
 * The model's calls name a tool that does not exist. So a step has all costs but the tool's own.
 */

import { setTimeout as sleep } from "node:timers/promises";
import { cpuMsOf, memoryOf } from "../stand/proc.ts";
import { type Contender, openStand, type Stand } from "../stand/stand.ts";
import { quantile, type Readings } from "../stand/stats.ts";

const WARM_UP = 30;
const MESSAGES = 100;
const PAUSE_MS = 20;
/** Messages of people before each question, not addressed to the bot. */
const HISTORY = 20;
/** Transcript entries before the measured questions; an answered question makes two. */
const ENTRIES = 100;
/** Tool steps of one turn. */
const STEPS = 10;
const TOOL_TURNS = 200;
const WAITING = 1_000;
/** Rounds of so many messages that are answered before some wait. */
const WAITING_WARM_UP = 2;
/** Rounds of so many messages that wait in a new process after the first ones. */
const WAITING_MORE = 4;
/** Barnacle returns memory three seconds after its last work, and once more five seconds later. */
const REST_MS = 15_000;

export async function benchAgent(contender: Contender): Promise<Readings> {
  return {
    ...await contexts(contender),
    ...await steps(contender),
    ...await waiting(contender),
    ...await waitingAnew(contender),
  };
}

/** A message with a long context beside one without. */
async function contexts(contender: Contender): Promise<Readings> {
  const stand = openStand(contender);
  try {
    await stand.start();
    const [empty = "", full = ""] = stand.channels;
    for (let number = 0; number < ENTRIES / 2; number++) await askOnce(stand, full);
    const toModel = { empty: [] as number[], full: [] as number[] };
    for (let number = 0; number < WARM_UP + MESSAGES; number++) {
      // The channel without a context is a new one each time, so that it stays without.
      const fresh = stand.channels[2 + number % (stand.channels.length - 2)] ?? empty;
      const shortMs = await askOnce(stand, fresh);
      for (let line = 0; line < HISTORY; line++) stand.chat(full, line);
      await sleep(PAUSE_MS);
      const longMs = await askOnce(stand, full);
      if (number < WARM_UP) continue;
      toModel.empty.push(shortMs);
      toModel.full.push(longMs);
    }
    const [shortP50, longP50] = [quantile(toModel.empty, 0.5), quantile(toModel.full, 0.5)];
    return { toModelLongP50: longP50, toModelLongRatio: longP50 / shortP50 };
  } finally {
    await stand.close();
  }
}

/** Milliseconds from a message to the model. */
async function askOnce(stand: Stand, channel: string): Promise<number> {
  stand.forget();
  const saidAt = performance.now();
  stand.ask(channel);
  await stand.posts(1);
  await sleep(PAUSE_MS);
  return (stand.model.askedAt[0] ?? NaN) - saidAt;
}

/** CPU time of a step, and memory after many turns with tools. */
async function steps(contender: Contender): Promise<Readings> {
  const stand = openStand(contender);
  const turns = async (count: number): Promise<void> => {
    for (let number = 0; number < count; number++) {
      await askOnce(stand, stand.channels[number % stand.channels.length] ?? "");
    }
  };
  try {
    const { pid } = await stand.start();
    await turns(WARM_UP);
    const cpuOf = async (count: number): Promise<number> => {
      const before = cpuMsOf(pid);
      await turns(count);
      return (cpuMsOf(pid) - before) / count;
    };
    const plainMs = await cpuOf(MESSAGES);
    stand.model.callTools(STEPS);
    await turns(WARM_UP);
    const withStepsMs = await cpuOf(TOOL_TURNS);
    await sleep(REST_MS);
    return {
      stepCpuMs: (withStepsMs - plainMs) / STEPS,
      toolRssMib: memoryOf(pid).rssMib,
    };
  } finally {
    await stand.close();
  }
}

/**
 * Memory of messages that wait for their turn, while the model keeps others waiting. The process has
 * answered as many before, because code and heaps grow with the first ones.
 */
async function waiting(contender: Contender): Promise<Readings> {
  const stand = openSlowStand(contender);
  try {
    const { pid } = await stand.start();
    for (let round = 0; round < WAITING_WARM_UP; round++) {
      askMany(stand);
      await stand.posts(WAITING);
      await sleep(REST_MS);
    }
    const before = memoryOf(pid).rssMib;
    stand.model.hang();
    askMany(stand);
    await stand.until("the model to be asked", () => stand.model.askedAt.length > 0);
    await sleep(REST_MS);
    return { waitingAddsMib: memoryOf(pid).rssMib - before };
  } finally {
    await stand.close();
  }
}

/**
 * The same in a process that has answered one message. Its first messages also bring code and heap.
 * Later ones show the cost of a message alone.
 */
async function waitingAnew(contender: Contender): Promise<Readings> {
  const stand = openSlowStand(contender);
  try {
    const { pid } = await stand.start();
    await askOnce(stand, stand.channels[0] ?? "");
    await sleep(REST_MS);
    const before = memoryOf(pid);
    stand.model.hang();
    askMany(stand);
    await stand.until("the model to be asked", () => stand.model.askedAt.length > 0);
    await sleep(REST_MS);
    const first = memoryOf(pid);
    for (let round = 0; round < WAITING_MORE; round++) {
      askMany(stand);
      await sleep(REST_MS);
    }
    const last = memoryOf(pid);
    return {
      waitingNewAddsMib: first.rssMib - before.rssMib,
      waitingNewDirtyMib: first.privateDirtyMib - before.privateDirtyMib,
      waitingMoreMib: (last.rssMib - first.rssMib) / WAITING_MORE,
    };
  } finally {
    await stand.close();
  }
}

/** Answers one message at a time. */
function openSlowStand(contender: Contender): Stand {
  return openStand({
    ...contender,
    config: { ...contender.config, agents: { maxConcurrentTurns: 1 } },
  });
}

function askMany(stand: Stand): void {
  stand.forget();
  for (let number = 0; number < WAITING; number++) {
    stand.ask(stand.channels[number % stand.channels.length] ?? "");
  }
}
