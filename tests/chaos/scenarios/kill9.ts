/**
 * Kills the bot with `kill -9` again and again, while people ask in many channels and REST fails
 * too.
 *
 * Half of the kills come at any moment. The others come right after a request to create a message
 * has arrived and before it is answered, because a reply could be doubled there; or right after a
 * tool that must not run twice has run. Discord forgets nonces within seconds here, and some pauses
 * are longer, so that only the channel can show the truth.
 *
 * For some questions, the model calls tools: alone and several at once, with effects at Discord, in
 * the store and elsewhere (`tool_plan.ts`). Each effect is counted.
 */

import { setTimeout as sleep } from "node:timers/promises";
import { demoWorld } from "../../../simulator/actions/demo_world.ts";
import { wordsOf } from "../../../simulator/model/script.ts";
import type { RestFault } from "../../../simulator/notes/faults.ts";
import { addChannel } from "../../../simulator/world/create_world.ts";
import { createdAtMs, type MessageId } from "../../../src/core/discord/ids.ts";
import type { SimulatedProcess } from "../../../src/features/demo/simulation/simulation.ts";
import { ended, KILLED, type Scene, STOPPED, withSimulation } from "../../support/bot/e2e.ts";
import { startFixedModel } from "../../support/model/fixed_model.ts";
import { type Seeded, seeded } from "../../support/seeded.ts";
import { type Bell, startBell } from "../support/bell.ts";
import { createLedger, type Ledger, PART_LIMIT } from "../support/ledger.ts";
import { type Bound, type Report, reportOf } from "../support/report.ts";
import { scenarioOf } from "../support/scenario.ts";
import {
  createToolLedger,
  type Effects,
  type StepRow,
  type ToolAccount,
  type ToolLedger,
} from "../support/tool_ledger.ts";
import { EMOJI, KEY } from "../support/tool_plan.ts";

function boundsOf(used: ToolAccount): readonly Bound[] {
  return [
    ["no call has two effects", used.ranTwice.length === 0],
    ["the model learns what happened", used.untrue.length === 0],
    ["the model learns of cut calls", used.forgotten.length === 0],
    ["no stored answer is asked for again", used.askedAgain.length === 0],
    ["no tool runs before its step is stored", used.tooEarly.length === 0],
    ["messages of tools stand before their answer", used.misplaced.length === 0],
    ["receipts tell how each call ended", used.misreported.length === 0],
  ];
}

/** The first calls that broke a bound, for the report. */
function brokenCalls(used: ToolAccount): Report["facts"] {
  const { ranTwice, untrue, forgotten, askedAgain, tooEarly, misplaced, misreported } = used;
  const calls = [...ranTwice, ...untrue, ...forgotten, ...askedAgain, ...tooEarly];
  const broken = [...calls, ...misplaced, ...misreported];
  return broken.length === 0 ? {} : { brokenCalls: broken.slice(0, 12).join("; ") };
}

/** The bot's messages, by the channels that have some. */
function writtenIn({ simulator, written }: Scene): Effects["written"] {
  return new Map([...simulator.world.channels.keys()].map((id) => [id, written(id)]));
}

function effectsIn(scene: Scene, { rings }: Bell): Effects {
  const { simulator: { world, application } } = scene;
  const texts = (sql: string) => scene.rows(sql).map(({ text }) => String(text));
  return {
    rings,
    written: writtenIn(scene),
    reacted: new Set(
      [...world.channels.values()].flatMap(({ messages }) =>
        [...messages.values()].filter(({ reactions }) =>
          reactions.get(EMOJI)?.has(application.userId)
        ).map(({ id }) => id)
      ),
    ),
    rows: [...texts("SELECT text FROM schedule"), ...texts("SELECT text FROM note")],
  };
}

