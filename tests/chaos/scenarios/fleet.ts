/**
 * Kills, stops and suspends the processes of one bot that share a store through PostgreSQL (O15),
 * while people ask in some channels: one owner and two that stand by.
 *
 * Each process is started again a moment after its end, as a service manager does. A suspended owner
 * (SIGSTOP) wakes up only after another process has taken over. For two thirds of the questions, the
 * model calls a tool that must not run twice: at the bell, or a message at Discord.
 */

import process from "node:process";
import { setTimeout as sleep } from "node:timers/promises";
import type { SimulatedProcess } from "../../../src/cli/demo/simulation/simulation.ts";
import { demoWorld } from "../../../simulator/actions/demo_world.ts";
import { wordsOf } from "../../../simulator/model/script.ts";
import type { WireCall, WireRequest } from "../../../simulator/model/wire.ts";
import { ended, PATIENCE_MS, type Scene, withSimulation } from "../../support/bot/e2e.ts";
import { startFixedModel } from "../../support/model/fixed_model.ts";
import { startSecondBot } from "../../support/process/second_bot.ts";
import { type Seeded, seeded } from "../../support/seeded.ts";
import { type Postgres, startPostgres } from "../../support/store/postgres.ts";
import { type Bell, startBell } from "../support/bell.ts";
import { createLedger, type Ledger, PART_LIMIT } from "../support/ledger.ts";
import { type Report, reportOf } from "../support/report.ts";
import { scenarioOf } from "../support/scenario.ts";

/** Names of the data directories. */
const MEMBERS = ["first", "second", "third"] as const;
/** Maximum time of the model for an answer, and of the bell for a result. */
const THINKING_MS = 300;
const RINGING_MS = 200;
/** Maximum time between two faults, and until a process is started again. */
const BETWEEN_MS = 3_000;
const RESTART_MS = 2_000;
/** Milliseconds to wait for an unwanted message. */
const AFTERWARDS_MS = 1_000;
const KEPT_PER_CHANNEL = 100_000;
/** People wait for answers from this number of open questions on. */
const MAX_OPEN = 60;
/** Longer than any run: the scenario ends its processes itself. */
const LIFE_MS = 24 * 60 * 60_000;

const NAME = /\bq\d{6}\b/;
const SENT = /^sent (q\d{6}) by a tool$/;
const OWNS = /This process owns the store in PostgreSQL/;
/** A suspended process sends no heartbeat. */
const LATE = "no heartbeat is late by more than two seconds";

const PLACES: readonly (readonly [who: string, where: string])[] = [
  ["grace", "general"],
  ["grace", "off-topic"],
  ["ada", "dm"],
];

/** What is done to a process. */
const FAULTS = ["kill", "stop", "sleep"] as const;

export const scenario = scenarioOf({
  name: "fleet",
  summary:
    "three processes on one PostgreSQL, killed, stopped and suspended: each reply and tool once",
  /** `others`: percentage of faults of a process that stands by. `rate`: questions a second. */
  long: { faults: 300, rate: 4, others: 20 },
  short: { faults: 4, rate: 2, others: 0 },
  async run({ seed, faults, rate, others }) {
    const { world, barnacle } = demoWorld({ keptPerChannel: KEPT_PER_CHANNEL });
    const ledger = createLedger(seeded(seed + 1).random);
    const thinking = seeded(seed + 3);
    await using bell = await startBell(() => thinking.upTo(RINGING_MS));
    await using model = await startFixedModel(async (_asked, request) => {
      await sleep(thinking.upTo(THINKING_MS));
      const newest = request.messages.findLastIndex(({ role }) => role === "user");
      const words = wordsOf(request.messages[newest]?.text ?? "");
      const calls = callsFor(words, request, newest);
      return calls.length > 0 ? { calls } : ledger.answer(words);
    });
    const server = await startPostgres();
    let report: Report | undefined;
    try {
      await withSimulation({
        simulator: { world, application: barnacle, rateLimits: false },
        discord: () => ({ dm: { allowFrom: ["ada"] }, textChunkLimit: PART_LIMIT }),
        config: {
          store: { url: "${STORE_URL}" },
          shutdown: { graceSec: 2 },
          alerts: { ways: [] },
          mcp: { servers: { bell: { url: bell.url } } },
          tools: { allow: ["discord", "mcp__bell"] },
        },
        mayRefuse: ({ status }) => status === 429,
      }, async (scene) => {
        const env = { STORE_URL: server.create(), OPENAI_BASE_URL: model.baseUrl };
        report = await play(scene, { seed, faults, rate, others, ledger, bell, env, server });
      });
    } finally {
      await server.close();
    }
    if (!report) throw new Error("The scenario ended without an account");
    return report;
  },
});

