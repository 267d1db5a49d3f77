/**
 * `barnacle demo`: runs the bot on a simulated Discord, with a page to chat (O5), and prints what to try.
 *
 * The bot is another process of this program, so that the demo shows the real bot and can kill it.
 * Everything lives in a temporary directory and on loopback, and is removed at the end.
 */

import process from "node:process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { addChannel } from "../../../simulator/world/create_world.ts";
import { demoWorld } from "../../../simulator/actions/demo_world.ts";
import type { BotPanel, BotPanelNews, BotState } from "../../../simulator/page/bot_panel.ts";
import { createPage, type Prompt } from "../../../simulator/page/page.ts";
import { EXIT, type ExitCode } from "../../cli/shared/exit_code.ts";
import type { Io } from "../../cli/terminal/io.ts";
import { sshLines } from "../../cli/terminal/ssh_lines.ts";
import type { HttpServer } from "../../host/http_server.ts";
import { HttpServerError } from "../../host/listen.ts";
import type { Exit } from "../../host/process/own_process.ts";
import { whenAborted } from "../../lib/clock.ts";
import { playCheck } from "./check.ts";
import { guardPage, listenFrom } from "./page_server.ts";
import {
  createOutcomes,
  createVerdictReader,
  demoConfig,
  type SimulatedProcess,
  type Simulation,
  startSimulation,
} from "./simulation/simulation.ts";

interface DemoBotEnd extends Exit {
  readonly lines: readonly string[];
}

/** Milliseconds until a killed bot restarts, so that the user can write to it meanwhile. */
const AWAY_MS = 2_500;

/** Milliseconds: a bot that exits earlier after its start would exit again. */
const TOO_SOON_MS = 10_000;

/** Maximum number of early deaths by a signal in a row. */
const MAX_EARLY_DEATHS = 3;

const LAST_LINES = 12;

/**
 * Starts the bot, and keeps it running; not forever: a bot that ends at once has a problem, which its
 * last lines tell.
 */
function createSupervisor(start: () => SimulatedProcess) {
  const { promise: gaveUp, resolve: giveUp } = Promise.withResolvers<DemoBotEnd>();
  let bot: SimulatedProcess | undefined;
  let isKilled = false;
  let isStopped = false;
  let earlyDeaths = 0;

  function run(): void {
    if (isStopped) return;
    const startedAt = Date.now();
    const running = start();
    bot = running;
    running.exited.then(
      (exit) => ended(exit, running, Date.now() - startedAt),
      (error: unknown) => giveUp({ code: null, signal: null, lines: [String(error)] }),
    );
  }

  function ended(exit: Exit, { lines }: SimulatedProcess, livedMs: number): void {
    bot = undefined;
    if (isStopped) return;
    earlyDeaths = !isKilled && livedMs < TOO_SOON_MS ? earlyDeaths + 1 : 0;
    if (earlyDeaths > (exit.signal === null ? 0 : MAX_EARLY_DEATHS)) {
      return giveUp({ ...exit, lines: lines.slice(-LAST_LINES) });
    }
    isKilled = false;
    void sleep(AWAY_MS).then(run);
  }

  run();
  return {
    /** Resolves with the bot's last end if restarting does not help. */
    gaveUp,
    /** Process id of the running bot; `undefined` while none runs. */
    pid: (): number | undefined => bot?.pid,
    /** Kills the bot with SIGKILL, and restarts it after a while. */
    kill(): void {
      if (!bot || isKilled) return;
      isKilled = true;
      bot.kill("SIGKILL");
    },
    /** Stops restarting; the simulation ends a bot that still runs. */
    stop(): void {
      isStopped = true;
    },
  };
}

function exitOf({ code, signal }: Exit): string {
  return code === null ? signal ?? "unknown reason" : `exit code ${code}`;
}

/** Milliseconds between two reads of the store and the connection. */
const LOOK_MS = 250;

/**
 * Creates the page's data about a running bot.
 *
 * @param onError Called with an error of the demo itself.
 */