/** The stored steps after one, in order. */
function stepsAfter(scene: Scene, id: number): readonly StepRow[] {
  const found = scene.rows(`SELECT id, message_id, step FROM step WHERE id > ${id} ORDER BY id`);
  return found.map((row) => ({
    id: Number(row["id"]),
    messageId: String(row["message_id"]),
    step: String(row["step"]),
  }));
}

const CREATE = { method: "POST", route: "/channels/:id/messages" } as const;

type Target = "message" | "ring";

/** What to wait for before a kill. */
interface Shot {
  readonly target: Target;
  /** The fatal one, counted from 1. */
  readonly requests: number;
  /** Milliseconds after which the bot is killed anyway. */
  readonly capMs: number;
}

/**
 * Kills a bot as a request to create a message arrives, before Discord carries it out; or as a bell
 * has rung, before the bot gets the result.
 */
function takeAim(
  { simulator }: Scene,
  bell: Bell,
): (bot: SimulatedProcess, shot: Shot) => Promise<void> {
  let hit: (() => void) | undefined;
  let left = 0;
  let wanted: Target = "message";
  const arrived = (target: Target) => {
    if (target !== wanted) return;
    left -= 1;
    if (left === 0) hit?.();
  };
  simulator.requests.subscribe(({ method, route }) => {
    if (method === CREATE.method && route === CREATE.route) arrived("message");
  });
  bell.subscribe(() => arrived("ring"));
  return async (bot, { target, requests, capMs }) => {
    wanted = target;
    left = requests;
    const { promise: struck, resolve } = Promise.withResolvers<void>();
    hit = () => {
      bot.kill("SIGKILL");
      resolve();
    };
    const cap = new AbortController();
    const capped = sleep(capMs, undefined, { signal: cap.signal }).catch(() => {}); // cancelled
    await Promise.race([struck, bot.exited, capped]);
    hit = undefined;
    cap.abort();
  };
}

/** How long the bot relies on a nonce, and how long Discord keeps it. The first must be smaller. */
const BOT_WINDOW_MS = 2_000;
const NONCE_WINDOW_MS = 3_000;
/** Milliseconds without a process after which Discord has forgotten. */
const FORGOTTEN_MS = NONCE_WINDOW_MS + 200;
/** Maximum life of a process, in milliseconds. */
const LIFE_MS = 1_200;
/** The same with growing drafts, which take seconds. */
const DRAFTS_LIFE_MS = 5_000;
/** Maximum number of requests before an aimed kill. */
const AIMED_MAX = 6;
/** Milliseconds after which an aimed kill comes anyway. */
const CAP_MS = 3_600;
/** Maximum time of the model for some questions, which it may have to answer twice. */
const THINKING_MS = 300;
/** The same for each piece of a stream: an answer complete within a second shows no draft. */
const DRAFT_PIECE_MS = 1_000;
/** Share of aimed kills that wait for a ring of the bell. */
const RING_SHARE = 0.4;
/** Maximum time between a ring of the bell and its result. */
const RINGING_MS = 60;
const PATIENCE_MS = 120_000;
/** Milliseconds to wait for an unwanted message. */
const AFTERWARDS_MS = 1_000;
/** The result of a run, for the judge. */
const KEPT_PER_CHANNEL = 100_000;
/**
 * Maximum number of unanswered questions; people wait for answers first. Without it, a busy machine
 * falls so far behind that a turn is interrupted 20 times and fails, or that 1,000 messages come
 * after one whose sending is uncertain. Both end as the design says, not with an answer.
 */
const MAX_OPEN = 200;
/** Milliseconds between two looks at that number. */
const BUSY_MS = 20;

/** How one request fails. Few 429s count as invalid, or the circuit breaker would open. */
const FAULTS: readonly RestFault[] = [
  { kind: "swallow" },
  { kind: "reset" },
  { kind: "reset_after" },
  { kind: "reset_after" },
  { kind: "cut_body" },
  { kind: "garbage" },
  { kind: "hang" },
  { kind: "delay", ms: 300 },
  { kind: "status", status: 500 },
  { kind: "status", status: 503 },
  { kind: "html", status: 502 },
  { kind: "rate_limit", retryAfterSec: 0.2, scope: "shared" },
  { kind: "rate_limit", retryAfterSec: 0.4, scope: "shared" },
];

