/**
 * `barnacle demo`: the whole bot on a Discord of our own (O5).
 *
 * The bot is another process of this very program, so that what is seen is what
 * is shipped, and so that it can be killed. All of it lives in a temporary
 * directory and on loopback, and is gone at the end.
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

export interface DemoFlags {
  /** The user's own config, tried on the simulated Discord. */
  readonly config?: string;
  readonly json: boolean;
  /** Of the page; the next free one if it is taken. */
  readonly port: number;
  readonly script: boolean;
}

/** What the chips on the page say: words that the built-in script knows. */
const PROMPTS = ["help", "code", "long", "simulate: slow", "simulate: html"];

/** Milliseconds that the bot has to come online before the page is shown without it. */
const START_MS = 20_000;

/** Runs the demo until it is told to end, or plays the scenes. */
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
    io.problem(`BARNACLE_DEMO_MODEL is "${wanted}"; there is: ${known}`);
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
  /** The one to begin with. */
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
  const onError = (error: unknown) => io.problem(`a fault of the demo's own: ${error}`);
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
    // What is said before the bot has its first session, no gateway brings it later.
    const isOnline = simulator.until(
      () => simulator.connected() > 0 || undefined,
      AbortSignal.any([stop, AbortSignal.timeout(START_MS)]),
    ).then(() => undefined, () => undefined); // then the page shows what is the matter
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
      if (!json) io.out("\nThe demo has ended, and left nothing behind.");
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
  const others = models.filter(({ id }) => id !== model.id).map(({ id, label }) =>
    `${label} (${id})`
  );
  return [
    "Barnacle, the whole bot, on a Discord of its own: no token needed.",
    "",
    `  page    ${address}`,
    `  answers ${model.label}. ${model.hint}`,
    ...(others.length > 0
      ? [`          On the page, or by BARNACLE_DEMO_MODEL: ${others.join(", ")}`]
      : []),
    ...missingOf(env).map((line) => `          ${line}`),
    `  data    ${dataDir}, removed at the end`,
    ...prepared.notes.map((line, index) => `  ${index === 0 ? "config " : "       "} ${line}`),
    "",
    "Write as Grace and mention @Barnacle; then be somebody else and see why it is silent.",
    "Ctrl-C ends it.",
  ];
}

function tellOfEnd(end: BotEnd, io: Io): ExitCode {
  io.problem(`the demo's bot does not stay alive (${exitOf(end)}); it said last:`);
  for (const line of end.lines) io.err(`  ${line}`);
  return end.code === EXIT.config ? EXIT.config : EXIT.failed;
}

async function findLocal() {
  const servers = LOCAL_SERVERS.flatMap(({ id, kind, baseUrl }) =>
    kind === "google" ? [] : [{ id, kind, baseUrl }]
  );
  const found = await discoverLocalModel({ fetch, servers });
  return found && { name: found.name, baseUrl: found.provider.baseUrl };
}

/** The terminal sends the same to the bot, which ends by itself; nothing is cut short twice. */
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
