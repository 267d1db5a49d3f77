/**
 * Kills the bot with `kill -9` along the chain from an event to its outcome: a program sends an event
 * to a hook, the agent offers actions on a card, a person presses, a command runs or a post goes out,
 * and the outcome is told on the card, below it and by `barnacle why`.
 *
 * Some kills come at a named point of the program, some right after something at a joint has happened:
 * 202 was answered, the model was asked, a message was sent, a press arrived, the action had its
 * effect. The others come at any moment. Senders send until they get an answer, and people press until
 * the card is decided, as real ones do.
 *
 * The control forgets in the store that an action has begun. Its kills come after the effect.
 */

import { watch } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { setTimeout as sleep } from "node:timers/promises";
import { textOf } from "../../../simulator/world/components.ts";
import { addChannel, addMember } from "../../../simulator/world/create_world.ts";
import { demoWorld } from "../../../simulator/actions/demo_world.ts";
import { DATABASE_NAME } from "../../../src/host/files/data_dir.ts";
import { createStore } from "../../../src/store/store.ts";
import { ended, KILLED, type Scene, STOPPED, withSimulation } from "../../support/bot/e2e.ts";
import { startFixedModel } from "../../support/model/fixed_model.ts";
import { freePort } from "../../support/network/free_port.ts";
import { seeded } from "../../support/seeded.ts";
import { answerOf, isSettled, judgeChain, readChain } from "../chain/ledger.ts";
import {
  effectsOf,
  HOOK_SECRET,
  type PostServer,
  pressCards,
  SCRIPT,
  sendEvents,
  startPostServer,
  TRACE,
} from "../chain/world.ts";
import { type Report, reportOf } from "../support/report.ts";
import { scenarioOf } from "../support/scenario.ts";

/** What an aimed kill waits for. */
const TARGETS = ["event", "model", "message", "press", "edit", "effect", "effect"] as const;
type Target = (typeof TARGETS)[number];

const POINTS = [
  "before:T1",
  "after:T1",
  "after:T2",
  "before:TS",
  "after:TS",
  "before:T3",
  "after:T3",
  "before:T4",
  "after:T4",
  "posted",
  "answered",
  "before:T5",
] as const;
const MAX_PASSAGE = 4;
/** Maximum number of such moments before an aimed kill. */
const AIMED_MAX = 3;
/** Milliseconds after which an aimed kill comes anyway. */
const CAP_MS = 2_500;
/** Maximum life of a process whose kill comes at any moment. */
const LIFE_MS = 1_600;
const PATIENCE_MS = 60_000;
/** The same for a chain that a control has broken. */
const CONTROL_PATIENCE_MS = 8_000;
/** Milliseconds to wait for an unwanted message. */
const AFTERWARDS_MS = 1_000;
const THINKING_MS = 120;
const POST_MS = 150;
const PEOPLE = ["ada", "grace", "mallory", "edsger"];
const PLACES = ["krill-1", "krill-2", "krill-3"];

const FORGET_RUNS = "DELETE FROM action_run WHERE state = 'running'";

export const scenario = scenarioOf({
  name: "chain",
  summary:
    "kill -9 from an event to its outcome: each event answered once, each action at most once",
  /** `weaken`: 1 for the control, which must fail. `whys`: number of chains that `why` must tell. */
  long: { kills: 300, rate: 2, whys: 60, weaken: 0 },
  short: { kills: 5, rate: 4, whys: 2, weaken: 0 },
  async run({ seed, kills, rate, whys, weaken }) {
    const aim = createAim();
    const thinking = seeded(seed + 1);
    const waiting = seeded(seed + 2);
    const { world, krill, barnacle, people } = demoWorld();
    const channels = PLACES.map((name) => addChannel(world, krill, { name }, Date.now()));
    for (const one of [people.mallory, people.edsger]) {
      addMember(krill, { userId: one.id, joinedAt: Date.now() });
    }
    const workspace = await mkdtemp(join(tmpdir(), "barnacle-chain-"));
    await using posts = await startPostServer(
      () => waiting.upTo(POST_MS),
      () => aim.happened("effect"),
    );
    await using model = await startFixedModel((_asked, request) => {
      aim.happened("model");
      const answer = answerOf(request, seed, SCRIPT);
      return typeof answer === "string"
        ? sleep(thinking.upTo(THINKING_MS)).then(() => answer)
        : answer;
    });
    const watcher = watch(workspace, (_what, file) => {
      if (file === TRACE) aim.happened("effect");
    });
    const port = await freePort();
    const base = {
      secret: HOOK_SECRET,
      template: "{{ text }}",
      tools: ["offer_actions"],
      perMinute: 60,
    };
    let report: Report | undefined;
    try {
      await withSimulation({
        simulator: { world, application: barnacle, rateLimits: false },
        discord: () => ({ rest: { timeoutSec: 2, globalPerSec: 500 } }),
        config: {
          alerts: { ways: [] }, // so many kills are an alert, and the ledger knows the chain only
          http: { port: 0, hooks: { port } },
          commands: { ownerAllowFrom: PEOPLE.map((name) => people[name as "ada"].id) },
          exec: { mode: "allowlist", sandbox: "off", allow: [["sh", "-c", SCRIPT, "*"]] },
          agents: { defaults: { workspace } },
          posts: { counter: { url: posts.url } },
          hooks: Object.fromEntries(channels.map(({ id, name }, index) => [name, {
            ...base,
            to: `channel:${id}`,
            thread: index === 2 ? "{{ key }}" : undefined,
          }])),
        },
        env: { OPENAI_BASE_URL: model.baseUrl },
        // A press comes again by a RESUME to the next process, and is acknowledged already. A kill
        // behind the start of a thread lets the next process start it again.
        mayRefuse: ({ status, path }) =>
          status === 429 || /callback|@original/.test(path) ||
          status === 400 && path.endsWith("/threads"),
      }, async (scene) => {
        report = await play(scene, {
          seed,
          kills,
          rate,
          whys,
          weaken,
          aim,
          posts,
          workspace,
          port,
        });
      });
    } finally {
      watcher.close();
      await rm(workspace, { recursive: true, force: true });
    }
    if (!report) throw new Error("The scenario ended without an account");
    return report;
  },
});