export const scenario = scenarioOf({
  name: "kill9",
  summary:
    "kill -9 at any moment under 20 messages/s, REST broken: each reply and each tool once, in order",
  /**
   * `pauses`: percentage of kills with a pause. `streaming`: 1 for growing drafts. `tools`:
   * percentage of questions with tools.
   */
  long: { kills: 1_000, rate: 20, pauses: 10, streaming: 0, tools: 30 },
  short: { kills: 8, rate: 15, pauses: 20, streaming: 0, tools: 30 },
  async run({ seed, kills, rate, pauses, streaming, tools }) {
    const { world, krill, barnacle } = demoWorld({
      nonceWindowMs: NONCE_WINDOW_MS,
      keptPerChannel: KEPT_PER_CHANNEL,
    });
    for (const name of NEW_CHANNELS) addChannel(world, krill, { name }, Date.now());
    const ledger = createLedger(seeded(seed + 1).random);
    const toolLedger = createToolLedger(seed, tools);
    const thinking = seeded(seed + 3);
    const ringing = seeded(seed + 4);
    await using bell = await startBell(() => ringing.upTo(RINGING_MS));
    await using model = await startFixedModel((_asked, request) => {
      const calls = toolLedger.callsFor(request);
      if (calls.length > 0) return { calls };
      const text = request.messages.findLast(({ role }) => role === "user")?.text ?? "";
      const answer = ledger.answer(wordsOf(text));
      const isSlow = thinking.random() < 0.3;
      return (async function* () {
        for (const piece of streaming ? answer.match(/[^]{1,60}/g) ?? [] : [answer]) {
          if (isSlow) await sleep(thinking.upTo(streaming ? DRAFT_PIECE_MS : THINKING_MS));
          yield piece;
        }
      })();
    });
    let report: Report | undefined;
    await withSimulation({
      simulator: { world, application: barnacle, rateLimits: false },
      discord: () => ({
        dm: { allowFrom: ["ada", "grace"] },
        textChunkLimit: PART_LIMIT,
        streaming: streaming ? "edit" : "off",
        rest: { timeoutSec: 1, globalPerSec: 500, nonceWindowSec: BOT_WINDOW_MS / 1_000 },
        retry: { minDelayMs: 50, maxDelayMs: 400 },
        // A backlog must arrive as messages, not as a file.
        rateLimit: { maxQueueSize: 10_000 },
      }),
      config: {
        mcp: { servers: { bell: { url: bell.url, seenBy: "nobody" } } },
        tools: { allow: ["discord", "remind", "read_channel_history", "memory", "mcp__bell"] },
      },
      env: { OPENAI_BASE_URL: model.baseUrl },
      mayRefuse: ({ status }) => status !== undefined && MAY_FAIL.has(status),
    }, async (scene) => {
      const lifeMs = streaming ? DRAFTS_LIFE_MS : LIFE_MS;
      report = await play(scene, { seed, kills, rate, pauses, lifeMs, ledger, toolLedger, bell });
    });
    if (!report) throw new Error("The scenario ended without an account");
    return report;
  },
});

const NEW_CHANNELS = ["krill-1", "krill-2", "krill-3", "krill-4", "krill-5"];
const PLACES: readonly (readonly [who: string, where: string])[] = [
  ...["general", "off-topic", "How do I feed krill?", ...NEW_CHANNELS].map((where) =>
    ["grace", where] as const
  ),
  ["ada", "dm"],
  ["grace", "dm"],
];
const MAY_FAIL = new Set([429, 500, 502, 503]);

interface Play {
  readonly seed: number;
  readonly kills: number;
  readonly rate: number;
  readonly pauses: number;
  readonly lifeMs: number;
  readonly ledger: Ledger;
  readonly toolLedger: ToolLedger;
  readonly bell: Bell;
}