/** One call for two of three questions, as long as the turn has none yet. */
function callsFor(words: string, { messages, tools }: WireRequest, newest: number): WireCall[] {
  const name = NAME.exec(words)?.[0];
  if (name === undefined || tools.length === 0) return [];
  if (messages.slice(newest + 1).some(({ role }) => role === "assistant")) return [];
  switch (Number(name.slice(1)) % 3) {
    case 0:
      return [{ id: "call_1", name: "mcp__bell__ring", arguments: JSON.stringify({ key: name }) }];
    case 1: {
      const args = { action: "sendMessage", text: `sent ${name} by a tool` };
      return [{ id: "call_1", name: "discord", arguments: JSON.stringify(args) }];
    }
    default:
      return [];
  }
}

interface Play {
  readonly seed: number;
  readonly faults: number;
  readonly rate: number;
  readonly others: number;
  readonly ledger: Ledger;
  readonly bell: Bell;
  readonly env: Readonly<Record<string, string>>;
  readonly server: Postgres;
}

/** The processes, each of which comes back after its end. */
function createMembers(scene: Scene, { env, seed }: Pick<Play, "env" | "seed">) {
  type Member = SimulatedProcess & AsyncDisposable;
  const dice = seeded(seed + 4);
  const running = new Map<string, Member>();
  /** Suspended processes, and those that were told to stop: another one owns the store, or will. */
  const leaving = new Set<SimulatedProcess>();
  const ends: string[] = [];
  let isOver = false;

  function start(name: string): void {
    const bot = startSecondBot(scene, { env, name, lifeMs: LIFE_MS });
    running.set(name, bot);
    void bot.exited.then(async ({ code, signal }) => {
      running.delete(name);
      const [line = ""] = bot.lines.slice(-1);
      await bot[Symbol.asyncDispose]();
      if (signal === null && code !== 0 && code !== 75) ends.push(`${name}: ${code} ${line}`);
      if (isOver) return;
      await sleep(dice.upTo(RESTART_MS));
      if (!isOver) start(name);
    });
  }

  const owns = (name: string) => running.get(name)?.lines.some((line) => OWNS.test(line)) === true;

  return {
    start,
    running,
    leaving,
    /** Unexpected ends. */
    ends,
    /** Name of the owner that runs, and goes on. */
    owner: () =>
      MEMBERS.find((name) => {
        const bot = running.get(name);
        return bot && owns(name) && !leaving.has(bot);
      }),
    async [Symbol.asyncDispose](): Promise<void> {
      isOver = true;
      for (const bot of running.values()) await bot[Symbol.asyncDispose]();
    },
    async stop(): Promise<readonly number[]> {
      isOver = true;
      const codes: number[] = [];
      // The owner last: the others would take over.
      for (const name of [...MEMBERS].sort((one, two) => Number(owns(one)) - Number(owns(two)))) {
        const bot = running.get(name);
        bot?.kill("SIGTERM");
        if (bot) codes.push((await endOf(name, bot)).code ?? -1);
      }
      return codes;
    },
  };
}

/** Waits for the end of a process; a process that does not end is named with its last lines. */
async function endOf(name: string, bot: SimulatedProcess) {
  try {
    return await ended(bot);
  } catch (cause) {
    throw new Error(`${name} does not end. Its last lines:\n${bot.lines.slice(-12).join("\n")}`, {
      cause,
    });
  }
}

