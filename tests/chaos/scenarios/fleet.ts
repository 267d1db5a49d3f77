/**
 * Kills, stops and suspends three processes of one bot that share a store through PostgreSQL, while
 * people ask in some channels. Without partitions (O15), one of them owns the store, and two stand by.
 * With several (O16), all of them work, and the database is restarted, too.
 *
 * Each process is started again a moment after its end, as a service manager does. For two thirds of
 * the questions, the model calls a tool that must not run twice: at the bell, or a message at Discord.
 */

import { setTimeout as sleep } from "node:timers/promises";
import { demoWorld } from "../../../simulator/actions/demo_world.ts";
import { wordsOf } from "../../../simulator/model/script.ts";
import { channelOf, dividedWorld } from "../../support/store/divided_world.ts";
import { PATIENCE_MS, type Scene, withSimulation } from "../../support/bot/e2e.ts";
import { startFixedModel } from "../../support/model/fixed_model.ts";
import { seeded } from "../../support/seeded.ts";
import { type Postgres, startPostgres } from "../../support/store/postgres.ts";
import { breakOwner, breakProcesses, factsOf } from "../fleet/faults.ts";
import { createMembers, MEMBERS } from "../fleet/members.ts";
import { callsFor, converse, type Place, writtenIn } from "../fleet/talk.ts";
import { type Bell, startBell } from "../support/bell.ts";
import { createLedger, type Ledger, PART_LIMIT } from "../support/ledger.ts";
import { type Report, reportOf } from "../support/report.ts";
import { scenarioOf } from "../support/scenario.ts";

/** Maximum time of the model for an answer, and of the bell for a result. */
const THINKING_MS = 300;
const RINGING_MS = 200;
/** Milliseconds to wait for an unwanted message. */
const AFTERWARDS_MS = 1_000;
const KEPT_PER_CHANNEL = 100_000;

const SENT = /^sent (q\d{6}) by a tool$/;
/** A suspended process sends no heartbeat. */
const LATE = "no heartbeat is late by more than two seconds";

/** Places of one partition, which is the whole bot. */
const PLACES: readonly Place[] = [
  ["grace", "general"],
  ["grace", "off-topic"],
  ["ada", "dm"],
];

/** A place of each partition; direct messages are in the first one. */
function placesOf(partitions: number): readonly Place[] {
  if (partitions === 1) return PLACES;
  const channels = Array.from(
    { length: partitions },
    (_, index) => ["grace", channelOf(index)] as const,
  );
  return [...channels, ["ada", "dm"]];
}

export const scenario = scenarioOf({
  name: "fleet",
  summary:
    "three processes on one PostgreSQL, killed, stopped and suspended: each reply and tool once",
  /**
   * `others`: percentage of faults of a process that stands by. `rate`: questions a second.
   * `partitions`: with more than one, all processes work. `together`: number of faults after which all
   * places must have answered; with 1, no fault meets another one. `away`: maximum time, in seconds,
   * until a process is started again.
   */
  long: { faults: 300, rate: 4, others: 20, partitions: 1, together: 4, away: 2 },
  short: { faults: 4, rate: 2, others: 0, partitions: 1, together: 4, away: 2 },
  async run({ seed, faults, rate, others, partitions, together, away }) {
    const limits = { keptPerChannel: KEPT_PER_CHANNEL };
    const isDivided = partitions > 1;
    const { world, barnacle } = isDivided ? dividedWorld(partitions, limits) : demoWorld(limits);
    const places = placesOf(partitions);
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
        simulator: {
          world,
          application: barnacle,
          rateLimits: false,
          ...(isDivided && { identifyLimit: { maxConcurrency: 16 } }),
        },
        discord: () => ({
          ...(isDivided && { guilds: { "*": {} } }),
          dm: { allowFrom: ["ada"] },
          textChunkLimit: PART_LIMIT,
        }),
        config: {
          store: { url: "${STORE_URL}", ...(isDivided && { partitions }) },
          shutdown: { graceSec: 2 },
          alerts: { ways: [] },
          mcp: { servers: { bell: { url: bell.url } } },
          tools: { allow: ["discord", "mcp__bell"] },
        },
        mayRefuse: ({ status }) => status === 429,
      }, async (scene) => {
        const env = { STORE_URL: server.create(), OPENAI_BASE_URL: model.baseUrl };
        const given = { seed, faults, rate, others, partitions, places, together, away };
        report = await play(scene, { ...given, ledger, bell, env, server });
      });
    } finally {
      await server.close();
    }
    if (!report) throw new Error("The scenario ended without an account");
    return report;
  },
});

interface Play {
  readonly seed: number;
  readonly faults: number;
  readonly rate: number;
  readonly others: number;
  readonly partitions: number;
  readonly together: number;
  readonly away: number;
  readonly places: readonly Place[];
  readonly ledger: Ledger;
  readonly bell: Bell;
  readonly env: Readonly<Record<string, string>>;
  readonly server: Postgres;
}

async function play(scene: Scene, given: Play): Promise<Report> {
  const { seed, faults, rate, others, partitions, ledger, bell, places } = given;
  const { simulator, until } = scene;
  const dice = seeded(seed);
  await using members = createMembers(scene, { ...given, awayMs: given.away * 1_000 });
  const talk = converse(scene, places, ledger, seeded(seed + 2));
  simulator.subscribe((event) => {
    if (event.kind === "message_created") ledger.note(event.message.content);
  });
  for (const name of MEMBERS) members.start(name);
  await until("an owner that is online", () => {
    const owner = members.running.get(members.owner() ?? "");
    return owner?.lines.some((line) => /the bot is online/.test(line)) &&
      simulator.connected() >= partitions; // before, a bot has not begun to listen
  }, 2 * PATIENCE_MS);
  for (const place of places) talk.ask(place);
  await until("the first answers", ledger.isAnswered);

  talk.begin(rate);
  const faulty = { scene, members, faults, dice };
  const took = partitions > 1
    ? await breakProcesses(faulty, { ...given, talk })
    : await breakOwner(faulty, others);
  await talk.end();
  await until("all answers", ledger.isAnswered, 2 * PATIENCE_MS).catch(() => {}); // the report says so
  // A second answer would come before the answer to a later question.
  for (const place of places) talk.ask(place);
  await until("the last answers", ledger.isAnswered, PATIENCE_MS).catch(() => {}); // as above
  await sleep(AFTERWARDS_MS);
  const log = members.running.get(members.owner() ?? "")?.lines ?? [];
  const codes = await members.stop();

  const written = writtenIn(scene, places);
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