function createBotPanel(
  { simulator, dataDir }: Simulation,
  supervisor: ReturnType<typeof createSupervisor>,
  onError: (error: unknown) => void,
): BotPanel & { readonly close: () => Promise<void> } {
  const verdicts = createVerdictReader(dataDir);
  const outcomes = createOutcomes();
  const listeners = new Set<(news: BotPanelNews) => void>();
  let state = stateNow();
  let isClosed = false;

  const tell = (news: BotPanelNews) => {
    for (const listener of listeners) listener(news);
  };

  const stopWorld = simulator.subscribe((event) => {
    if (event.kind !== "message_created") return;
    const { author } = event.message;
    if (author.kind !== "user" || author.userId !== simulator.application.userId) return;
    const judged = outcomes.posted(event.message);
    if (judged) tell({ kind: "judged", judged });
  });

  function stateNow(): BotState {
    if (supervisor.pid() === undefined) return "offline";
    return simulator.connected() > 0 ? "online" : "away";
  }

  async function look(): Promise<void> {
    for (const decision of await verdicts.next()) {
      tell({ kind: "judged", judged: outcomes.decided(decision) });
    }
    const next = stateNow();
    if (next === state) return;
    state = next;
    tell({ kind: "bot", bot: state });
  }

  let timer: ReturnType<typeof setTimeout> | undefined;
  let looking = Promise.resolve();
  function lookSoon(): void {
    if (isClosed) return;
    timer = setTimeout(() => {
      looking = look().catch(onError).finally(lookSoon);
    }, LOOK_MS);
  }
  lookSoon();

  return {
    bot: () => state,
    judged: () => outcomes.all(),
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    kill: () => supervisor.kill(),
    async close() {
      isClosed = true;
      clearTimeout(timer);
      stopWorld();
      await looking;
      verdicts.close();
    },
  };
}

export interface DemoFlags {
  /** Whether to check the bot, without a page. */
  readonly check: boolean;
  /** Whether the result is printed as JSON. */
  readonly json: boolean;
  /** Port of the page; the next free one if it is in use. */
  readonly port: number;
}

/** A file in the workspace of the demo's agent. */
const SAMPLE_FILE = {
  name: "tides.md",
  text: "# Tides in the harbour\n\n- low tide at six\n- high tide at noon\n",
} as const;

/** Suggestions on the page, which the built-in script knows. */
const PROMPTS: readonly Prompt[] = [
  { text: "Remember that the ferry leaves at nine" },
  { text: "What do you remember about the ferry?" },
  { text: "Remind me in 10 seconds to make tea" },
  { text: "What did I say?" },
  { text: `Read the file ${SAMPLE_FILE.name}`, by: "owner" },
  { text: 'Set the topic of this channel to "Low tide at six"', by: "owner" },
  { text: "Undo that", by: "owner" },
  { text: "Run date", by: "owner" },
  ...["help", "code", "long", "book", "menu", "simulate: slow", "simulate: hang"]
    .map((text) => ({ text })),
];

/** The conversation in #general with which the page opens; `@` stands for a mention of the bot. */
const TALK = [
  { as: "grace", text: "@ Remember that the ferry leaves at nine" },
  { as: "ada", text: "The tide table is in the harbour office" },
  { as: "grace", text: "@ What do you remember about the ferry?" },
];

/** Milliseconds to wait for the bot before the page opens without it. */
const START_MS = 20_000;

/** Runs the demo until a signal, or checks the bot. */
export async function demo({ check, ...flags }: DemoFlags, io: Io): Promise<ExitCode> {
  // The terminal sends the same signal to the bot, which stops by itself.
  const stop = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.on(signal, () => stop.abort());
  }
  if (check) return await playCheck({ json: flags.json, signal: stop.signal }, io);
  try {
    return await show(flags, stop.signal, io);
  } catch (error) {
    if (!(error instanceof HttpServerError)) throw error;
    io.problem(`${error.message}`);
    return EXIT.tryAgain;
  }
}

