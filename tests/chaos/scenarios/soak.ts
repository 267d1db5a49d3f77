/**
 * Sends many messages, a few of them for the bot, with a fault now and then.
 *
 * The run checks that no message is lost or doubled, and that the process does not grow. A killed
 * process starts small again, so kills happen in the first half only; the slope is that of the
 * second half.
 */

import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import type { SimulatedProcess } from "../../../src/extras/demo/simulation/simulation.ts";
import { demoWorld } from "../../../simulator/actions/demo_world.ts";
import { addChannel } from "../../../simulator/world/create_world.ts";
import { type Account, accountOf, type Owed } from "../../support/bot/account.ts";
import { ended, type Scene, STOPPED, withSimulation } from "../../support/bot/e2e.ts";
import { type Seeded, seeded } from "../../support/seeded.ts";
import { type Report, reportOf } from "../support/report.ts";
import { scenarioOf } from "../support/scenario.ts";

const CHANNELS = 20;
/** One of this many messages is for the bot. */
const ONE_IN = 100;
/** The simulator forgets older messages, or it would grow instead of the bot. */
const KEPT_PER_CHANNEL = 1_000;
const BACKOFF_MAX_SEC = 3;
/** Short, so that a half-open connection is noticed within seconds. */
const HEARTBEAT_MS = 2_000;
/** Messages between two sleeps, each as long as a timer's resolution; and between two in a gap. */
const BATCH = 10;
const BATCH_EVERY_MS = 12;
const BATCH_EVERY_IN_GAP_MS = 100;
/** Messages between two measurements of the process. */
const LOOK_EVERY = 500;
const PATIENCE_MS = 120_000;
/** Faults that keep the connection. */
const OF_REST = new Set(["refused", "unanswered"]);
/** Milliseconds to wait for an unwanted message. */
const AFTERWARDS_MS = 2_000;

interface Look {
  readonly messages: number;
  readonly rssMib: number;
}

export const scenario = scenarioOf({
  name: "soak",
  summary: "many messages and a fault every so often: nothing lost or doubled, RSS without slope",
  // `slope`: the MiB of RSS per 10,000 messages that fail the run; a short run cannot measure it.
  long: { messages: 100_000, faultEvery: 2_000, slope: 3 },
  short: { messages: 2_000, faultEvery: 250, slope: 1_000 },
  async run({ seed, messages, faultEvery, slope: mostSlope }) {
    const { world, krill, barnacle } = demoWorld({ keptPerChannel: KEPT_PER_CHANNEL });
    for (const name of namesOf(CHANNELS)) addChannel(world, krill, { name }, Date.now());
    let report: Report | undefined;
    await withSimulation({
      simulator: {
        world,
        application: barnacle,
        rateLimits: false,
        heartbeatIntervalMs: HEARTBEAT_MS,
        replayLimit: 20_000,
      },
      discord: () => ({
        gateway: {
          // Faults come more often here than sessions prove themselves: waits would grow to
          // minutes.
          reconnect: { maxRetries: 1_000, backoffMaxSec: BACKOFF_MAX_SEC },
          // Messages older than the limit stay unanswered, as specified.
          catchUp: { maxPerChannel: KEPT_PER_CHANNEL },
        },
      }),
      mayRefuse: ({ status }) => status === 503,
    }, async (scene) => {
      const soak = openSoak(scene, seeded(seed));
      const startedAt = performance.now();
      let bot = await scene.start();
      for (let said = 1; said <= messages; said++) {
        soak.say(said);
        if (said % faultEvery === 0) bot = await soak.breakSomething(bot, said > messages / 2);
        if (said % LOOK_EVERY === 0) soak.look(bot, said);
        if (said % BATCH === 0) {
          await sleep(scene.simulator.connected() > 0 ? BATCH_EVERY_MS : BATCH_EVERY_IN_GAP_MS);
        }
      }
      const account = await soak.quiesce();
      bot.kill("SIGTERM");
      const exit = await ended(bot);
      const looks = soak.looks.filter((look) => look.messages > messages / 2);
      const slope = slopeOf(looks);
      report = reportOf(seed, account, scene.simulator.account(), {
        facts: {
          messages,
          faults: JSON.stringify(Object.fromEntries(soak.faults)),
          seconds: Math.round((performance.now() - startedAt) / 1_000),
          rssMib: looks.map(({ rssMib }) => Math.round(rssMib)).filter(everyTenth).join(","),
          slopeMibPer10k: slope.toFixed(2),
        },
        bounds: [
          [`RSS grows by less than ${mostSlope} MiB per 10,000 messages`, !(slope > mostSlope)],
          ["the bot ends with 0", exit.code === STOPPED.code],
        ],
      });
    });
    if (!report) throw new Error("The soak ended without an account");
    return report;
  },
});

