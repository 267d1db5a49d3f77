/**
 * `barnacle demo`: runs the bot on a simulated Discord, with a page to chat (O5).
 *
 * The bot is another process of this program, so that the demo shows the real bot and can kill it.
 * Everything lives in a temporary directory and on loopback, and is removed at the end.
 *
 * @module
 */

import process from "node:process";
import { setTimeout as sleep } from "node:timers/promises";
import { LOCAL_SERVERS } from "../../config/models.ts";
import { HttpServerError } from "../../host/http_server.ts";
import { refusalOf } from "../../http/guard.ts";
import { discoverLocalModel } from "../../providers/discover.ts";
import { createPage } from "../../../simulator/page/page.ts";
import { createBackstage } from "./backstage.ts";
import { createFaults, HEARTBEAT_MS } from "./faults.ts";
import { type BotEnd, createKeeper, exitOf } from "./keeper.ts";
import { listenFrom } from "./listen.ts";
import { readLogLine } from "./log_line.ts";
import { missingOf, type OfferedModel, offerModels } from "./models.ts";
import { createNotices } from "./notices.ts";
import { createOutcomes } from "./outcomes.ts";
import { OWN_MODEL, prepareConfig, type PreparedConfig } from "./prepare_config.ts";
import { readVitals } from "./vitals.ts";
import { EXIT, type ExitCode } from "../shared/exit_code.ts";
import type { Io } from "../terminal/io.ts";
import { playScript } from "./scenes/script.ts";
import { startStage } from "./stage/stage.ts";
import { createVerdictReader } from "./stage/verdicts.ts";

/** Options of `demo`. */
export interface DemoFlags {
  /** Path of the user's own config. */
  readonly config?: string;
  /** Whether the result is printed as JSON. */
  readonly json: boolean;
  /** Port of the page; the next free one if it is in use. */
  readonly port: number;
  /** Whether to play scenes without a page. */
  readonly script: boolean;
}

/** Suggestions on the page: words that the built-in script knows. */
const PROMPTS = ["help", "code", "long", "simulate: slow", "simulate: html"];

/** Milliseconds to wait for the bot before the page opens without it. */
const START_MS = 20_000;

/** Runs the demo until a signal, or plays the scenes. */
export async function demo(flags: DemoFlags, io: Io): Promise<ExitCode> {
  const stop = stopOnSignal();
  if (flags.script) return await playScript({ json: flags.json, signal: stop }, io);

  const wanted = io.env["BARNACLE_DEMO_MODEL"]?.trim() || "script";
  const prepared = await prepareConfig(flags.config, wanted === OWN_MODEL, io);
  if (prepared.kind === "refused") return EXIT.config;
  const models = prepared.model ? [prepared.model] : offerModels(io.env, await findLocal());
  const model = models.find(({ id }) => id === wanted);
  if (!model) {
    const known = models.map(({ id }) => id).join(", ");
    io.problem(`unknown BARNACLE_DEMO_MODEL "${wanted}"; available: ${known}`);
    return EXIT.usage;
  }
  try {
    return await show(flags, { prepared, model, models, stop }, io);
  } catch (error) {
    if (!(error instanceof HttpServerError)) throw error;
    io.problem(`${error.message}`);
    return EXIT.tryAgain;
  }
}

interface Plan {
  readonly prepared: Extract<PreparedConfig, { kind: "ready" }>;
  readonly models: readonly OfferedModel[];
  /** The first model. */
  readonly model: OfferedModel;
  readonly stop: AbortSignal;
}

