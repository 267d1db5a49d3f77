/**
 * Bench: waiting times and losses of a connection under faults.
 *
 * Each fault has a Discord and a bot of its own. The first fault keeps a core busy. All others run
 * at the same time, because they wait and hardly work. The bots keep their default settings.
 */

import { setTimeout as sleep } from "node:timers/promises";
import {
  type Contender,
  IDENTIFY_SPACING_MS,
  openSimulatedStand,
  type SimulatedStandOptions,
  type Stand,
} from "../stand/stand.ts";
import type { SimulatedDiscord } from "../stand/discord.ts";
import type { Readings } from "../stand/stats.ts";

type SimulatedStand = Stand<SimulatedDiscord>;

const CHANNEL = "krill-1";
/** Short, so that heartbeats find faults soon. */
const HEARTBEAT_MS = 3_000;
/** Maximum wait in seconds: a longer one is as bad. */
const MAX_WAIT_SEC = 90;
/** Milliseconds for answers to arrive, once they can. */
const ANSWERS_MS = 10_000;

export async function benchConnection(contender: Contender, isQuick: boolean): Promise<Readings> {
  const blocked = await benchBlocked(contender, isQuick ? 20_000 : 60_000);
  const others = await Promise.all([
    benchRestarts(contender, isQuick ? 10 : 20),
    benchHalfOpen(contender),
    benchCloseLoop(contender),
    benchDeadSession(contender),
    benchHang(contender),
  ]);
  return Object.assign({}, blocked, ...others);
}

/** The main thread is blocked for a minute: by a tool, a bad regular expression or a debugger. */
function benchBlocked(contender: Contender, burnMs: number): Promise<Readings> {
  return onStand(contender, { heartbeatIntervalMs: HEARTBEAT_MS, burnMs }, async (stand) => {
    const account = stand.discord.simulator.account();
    const bot = await stand.start();
    await sleep(HEARTBEAT_MS);
    const beats = account.beats.length;
    const connections = account.connections;
    const startedAt = Date.now();
    bot.burn();
    for (let asked = 0; asked < 10; asked++) {
      await sleep(burnMs / 10);
      stand.ask(CHANNEL);
    }
    await answered(stand, 10);
    const since = account.beats.slice(beats).map(({ lateMs }) => lateMs);
    // A missing beat is late by all of the burn.
    const silenceMs = Math.max(0, burnMs - HEARTBEAT_MS);
    const hasBeaten = account.beats.some(({ at }) => at > startedAt && at < startedAt + burnMs);
    return {
      blockedBeatMs: Math.max(hasBeaten ? 0 : silenceMs, ...since),
      blockedConnections: account.connections - connections,
      blockedLost: 10 - stand.postedAt.length,
    };
  });
}

/** Restarts, each with a question while no bot runs. */
function benchRestarts(contender: Contender, restarts: number): Promise<Readings> {
  return onStand(contender, {}, async (stand) => {
    const { identifies } = stand.discord.simulator.account();
    let bot = await stand.start();
    for (let restart = 0; restart < restarts; restart++) {
      await sleep(IDENTIFY_SPACING_MS);
      await bot.stop();
      stand.ask(CHANNEL);
      bot = await stand.start();
    }
    await answered(stand, restarts);
    return {
      identifiesPerRestart: (identifies.length - 1) / restarts,
      restartLostPercent: 100 * (1 - stand.postedAt.length / restarts),
    };
  });
}

/** The connection stays open without any traffic: a NAT has forgotten it. */
function benchHalfOpen(contender: Contender): Promise<Readings> {
  return onStand(contender, { heartbeatIntervalMs: HEARTBEAT_MS }, async (stand) => {
    await stand.start();
    await sleep(1_000);
    stand.discord.simulator.faults.gateway.freeze();
    return { halfOpenSec: await backAfterSec(stand) };
  });
}

/** Discord closes each connection that identifies, for half a minute. */
function benchCloseLoop(contender: Contender): Promise<Readings> {
  return onStand(contender, {}, async (stand) => {
    const { gateway } = stand.discord.simulator.faults;
    const { identifies } = stand.discord.simulator.account();
    await stand.start();
    await sleep(IDENTIFY_SPACING_MS);
    const before = identifies.length;
    gateway.closeOnIdentify.push(...Array.from({ length: 100_000 }, () => 4_000));
    gateway.forgetSessions();
    gateway.drop(4_000);
    await sleep(30_000);
    gateway.closeOnIdentify.length = 0;
    const spent = identifies.length - before;
    return { closeLoopIdentifies: spent, closeLoopBackSec: await onlineAfterSec(stand) };
  });
}

/** The network is away until Discord has forgotten the session, while people go on writing. */
function benchDeadSession(contender: Contender): Promise<Readings> {
  return onStand(contender, {}, async (stand) => {
    const { gateway } = stand.discord.simulator.faults;
    await stand.start();
    await sleep(IDENTIFY_SPACING_MS);
    gateway.welcome = "reset";
    gateway.drop("reset");
    gateway.forgetSessions();
    for (let asked = 0; asked < 20; asked++) {
      stand.ask(CHANNEL);
      await sleep(250);
    }
    gateway.welcome = "accept";
    await onlineAfterSec(stand);
    await answered(stand, 20);
    return { deadSessionLost: 20 - stand.postedAt.length };
  });
}

/** The next connection is accepted and never answered. */
function benchHang(contender: Contender): Promise<Readings> {
  return onStand(contender, {}, async (stand) => {
    const { gateway } = stand.discord.simulator.faults;
    await stand.start();
    await sleep(1_000);
    gateway.welcomeTimes = 1;
    gateway.welcome = "ignore";
    gateway.drop("reset");
    return { hangSec: await backAfterSec(stand) };
  });
}

async function onStand(
  contender: Contender,
  options: SimulatedStandOptions,
  bench: (stand: SimulatedStand) => Promise<Readings>,
): Promise<Readings> {
  const stand = await openSimulatedStand(contender, { isResumable: true, ...options });
  try {
    return await bench(stand);
  } finally {
    await stand.close();
  }
}

/** Seconds until a new connection with a session. */
function backAfterSec(stand: SimulatedStand): Promise<number> {
  const account = stand.discord.simulator.account();
  const before = account.connections;
  return secondsUntil(stand, () => account.connections > before);
}

function onlineAfterSec(stand: SimulatedStand): Promise<number> {
  return secondsUntil(stand, () => stand.discord.simulator.connected() > 0);
}

async function answered(stand: SimulatedStand, count: number): Promise<void> {
  const deadline = performance.now() + ANSWERS_MS;
  await stand.until(
    "answers",
    () => stand.postedAt.length >= count || performance.now() > deadline,
  );
}

/** Seconds, up to {@link MAX_WAIT_SEC}. */
async function secondsUntil(stand: SimulatedStand, check: () => boolean): Promise<number> {
  const startedAt = performance.now();
  const seconds = () => (performance.now() - startedAt) / 1_000;
  await stand.until("the bot to be back", () => check() || seconds() > MAX_WAIT_SEC);
  return Math.min(seconds(), MAX_WAIT_SEC);
}