/** Lets a kill wait until something has happened so often. */
function createAim() {
  let wanted: Target | undefined;
  let left = 0;
  let hit = () => {};
  return {
    happened(what: Target): void {
      if (what !== wanted || left === 0) return;
      left -= 1;
      if (left === 0) hit();
    },
    /** @param strike Called at once as it happens. */
    at(target: Target, times: number, strike: () => void): Promise<void> {
      const { promise, resolve } = Promise.withResolvers<void>();
      wanted = target;
      left = times;
      hit = () => {
        strike();
        resolve();
      };
      return promise;
    },
    off(): void {
      wanted = undefined;
    },
  };
}

interface Play {
  readonly seed: number;
  readonly kills: number;
  readonly rate: number;
  readonly whys: number;
  readonly weaken: number;
  readonly aim: ReturnType<typeof createAim>;
  readonly posts: PostServer;
  readonly workspace: string;
  readonly port: number;
}

async function play(scene: Scene, given: Play): Promise<Report> {
  const { seed, kills, rate, whys, weaken, aim, posts, workspace, port } = given;
  const { simulator } = scene;
  const dice = seeded(seed);
  const figures = { aimed: 0, named: 0, atEffects: 0 };
  simulator.requests.subscribe(({ method, route }) => {
    if (/\/callback$/.test(route)) aim.happened("press");
    else if (method === "PATCH" && /\/messages\/:id$/.test(route)) aim.happened("edit");
    else if (method === "POST" && /\/messages$/.test(route)) aim.happened("message");
  });
  const texts = () => simulator.posted().map(textOf);

  const first = await scene.start();
  await scene.line(first, /"The bot is ready"/);
  first.kill("SIGTERM");
  await ended(first);

  const events = sendEvents({
    address: `http://127.0.0.1:${port}/hooks/`,
    hooks: PLACES,
    rate,
    dice: seeded(seed + 3),
    onAccepted: () => aim.happened("event"),
  });
  const cards = pressCards(scene, PEOPLE, seeded(seed + 4), seed);
  for (let kill = 0; kill < kills; kill += 1) {
    const chance = weaken ? 1 : dice.random();
    const isNamed = chance < 0.3;
    const point = `${dice.pick(POINTS)}:${dice.between(1, MAX_PASSAGE)}`;
    const bot = scene.startBot(isNamed ? { BARNACLE_CRASH_AT: point } : {});
    if (chance < 0.55) {
      if (isNamed) figures.named += 1;
      await Promise.race([bot.exited, sleep(isNamed ? CAP_MS : dice.upTo(LIFE_MS))]);
    } else {
      const target = weaken ? "effect" : dice.pick(TARGETS);
      figures.aimed += 1;
      if (target === "effect") figures.atEffects += 1;
      const strike = aim.at(
        target,
        weaken ? 1 : dice.between(1, AIMED_MAX),
        () => bot.kill("SIGKILL"),
      );
      await Promise.race([strike, bot.exited, sleep(weaken ? PATIENCE_MS : CAP_MS)]);
      aim.off();
    }
    bot.kill("SIGKILL");
    const exit = await ended(bot);
    if (exit.signal !== KILLED.signal) {
      throw new Error(`The bot has ended by itself: ${JSON.stringify(exit)}`);
    }
    if (weaken) sabotage(scene);
  }

  const last = scene.startBot();
  await events.end();
  const names = [...events.ids.keys()];
  const patienceMs = weaken ? CONTROL_PATIENCE_MS : PATIENCE_MS;
  for (let count = -1; count < texts().length;) { // as long as something comes
    count = texts().length;
    const isDone = () => isSettled(readChain(texts()), names);
    if (await scene.until("the end of all chains", isDone, patienceMs).catch(() => false)) break;
  }
  await cards.end();
  await sleep(AFTERWARDS_MS);
  const told = await whyOf(scene, dice.between(0, 7), whys);
  last.kill("SIGTERM");
  const exit = await ended(last);

  const account = judgeChain(readChain(texts()), names, effectsOf(workspace, posts));
  const { outcomes, ranTwice, unsaid, untrue, unended, foreign } = account;
  const count = (sql: string) => Number(scene.rows(sql)[0]?.["count"] ?? 0);
  const stored = count("SELECT COUNT(*) AS count FROM hook_event");
  const openRuns = count("SELECT COUNT(*) AS count FROM hook_run WHERE state <> 'done'") +
    count("SELECT COUNT(*) AS count FROM hook_event WHERE run_id IS NULL");
  const unsent = count("SELECT COUNT(*) AS count FROM outbox WHERE state <> 'sent'");
  const openActions = count("SELECT COUNT(*) AS count FROM action_run WHERE state = 'running'");
  const failures = scene.rows("SELECT label, outcome FROM action_run WHERE state = 'failed'")
    .map(({ label, outcome }) => `${label} failed: ${outcome}`);
  const broken = [
    ...events.wrong,
    ...failures,
    ...ranTwice,
    ...unsaid,
    ...untrue,
    ...unended,
    ...foreign,
    ...told.wrong,
  ];
  return reportOf(seed, account, simulator.account(), {
    facts: {
      ...(weaken && { weakness: "forgets begun actions" }),
      kills,
      ...figures,
      events: names.length,
      stored,
      ...events.figures,
      cards: account.cards,
      presses: cards.presses,
      ran: outcomes["✅"] ?? 0,
      failed: outcomes["❌"] ?? 0,
      uncertain: outcomes["⚠️"] ?? 0,
      declined: outcomes["declined"] ?? 0,
      whys: told.asked,
      openRuns,
      unsent,
      openActions,
      ...(broken.length > 0 && { brokenChains: broken.slice(0, 12).join("; ") }),
    },
    bounds: [
      ["a sender sees one id for an event", events.wrong.length === 0],
      ["each event is stored once", stored === names.length],
      ["each run of a hook ends", openRuns === 0],
      ["no action runs twice", ranTwice.length === 0],
      ["no action fails", (outcomes["❌"] ?? 0) === 0],
      ["each outcome has one line", unsaid.length === 0],
      ["line, card and model say what happened", untrue.length === 0],
      ["each turn ends once", unended.length === 0],
      ["nothing else is said", foreign.length === 0],
      ["why tells each outcome", told.wrong.length === 0],
      ["no action stays open", openActions === 0],
      ["every message is sent", unsent === 0],
      ["at most 2 IDENTIFY", simulator.account().identifies.length <= 2],
      ["the bot ends with 0", exit.code === STOPPED.code],
    ],
    log: last.lines,
  });
}

