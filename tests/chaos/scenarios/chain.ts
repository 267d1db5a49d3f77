/**
 * Kills the bot with `kill -9` along the chain from an event to its outcome: a program sends an event
 * to a hook, the agent calls a command, a person presses on the card that asks for its approval, the
 * command runs, and the agent answers.
 *
 * Half of the kills come at any moment. The others come right after something at a joint has happened:
 * the bot has the event, a message was sent, a press arrived, the command had its effect. The sender
 * sends until it gets an answer, and the person presses until the card is decided, as real ones do.
 */

import { existsSync, readFileSync, watch } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { demoWorld } from "../../../simulator/actions/demo_world.ts";
import { buttonsIn, textOf } from "../../../simulator/world/components.ts";
import { ended, KILLED, type Scene, STOPPED, withSimulation } from "../../support/bot/e2e.ts";
import { startFixedModel } from "../../support/model/fixed_model.ts";
import { freePort } from "../../support/network/free_port.ts";
import { seeded } from "../../support/seeded.ts";
import { type Report, reportOf } from "../support/report.ts";
import { scenarioOf } from "../support/scenario.ts";

const TARGETS = ["event", "message", "press", "effect"] as const;
type Target = (typeof TARGETS)[number];

const SECRET = "chain-canary-4Vb8Nz1Tc6Rw3Qd9Fk2Lx7Bn5";
/** Each run of the command adds the name of its event here. */
const TRACE = "ran.txt";
/** It takes a while after its effect, so that kills come before its result. */
const SCRIPT = `echo "$0" >> ${TRACE}; sleep 0.1`;
/** Milliseconds after which an aimed kill comes anyway. */
const CAP_MS = 2_500;
/** Maximum life of a process whose kill comes at any moment. */
const LIFE_MS = 1_600;
const AGAIN_MS = 40;
const PATIENCE_MS = 60_000;
/** Maximum number of unanswered events: one turn names 20 at most. */
const MAX_OPEN = 15;
/** A press at a bot that dies is lost, so the person presses again. */
const PRESS_AGAIN_MS = 2_500;
/** Milliseconds to wait for an unwanted message. */
const AFTERWARDS_MS = 1_000;

export const scenario = scenarioOf({
  name: "chain",
  summary: "kill -9 from an event to its outcome: each event answered once, each command run once",
  long: { kills: 200, rate: 2 },
  short: { kills: 5, rate: 4 },
  async run({ seed, kills, rate }) {
    const { world, barnacle, people, channels } = demoWorld();
    const workspace = await mkdtemp(join(tmpdir(), "barnacle-chain-"));
    const port = await freePort();
    await using model = await startFixedModel((_asked, { messages }) => {
      const names = namesIn(messages.findLast(({ role }) => role === "user")?.text ?? "");
      if (messages.at(-1)?.role === "tool") return `Ended ${names.join(", ")}.`;
      if (names[0] === undefined) return "No event is here.";
      const input = JSON.stringify({ argv: ["sh", "-c", SCRIPT, names[0]] });
      return { calls: [{ id: "call_1", name: "exec", arguments: input }] };
    });
    let report: Report | undefined;
    try {
      await withSimulation({
        simulator: { world, application: barnacle, rateLimits: false },
        discord: () => ({
          rest: { timeoutSec: 2, globalPerSec: 500 },
          execApprovals: { enabled: true, approvers: [people.ada.id] },
        }),
        config: {
          alerts: { dm: false }, // so many kills are an alert, and the judge knows the chain only
          http: { port: 0, hooks: { port } },
          exec: { mode: "ask", sandbox: "off" },
          agents: { defaults: { workspace } },
          hooks: {
            chain: {
              to: `channel:${channels.general.id}`,
              secret: SECRET,
              template: "{{ name }}",
              tools: ["exec"],
              perMinute: 60,
            },
          },
        },
        env: { OPENAI_BASE_URL: model.baseUrl },
        // A press comes again by a RESUME to the next process, and is acknowledged already.
        mayRefuse: ({ path }) => /callback|@original/.test(path),
      }, async (scene) => {
        report = await play(scene, { seed, kills, rate, workspace, port });
      });
    } finally {
      await rm(workspace, { recursive: true, force: true });
    }
    if (!report) throw new Error("The scenario ended without an account");
    return report;
  },
});

/** The names of the events in a text: several wait for one turn while the card is open. */
function namesIn(text: string): readonly string[] {
  return [...new Set(text.match(/\be\d{6}\b/g))];
}

/** Lets a kill wait until something has happened. */
function createAim() {
  let wanted: Target | undefined;
  let hit = () => {};
  return {
    happened(what: Target): void {
      if (what === wanted) hit();
    },
    at(target: Target, strike: () => void): Promise<void> {
      const { promise, resolve } = Promise.withResolvers<void>();
      wanted = target;
      hit = () => {
        wanted = undefined;
        strike();
        resolve();
      };
      return promise;
    },
  };
}