function openSoak(scene: Scene, dice: Seeded) {
  const { simulator, mention, startBot, start, until } = scene;
  const { faults: { gateway, rest }, application } = simulator;
  const names = namesOf(CHANNELS);
  const owed = new Map(names.map((channel) => [channel, [] as string[]]));
  const nameOf = new Map(names.map((name) => [simulator.channel(name).id, name]));
  const written = new Map(names.map((channel) => [channel, [] as string[]]));
  const faults = new Map<string, number>();
  const looks: Look[] = [];
  const notebook = simulator.account();
  /** The expected counts: connections, IDENTIFYs and answers. */
  const due = { connections: 1, answers: 0 };
  let answered = 0;

  simulator.subscribe((event) => {
    if (event.kind !== "message_created") return;
    const { author, channelId, content } = event.message;
    if (author.kind !== "user" || author.userId !== application.userId) return;
    written.get(nameOf.get(channelId) ?? "")?.push(content);
    answered += 1;
  });

  const ask = (channel: string, name: string) => {
    simulator.say({ as: "grace", in: channel, text: `${mention} ${name}` });
    owed.get(channel)?.push(name);
    due.answers += 1;
  };
  const account = (): Account => {
    const debts: Owed[] = [...owed].map(([channel, pieces]) => ({ channel, pieces }));
    return accountOf(debts, (channel) => written.get(channel) ?? []);
  };

  /** The faults; the last three end the process. */
  const blows: Readonly<
    Record<string, (bot: SimulatedProcess) => Promise<SimulatedProcess> | void>
  > = {
    fin: () => void gateway.drop("fin"),
    reset: () => void gateway.drop("reset"),
    4000: () => void gateway.drop(4000),
    4009: () => void gateway.drop(4009),
    op7: () => gateway.askReconnect(),
    resumable: () => gateway.invalidate(true),
    invalid: () => gateway.invalidate(false),
    halfOpen: () => void gateway.freeze(),
    refused: () =>
      void rest.add({ method: "POST", times: 5, fault: { kind: "status", status: 503 } }),
    unanswered: () => void rest.add({ method: "POST", times: 2, fault: { kind: "reset_after" } }),
    killed: (bot) => again(bot, "SIGKILL"),
    stopped: (bot) => again(bot, "SIGTERM"),
  };
  const all = Object.keys(blows);
  const outside = all.filter((name) => name !== "killed" && name !== "stopped");

  async function again(
    bot: SimulatedProcess,
    signal: "SIGKILL" | "SIGTERM",
  ): Promise<SimulatedProcess> {
    bot.kill(signal);
    await ended(bot);
    return startBot();
  }

  return {
    looks,
    faults,
    start,
    say(number: number) {
      const channel = dice.pick(names);
      if (dice.upTo(ONE_IN) === 0) return ask(channel, `q${String(number).padStart(6, "0")}.`);
      simulator.say({ as: "ada", in: channel, text: `Krill number ${number} swam by.` });
    },
    /** Chooses a fault. The second half has none that ends the process. */
    async breakSomething(bot: SimulatedProcess, isSecondHalf: boolean): Promise<SimulatedProcess> {
      await until("the bot to be back", () => notebook.connections >= due.connections, PATIENCE_MS);
      const name = dice.pick(isSecondHalf ? outside : all);
      faults.set(name, (faults.get(name) ?? 0) + 1);
      if (!OF_REST.has(name)) due.connections = notebook.connections + 1;
      return await blows[name]?.(bot) ?? bot;
    },
    look({ pid }: SimulatedProcess, messages: number) {
      if (pid !== undefined) looks.push({ messages, rssMib: rssMibOf(pid) });
    },
    async quiesce(): Promise<Account> {
      await until("the bot to be back", () => notebook.connections >= due.connections, PATIENCE_MS);
      // Counting is cheap, and a full report is not.
      await until("all answers", () => answered >= due.answers, PATIENCE_MS).catch(() => {}); // the report says so
      for (const channel of names) if (owed.get(channel)?.length) ask(channel, "later.");
      await until("the last answers", () => answered >= due.answers, PATIENCE_MS).catch(() => {}); // as above
      await sleep(AFTERWARDS_MS);
      return account();
    },
  };
}

const namesOf = (count: number): readonly string[] =>
  Array.from({ length: count }, (_, number) => `soak-${number}`);

const everyTenth = (_: number, index: number): boolean => index % 10 === 0;

/** RSS from the kernel; `NaN` for a process that has just ended. */
function rssMibOf(pid: number): number {
  try {
    return Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]) /
      1_024;
  } catch {
    return NaN; // the fault ended it
  }
}

/** Least squares: MiB per 10,000 messages; `NaN` for fewer than two measurements. */
export function slopeOf(looks: readonly Look[]): number {
  const valid = looks.filter(({ rssMib }) => !Number.isNaN(rssMib));
  const mean = (of: (look: Look) => number) =>
    valid.reduce((sum, look) => sum + of(look), 0) / valid.length;
  const x = mean(({ messages }) => messages);
  const y = mean(({ rssMib }) => rssMib);
  const covariance = mean(({ messages, rssMib }) => (messages - x) * (rssMib - y));
  return covariance / mean(({ messages }) => (messages - x) ** 2) * 10_000;
}