const WHY_STATES: Readonly<Record<string, RegExp>> = {
  done: / {2}ran, for user:\d+/,
  failed: / {2}failed, for user:\d+/,
  unknown: / {2}is uncertain, for user:\d+/,
};

/** Asks `barnacle why` about some events whose action ran, with the ids that their senders got. */
async function whyOf(scene: Scene, from: number, most: number) {
  const runs = scene.rows("SELECT message_id, label, state FROM action_run ORDER BY id");
  const step = Math.max(1, Math.floor(runs.length / most));
  const wrong: string[] = [];
  let asked = 0;
  for (let at = from % step; at < runs.length && asked < most; at += step) {
    const { message_id: id, label, state } = runs[at] ?? {};
    asked += 1;
    const { stdout } = await scene.cli("why", String(id));
    const line = stdout.find((one) => one.includes(String(label))) ?? "";
    const isTold = WHY_STATES[String(state)]?.test(line) ?? false;
    if (!isTold || !stdout.join("\n").includes("It is answered")) {
      wrong.push(`why ${id} (${label}, ${state}): ${stdout.join(" | ")}`);
    }
  }
  return { asked, wrong };
}

function sabotage({ dataDir }: Scene): void {
  const path = join(dataDir, DATABASE_NAME);
  const database = new DatabaseSync(path);
  try {
    createStore(database, path, { elapsed: () => 0 }); // applies the journal to the tables
    database.exec(FORGET_RUNS);
  } finally {
    database.close();
  }
}