async function play(scene: Scene, given: Play): Promise<Report> {
  const { seed, kills, rate, pauses, lifeMs, ledger, toolLedger, bell } = given;
  const { simulator, until } = scene;
  const dice = seeded(seed);
  const talk = converse(scene, seeded(seed + 2), given);
  const aim = takeAim(scene, bell);
  const figures = {
    aimed: 0,
    aimedAtTools: 0,
    pauses: 0,
    forgotten: 0,
    faults: 0,
    lookups: 0,
    edits: 0,
  };
  simulator.subscribe((event) => {
    if (event.kind !== "message_created" && event.kind !== "message_updated") return;
    if (event.kind === "message_updated") figures.edits += 1;
    ledger.note(event.message.content);
    const [, what, key] = KEY.exec(event.message.content) ?? [];
    if (what === "sent" && key !== undefined) toolLedger.happened(key);
  });
  bell.subscribe(toolLedger.happened);
  simulator.requests.subscribe(({ method, route }) => {
    if (method === "GET" && route === CREATE.route) figures.lookups += 1;
  });

  const first = await scene.start();
  for (const place of PLACES) talk.ask(place); // only stored direct channels can be read
  await until("the first answers", ledger.isAnswered, PATIENCE_MS);
  first.kill("SIGTERM");
  await ended(first);

  talk.begin(rate);
  for (let kill = 0; kill < kills; kill += 1) {
    simulator.faults.rest.clear();
    if (dice.random() < 0.5) {
      simulator.faults.rest.add({
        ...CREATE,
        times: dice.between(1, 3),
        fault: dice.random() < 0.05
          ? { kind: "rate_limit", retryAfterSec: 0.2, scope: "user" }
          : dice.pick(FAULTS),
      });
      figures.faults += 1;
    }
    const isAimed = dice.random() < 0.5;
    const bot = scene.startBot();
    if (isAimed) {
      const target = dice.random() < RING_SHARE ? "ring" : "message";
      figures.aimed += 1;
      if (target === "ring") figures.aimedAtTools += 1;
      const requests = target === "ring" ? 1 : dice.between(1, AIMED_MAX);
      await aim(bot, { target, requests, capMs: CAP_MS });
    } else await Promise.race([bot.exited, sleep(dice.upTo(lifeMs))]);
    bot.kill("SIGKILL");
    const exit = await ended(bot);
    if (exit.signal !== KILLED.signal) {
      throw new Error(`The bot has ended by itself: ${JSON.stringify(exit)}`);
    }
    toolLedger.killed(stepsAfter(scene, toolLedger.lastRow));
    const pauseMs = pauseOf(dice, pauses);
    if (pauseMs > 0) {
      figures.pauses += 1;
      if (pauseMs >= FORGOTTEN_MS) figures.forgotten += 1;
      await sleep(pauseMs);
    }
  }
  simulator.faults.rest.clear();
  await talk.end();

  const last = scene.startBot();
  await answered(scene, ledger, PATIENCE_MS); // the report says so if one is missing
  // A second answer would come before the answer to a later question.
  for (const place of PLACES) talk.ask(place);
  await answered(scene, ledger, PATIENCE_MS); // as above
  const isQuiet = () => toolLedger.isQuiet(writtenIn(scene));
  await until("the last reminders", isQuiet, PATIENCE_MS).catch(() => {}); // as above
  await sleep(AFTERWARDS_MS);
  last.kill("SIGTERM");
  const exit = await ended(last);

  const written = writtenIn(scene);
  const account = ledger.account((channel) =>
    written.get(channel)?.filter((content) => !KEY.test(content)) ?? []
  );
  const used = toolLedger.account(effectsIn(scene, bell));
  const notebook = simulator.account();
  const attempts = [...notebook.creates.values()].map((one) => one.attempts);
  const states = scene.rows("SELECT state, COUNT(*) AS count FROM outbox GROUP BY state");
  const held = scene.rows(
    "SELECT DISTINCT refusal FROM outbox WHERE state IN ('uncertain', 'dead')",
  );
  const gapsMs = [...notebook.creates.values()].flatMap(({ messages }) => gapsMsOf(messages));
  const count = (state: string) =>
    Number(states.find((row) => row["state"] === state)?.["count"] ?? 0);
  return reportOf(seed, account, notebook, {
    facts: {
      kills,
      ...figures,
      ...ledger.figures,
      messages: attempts.length,
      askedAgain: attempts.filter((asked) => asked > 1).length,
      mixed: account.mixed.length,
      foreign: account.foreign.length,
      calls: used.calls,
      unknown: used.unknown,
      failedCalls: used.failed,
      ...brokenCalls(used),
      uncertain: count("uncertain"),
      dead: count("dead"),
      ...(held.length > 0 && { held: held.map(({ refusal }) => String(refusal)).join("; ") }),
      ...(gapsMs.length > 0 && { gapsMs: gapsMs.join(",") }),
    },
    bounds: [
      ["no answer is made of two", account.mixed.length === 0],
      ["nothing else is said", account.foreign.length === 0],
      ...boundsOf(used),
      ["nothing is held or given up", count("uncertain") + count("dead") === 0],
      ["at most 2 IDENTIFY", notebook.identifies.length <= 2],
      ["the bot ends with 0", exit.code === STOPPED.code],
    ],
    log: last.lines,
  });
}