async function show(
  { port, json }: DemoFlags,
  { prepared, models, model, stop }: Plan,
  io: Io,
): Promise<ExitCode> {
  const notices = createNotices(Date.now);
  const stage = await startStage({
    simulator: { world: prepared.world.world, heartbeatIntervalMs: HEARTBEAT_MS },
    config: () => prepared.config,
    env: prepared.env,
    onLine(line) {
      const read = readLogLine(line);
      if (read) notices.note(read.level, read.text);
    },
  });
  const tell = (text: string) => notices.note("stage", text);
  const keeper = createKeeper(model.env, {
    start: (env) => stage.startBot(env),
    sleep,
    now: Date.now,
    tell,
  });
  const { simulator } = stage;
  const onError = (error: unknown) => io.problem(`internal error of the demo: ${error}`);
  const backstage = createBackstage({
    simulator,
    keeper,
    faults: createFaults(simulator, { keeper, tell }),
    verdicts: createVerdictReader(stage.dataDir),
    outcomes: createOutcomes(prepared.agentId),
    notices,
    models,
    model,
    readVitals: () => readVitals(stage.dataDir),
    onError,
  });
  const page = createPage({ simulator, backstage, prompts: PROMPTS, refusalOf, onError });
  try {
    // The gateway never delivers messages from before the bot's first session.
    const isOnline = simulator.until(
      () => simulator.connected() > 0 || undefined,
      AbortSignal.any([stop, AbortSignal.timeout(START_MS)]),
    ).then(() => undefined, () => undefined); // then the page shows the problem
    const early = await Promise.race([isOnline, keeper.gaveUp]);
    if (early) return tellOfEnd(early, io);
    const server = await listenFrom(port, page.fetch);
    try {
      const address = `http://127.0.0.1:${server.port}/`;
      if (json) io.out(JSON.stringify({ page: address, data: stage.dataDir, model: model.id }));
      else {
        for (
          const line of greeting(address, stage.dataDir, { prepared, models, model, stop }, io)
        ) {
          io.out(line);
        }
      }
      const end = await Promise.race([keeper.gaveUp, aborted(stop)]);
      if (end) return tellOfEnd(end, io);
      if (!json) io.out("\nDemo ended; all its data are removed.");
      return EXIT.done;
    } finally {
      keeper.stop();
      page.close();
      await server.close();
    }
  } finally {
    keeper.stop();
    await backstage.close();
    await stage.close();
  }
}

function greeting(
  address: string,
  dataDir: string,
  { prepared, models, model }: Plan,
  { env }: Io,
): readonly string[] {
  const otherModels = models.filter(({ id }) => id !== model.id).map(({ id, label }) =>
    `${label} (${id})`
  );
  return [
    "The real bot on a simulated Discord. No token needed.",
    "",
    `  page    ${address}`,
    `  answers ${model.label}. ${model.hint}`,
    ...(otherModels.length > 0
      ? [`          Change it on the page, or with BARNACLE_DEMO_MODEL: ${otherModels.join(", ")}`]
      : []),
    ...missingOf(env).map((line) => `          ${line}`),
    `  data    ${dataDir}, removed at the end`,
    ...prepared.notes.map((line, index) => `  ${index === 0 ? "config " : "       "} ${line}`),
    "",
    "Write as Grace and mention @Barnacle. Then write as another user, and see why it is silent.",
    "Press Ctrl-C to end the demo.",
  ];
}

function tellOfEnd(end: BotEnd, io: Io): ExitCode {
  io.problem(`the demo's bot keeps ending (${exitOf(end)}); its last lines:`);
  for (const line of end.lines) io.err(`  ${line}`);
  return end.code === EXIT.config ? EXIT.config : EXIT.failed;
}

async function findLocal() {
  const servers = LOCAL_SERVERS.flatMap(({ id, kind, baseUrl }) =>
    kind === "google" ? [] : [{ id, kind, baseUrl }]
  );
  const local = await discoverLocalModel({ fetch, servers });
  return local && { name: local.name, baseUrl: local.provider.baseUrl };
}

/** Aborted by a signal. The terminal sends the same signal to the bot, which stops by itself. */
function stopOnSignal(): AbortSignal {
  const stop = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.on(signal, () => stop.abort());
  }
  return stop.signal;
}

function aborted(signal: AbortSignal): Promise<undefined> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve(undefined);
    else signal.addEventListener("abort", () => resolve(undefined), { once: true });
  });
}