/** Shows the page until a signal, or until the bot keeps ending. */
async function show(
  { port, json }: Omit<DemoFlags, "check">,
  stop: AbortSignal,
  io: Io,
): Promise<ExitCode> {
  const onError = (error: unknown) => io.problem(`internal error of the demo: ${error}`);
  const world = demoWorld();
  addChannel(world.world, world.krill, { name: "Voice", kind: "voice" }, Date.now());
  const simulation = await startSimulation({
    // Messages show the person's time, also after the computer slept.
    simulator: { world: world.world, now: Date.now },
    config: () => ({
      ...withCommands(world.people.ada.id),
      voice: {},
      audio: { transcribe: "openai/ear", speak: "openai/mouth" }, // by the scripted model's server
    }),
  });
  const { simulator, dataDir } = simulation;
  const workspace = join(dataDir, "agents", "main");
  mkdirSync(workspace, { recursive: true, mode: 0o700 });
  writeFileSync(join(workspace, SAMPLE_FILE.name), SAMPLE_FILE.text);
  simulator.permit({ to: "Barnacle", what: "manageChannels", as: "allowed" });
  const supervisor = createSupervisor(simulation.startBot);
  const panel = createBotPanel(simulation, supervisor, onError);
  const page = createPage({ simulator, panel, prompts: PROMPTS, onError });

  // The gateway never delivers messages from before the bot's first session.
  async function ready(): Promise<void> {
    const patience = AbortSignal.any([stop, AbortSignal.timeout(START_MS)]);
    try {
      await simulator.until(() => simulator.connected() > 0 || undefined, patience);
      for (const { as, text } of TALK) {
        const count = simulator.posted("general").length + Number(text.startsWith("@"));
        const said = text.replace(/^@/, `<@${simulator.application.userId}>`);
        simulator.say({ as, in: "general", text: said });
        const isAnswered = () => simulator.posted("general").length >= count || undefined;
        await simulator.until(isAnswered, patience);
      }
    } catch { /* it took too long: the page shows why */ }
  }

  let server: HttpServer | undefined;
  try {
    const early = await Promise.race([ready(), supervisor.gaveUp]);
    if (early) return tellOfEnd(early, io);
    server = await listenFrom(port, guardPage(page.fetch));
    const address = `http://127.0.0.1:${server.port}/`;
    if (json) io.out(JSON.stringify({ page: address, data: dataDir }));
    else {
      for (
        const line of [
          "The real bot on a simulated Discord. No token needed.",
          "",
          ...block("page", [address]),
          ...block("ssh", sshLines(io.env, server.port)),
          ...block("answers", ["Scripted replies, without a model: free and offline."]),
          ...block("data", [`${dataDir}, removed at the end`]),
          "",
          "Write as Grace and mention @Barnacle. Then write as another user, and see why it is silent.",
          "Press Ctrl-C to end the demo.",
        ]
      ) io.out(line);
    }
    const end = await Promise.race([supervisor.gaveUp, whenAborted(stop)]);
    if (end) return tellOfEnd(end, io);
    if (!json) io.out("\nDemo ended; all its data are removed.");
    return EXIT.done;
  } finally {
    supervisor.stop();
    page.close(); // a page that is open keeps its connection until then
    await panel.close();
    await simulation.close();
    await server?.close();
  }
}

/** Lets the agent run commands in a sandbox, each after the owner has allowed it. */
function withCommands(owner: string): object {
  const config = demoConfig();
  const execApprovals = { enabled: true, approvers: [owner] };
  const { discord } = config.channels;
  return { ...config, exec: { mode: "ask" }, channels: { discord: { ...discord, execApprovals } } };
}

function tellOfEnd(end: DemoBotEnd, io: Io): ExitCode {
  io.problem(`the demo's bot keeps ending (${exitOf(end)}); its last lines:`);
  for (const line of end.lines) io.err(`  ${line}`);
  return end.code === EXIT.config ? EXIT.config : EXIT.failed;
}

function block(name: string, lines: readonly string[]): readonly string[] {
  return lines.map((line, index) => `  ${(index === 0 ? name : "").padEnd(7)} ${line}`);
}