async function play(scene: Scene, given: Play): Promise<Report> {
  const { seed, faults, rate, others, ledger, bell } = given;
  const { simulator, until } = scene;
  const dice = seeded(seed);
  await using members = createMembers(scene, given);
  const talk = converse(scene, ledger, seeded(seed + 2));
  const took: Record<(typeof FAULTS)[number], number[]> = { kill: [], stop: [], sleep: [] };
  simulator.subscribe((event) => {
    if (event.kind === "message_created") ledger.note(event.message.content);
  });
  for (const name of MEMBERS) members.start(name);
  await until("an owner that is online", () => {
    const owner = members.running.get(members.owner() ?? "");
    return owner?.lines.some((line) => /the bot is online/.test(line));
  });
  for (const place of PLACES) talk.ask(place);
  await until("the first answers", ledger.isAnswered);

  talk.begin(rate);
  for (let count = 0; count < faults; count += 1) {
    await sleep(dice.upTo(BETWEEN_MS));
    const owner = await until("an owner", () => members.owner());
    const isOther = 100 * dice.random() < others;
    const name = isOther ? dice.pick(MEMBERS.filter((name) => name !== owner)) : owner;
    const fault = faults <= FAULTS.length + 1
      ? FAULTS[count % FAULTS.length] ?? "kill"
      : dice.pick(FAULTS);
    const victim = members.running.get(name);
    if (!victim?.pid) continue; // it is being started again
    const at = performance.now();
    members.leaving.add(victim);
    if (fault === "sleep") process.kill(victim.pid, "SIGSTOP");
    else victim.kill(fault === "kill" ? "SIGKILL" : "SIGTERM");
    if (name === owner) {
      await until("another owner", members.owner, PATIENCE_MS);
      took[fault].push(Math.round(performance.now() - at));
    } else await sleep(dice.upTo(BETWEEN_MS));
    if (fault === "sleep") {
      await sleep(dice.upTo(BETWEEN_MS));
      process.kill(victim.pid, "SIGCONT");
      if (name === owner) await endOf(name, victim);
      else members.leaving.delete(victim);
    }
  }
  await talk.end();
  await until("all answers", ledger.isAnswered, 2 * PATIENCE_MS).catch(() => {}); // the report says so
  // A second answer would come before the answer to a later question.
  for (const place of PLACES) talk.ask(place);
  await until("the last answers", ledger.isAnswered, PATIENCE_MS).catch(() => {}); // as above
  await sleep(AFTERWARDS_MS);
  const log = members.running.get(members.owner() ?? "")?.lines ?? [];
  const codes = await members.stop();

  const written = writtenIn(scene);
  const account = ledger.account((channel) =>
    written.get(channel)?.filter((content) => !SENT.test(content)) ?? []
  );
  const sent = [...written.values()].flat().flatMap((content) => SENT.exec(content)?.[1] ?? []);
  const rungTwice = [...bell.rings].filter(([, count]) => count > 1).map(([key]) => key);
  const sentTwice = sent.filter((name, index) => sent.indexOf(name) !== index);
  const report = reportOf(seed, account, simulator.account(), {
    facts: {
      faults,
      ...factsOf(took),
      ...ledger.figures,
      rings: bell.rings.size,
      sends: sent.length,
      mixed: account.mixed.length,
      foreign: account.foreign.length,
      ...(rungTwice.length > 0 && { rungTwice: rungTwice.join(",") }),
      ...(sentTwice.length > 0 && { sentTwice: sentTwice.join(",") }),
      ...(account.foreign.length > 0 && { said: account.foreign.slice(0, 3).join(" | ") }),
      ...(members.ends.length > 0 && { ends: members.ends.join(" | ") }),
    },
    bounds: [
      ["no call rings twice", rungTwice.length === 0],
      ["no call sends twice", sentTwice.length === 0],
      ["tools have run", bell.rings.size > 0 && sent.length > 0],
      ["no answer is made of two", account.mixed.length === 0],
      ["nothing else is said", account.foreign.length === 0],
      ["each process ends as told, or with 75", members.ends.length === 0],
      ["all processes end with 0", codes.every((code) => code === 0)],
    ],
    log,
  });
  return { ...report, breaches: report.breaches.filter((what) => what !== LATE) };
}

/** The longest and the middle time of each kind until another process owned the store. */
function factsOf(took: Readonly<Record<string, readonly number[]>>): Record<string, number> {
  return Object.fromEntries(
    Object.entries(took).flatMap(([fault, times]) => {
      const sorted = times.toSorted((one, two) => one - two);
      const longest = sorted.at(-1);
      if (longest === undefined) return [];
      const middle = sorted[Math.floor(sorted.length / 2)] ?? longest;
      return [
        [`${fault}s`, sorted.length],
        [`${fault}MedianMs`, middle],
        [`${fault}WorstMs`, longest],
      ];
    }),
  );
}

/** The bot's messages by channel, oldest first. */
function writtenIn({ simulator }: Scene): ReadonlyMap<string, readonly string[]> {
  return new Map(PLACES.map(([as, where]) => {
    const { id, messages } = simulator.channel(where, as);
    const own = [...messages.values()].filter(({ author }) =>
      author.kind === "user" && author.userId === simulator.application.userId
    );
    return [String(id), own.map(({ content }) => content)];
  }));
}

/** Lets people ask one after the other, whichever process runs. */
function converse({ simulator, mention }: Scene, ledger: Ledger, dice: Seeded) {
  let isOver = false;
  let talking: Promise<void> = Promise.resolve();

  function ask([as, where]: (typeof PLACES)[number]): void {
    const { id } = simulator.channel(where, as);
    const name = ledger.owe(String(id));
    simulator.say({ as, in: id, text: where === "dm" ? name : `${mention} ${name}` });
  }

  async function talk(rate: number): Promise<void> {
    while (!isOver) {
      await sleep(1_000 / rate);
      if (ledger.open < MAX_OPEN) ask(dice.pick(PLACES));
    }
  }

  return {
    ask,
    begin(rate: number): void {
      talking = talk(rate);
    },
    async end(): Promise<void> {
      isOver = true;
      await talking;
    },
  };
}