/**
 * Waits for all answers, as long as some come: a backlog of a run on a busy machine takes minutes.
 *
 * @param patienceMs Maximum milliseconds without an answer.
 */
async function answered({ until }: Scene, ledger: Ledger, patienceMs: number): Promise<void> {
  for (let open = Infinity; ledger.open < open;) {
    open = ledger.open;
    if (await until("all answers", ledger.isAnswered, patienceMs).catch(() => false)) return;
  }
}

/** Milliseconds between messages with the same nonce. */
function gapsMsOf(messages: ReadonlySet<MessageId>): readonly number[] {
  const times = [...messages].map(createdAtMs).sort((a, b) => a - b);
  return times.slice(1).map((time, index) => time - (times[index] ?? time));
}

/** The longest pause; half of the others are long enough that Discord forgets nonces. */
function pauseOf(dice: Seeded, percent: number): number {
  if (100 * dice.random() >= percent) return 0;
  return dice.random() < 0.5 ? dice.upTo(BOT_WINDOW_MS) : FORGOTTEN_MS + dice.upTo(1_000);
}

/** Lets people ask one after the other, whether or not the bot runs. */
function converse(
  { simulator, mention }: Scene,
  dice: Seeded,
  { ledger, toolLedger }: Pick<Play, "ledger" | "toolLedger">,
) {
  let isOver = false;
  let talking: Promise<void> = Promise.resolve();

  function ask([as, where]: (typeof PLACES)[number]): void {
    const { id } = simulator.channel(where, as); // by id, because "dm" does not name the user
    const name = ledger.owe(String(id));
    const text = where === "dm" ? name : `${mention} ${name}`;
    toolLedger.asked(name, simulator.say({ as, in: id, text }).id);
  }

  async function talk(rate: number): Promise<void> {
    const startedAt = performance.now();
    for (let asked = 0; !isOver; asked += 1) {
      const dueMs = 1_000 * asked / rate - (performance.now() - startedAt);
      if (dueMs > 0) await sleep(dueMs);
      while (ledger.open >= MAX_OPEN && !isOver) await sleep(BUSY_MS);
      ask(dice.pick(PLACES));
    }
  }

  return {
    ask,
    begin(rate: number) {
      talking = talk(rate);
    },
    async end(): Promise<void> {
      isOver = true;
      await talking;
    },
  };
}