async function play(
  scene: Scene,
  { seed, kills, rate, workspace, port }: {
    readonly seed: number;
    readonly kills: number;
    readonly rate: number;
    readonly workspace: string;
    readonly port: number;
  },
): Promise<Report> {
  const { simulator } = scene;
  const dice = seeded(seed);
  const aim = createAim();
  const figures = { aimed: 0, presses: 0, cut: 0 };
  const sent: string[] = [];
  const wrong: string[] = [];
  simulator.requests.subscribe(({ method, route }) => {
    if (/\/callback$/.test(route)) aim.happened("press");
    else if (method === "POST" && /\/messages$/.test(route)) aim.happened("message");
  });
  const watcher = watch(workspace, (_what, file) => {
    if (file === TRACE) aim.happened("effect");
  });

  async function send(name: string): Promise<void> {
    for (;;) {
      const response = await fetch(`http://127.0.0.1:${port}/hooks/chain`, {
        method: "POST",
        headers: {
          authorization: `Bearer ${SECRET}`,
          "content-type": "application/json",
          "idempotency-key": name,
          connection: "close",
        },
        body: JSON.stringify({ name }),
      }).catch(() => undefined);
      await response?.text().catch(() => "");
      if (response?.status === 202 || response?.status === 200) return aim.happened("event");
      if (response && response.status !== 503) wrong.push(`${name}: ${response.status}`);
      if (!response) figures.cut += 1;
      await sleep(AGAIN_MS);
    }
  }

  const due = new Map<string, number>();
  const cards = () => simulator.posted(simulator.channel("dm", "ada").id);
  function pressOpenCards(): void {
    const now = performance.now();
    for (const { id, channelId, components } of cards()) {
      const button = buttonsIn(components).find(({ label }) => label === "Allow once");
      if (!button || now < (due.get(id) ?? 0)) continue;
      due.set(id, now + PRESS_AGAIN_MS);
      figures.presses += 1;
      simulator.press({ as: "ada", in: channelId, message: id, customId: button.custom_id });
    }
  }

  const answersTo = (name: string) =>
    simulator.posted("general").filter((one) => namesIn(textOf(one)).includes(name)).length;
  const unanswered = () => sent.filter((name) => answersTo(name) === 0);

  const first = await scene.start();
  await scene.line(first, /"The bot is ready"/);
  first.kill("SIGTERM");
  await ended(first);

  const sending: Promise<void>[] = [];
  const senders = setInterval(() => {
    if (unanswered().length >= MAX_OPEN) return;
    const name = `e${String(sent.length + 1).padStart(6, "0")}`;
    sent.push(name);
    sending.push(send(name));
  }, 1_000 / rate);
  const presser = setInterval(pressOpenCards, AGAIN_MS);
  for (let kill = 0; kill < kills; kill += 1) {
    const bot = scene.startBot();
    if (dice.random() < 0.5) await Promise.race([bot.exited, sleep(dice.upTo(LIFE_MS))]);
    else {
      figures.aimed += 1;
      const strike = aim.at(dice.pick(TARGETS), () => bot.kill("SIGKILL"));
      await Promise.race([strike, bot.exited, sleep(CAP_MS)]);
    }
    bot.kill("SIGKILL");
    const exit = await ended(bot);
    if (exit.signal !== KILLED.signal) {
      throw new Error(`The bot has ended by itself: ${JSON.stringify(exit)}`);
    }
  }
  clearInterval(senders);
  const last = scene.startBot();
  await Promise.all(sending);
  const isDone = () => unanswered().length === 0;
  await scene.until("all outcomes", isDone, PATIENCE_MS).catch(() => {}); // the report says so
  await sleep(AFTERWARDS_MS);
  clearInterval(presser);
  watcher.close();
  last.kill("SIGTERM");
  const exit = await ended(last);

  const trace = join(workspace, TRACE);
  const ran = existsSync(trace) ? readFileSync(trace, "utf8").split("\n").filter(Boolean) : [];
  const count = (sql: string) => Number(scene.rows(`SELECT COUNT(*) AS n FROM ${sql}`)[0]?.["n"]);
  const open = cards().filter(({ components }) => buttonsIn(components).length > 0);
  return reportOf(
    seed,
    {
      owed: sent.length,
      answered: sent.length - unanswered().length,
      lost: unanswered(),
      doubled: sent.filter((name) => answersTo(name) > 1),
      outOfOrder: [],
    },
    simulator.account(),
    {
      facts: { kills, ...figures, cards: cards().length, ran: ran.length },
      bounds: [
        ["a sender is never refused", wrong.length === 0],
        ["each event is stored once", count("hook_event") === sent.length],
        ["no command runs twice", new Set(ran).size === ran.length],
        ["no card stays open", open.length === 0],
        ["at most 2 IDENTIFY", simulator.account().identifies.length <= 2],
        ["the bot ends with 0", exit.code === STOPPED.code],
      ],
      log: last.lines,
    },
  );
}
