/**
 * `barnacle demo`: runs the bot on a simulated Discord, with a page to chat (O5), and prints what to try.
 *
 * The bot is another process of this program, so that the demo shows the real bot and can kill it.
 * Everything lives in a temporary directory and on loopback, and is removed at the end.
 */

import { readFileSync } from "node:fs";
import process from "node:process";
import { setInterval } from "node:timers";
import { LOCAL_SERVERS } from "../../config/models.ts";
import type { HttpServer } from "../../host/http_server.ts";
import { HttpServerError } from "../../host/http_server_error.ts";
import { discoverLocalModel } from "../../providers/choice/discover.ts";
import { whenAborted } from "../../lib/clock.ts";
import { EXIT, type ExitCode } from "../../cli/shared/exit_code.ts";
import type { Io } from "../../cli/terminal/io.ts";
import type { Env } from "../../lib/env.ts";
import { sshLines } from "../../cli/terminal/ssh_lines.ts";
import { addressesOf, guardPage, listenFrom, pageAccessOf } from "./page_server.ts";
import { type DemoBotEnd, exitOf } from "./supervisor.ts";
import { missingOf, type OfferedModel, offerModels } from "./models.ts";
import { OWN_MODEL, prepareConfig, type PreparedConfig } from "./prepare_config.ts";
import { type DemoPlan, startDemoRun } from "./demo_run.ts";
import { playScript } from "./scenes/play.ts";

export interface DemoFlags {
  /** Path of the user's own config. */
  readonly config?: string;
  /** Address of the page; this machine only if absent. */
  readonly host?: string;
  /** Whether the result is printed as JSON. */
  readonly json: boolean;
  /** Port of the page; the next free one if it is in use. */
  readonly port: number;
  /** Whether to play scenes without a page. */
  readonly script: boolean;
}

/** Runs the demo until a signal, or plays the scenes. */
export async function demo(flags: DemoFlags, io: Io): Promise<ExitCode> {
  if (flags.script && flags.config !== undefined) {
    io.problem("--script does not take --config: its scenes have configs of their own");
    return EXIT.usage;
  }
  const stop = stopOnSignal(io.env);
  if (flags.script) return await playScript({ json: flags.json, signal: stop }, io);

  const wanted = io.env["BARNACLE_DEMO_MODEL"]?.trim() || "script";
  const next = () =>
    prepareConfig(
      flags.config,
      wanted === OWN_MODEL,
      io,
      pageAccessOf(flags.host).key !== undefined,
    );
  const prepared = await next();
  if (prepared.kind === "refused") return EXIT.config;
  const models = prepared.model ? [prepared.model] : offerModels(io.env, await findLocal());
  const model = models.find(({ id }) => id === wanted);
  if (!model) {
    const known = models.map(({ id }) => id).join(", ");
    io.problem(`unknown BARNACLE_DEMO_MODEL "${wanted}"; available: ${known}`);
    return EXIT.usage;
  }
  try {
    return await show(flags, { first: { prepared, model, models }, next, stop }, io);
  } catch (error) {
    if (!(error instanceof HttpServerError)) throw error;
    io.problem(`${error.message}`);
    return EXIT.tryAgain;
  }
}

/** Shows rounds of the demo at one address, until a signal, or until the bot keeps ending. */
async function show(
  { port, json, host }: DemoFlags,
  { first, next, stop }: {
    readonly first: DemoPlan;
    readonly next: () => Promise<PreparedConfig>;
    readonly stop: AbortSignal;
  },
  io: Io,
): Promise<ExitCode> {
  const access = pageAccessOf(host);
  const ports = {
    onError: (error: unknown) => io.problem(`internal error of the demo: ${error}`),
  };
  let plan = first;
  let run = await startDemoRun(plan, ports);
  /** The current round; requests wait for it while the demo starts over. */
  let current = Promise.resolve(run);
  let server: HttpServer | undefined;
  try {
    const early = await Promise.race([run.ready(stop), run.gaveUp]);
    if (early) return tellOfEnd(early, io);
    server = await listenFrom(
      { ...access, port },
      guardPage(access, async (request) => (await current).answer(request)),
    );
    const addresses = addressesOf(access, server.port);
    const { dataDir } = run;
    const { prepared: { notes }, models, model } = plan;
    if (json) io.out(JSON.stringify({ page: addresses[0], data: dataDir, model: model.id }));
    else {
      const facts = {
        addresses,
        port: server.port,
        isOpen: access.key !== undefined,
        dataDir,
        notes,
      };
      for (const line of greetingLines({ ...facts, models, model }, io.env)) io.out(line);
    }
    for (;;) {
      const end = await Promise.race([run.gaveUp, run.reset, whenAborted(stop)]);
      if (!end) break;
      if ("code" in end) return tellOfEnd(end, io);
      const { promise, resolve } = Promise.withResolvers<
        Awaited<ReturnType<typeof startDemoRun>>
      >();
      current = promise;
      await run.close();
      const prepared = await next();
      if (prepared.kind === "refused") return EXIT.config;
      plan = { ...plan, prepared, model: end };
      run = await startDemoRun(plan, ports);
      await Promise.race([run.ready(stop), run.gaveUp]);
      resolve(run);
    }
    if (!json) io.out("\nDemo ended; all its data are removed.");
    return EXIT.done;
  } finally {
    // A page that is open keeps its connection until its round closes.
    await run.close();
    await server?.close();
  }
}

function tellOfEnd(end: DemoBotEnd, io: Io): ExitCode {
  io.problem(`the demo's bot keeps ending (${exitOf(end)}); its last lines:`);
  for (const line of end.lines) io.err(`  ${line}`);
  return end.code === EXIT.config ? EXIT.config : EXIT.failed;
}

async function findLocal() {
  const servers = LOCAL_SERVERS.map(({ id, kind, baseUrl }) => ({ id, kind, baseUrl }));
  const local = await discoverLocalModel(servers, fetch);
  return local && { name: local.name, baseUrl: local.provider.baseUrl };
}

/** Milliseconds between two looks at npx. */
const LOOK_MS = 1_000;

/**
 * Aborted by a signal. The terminal sends the same signal to the bot, which stops by itself. An npx
 * that is ended alone tells no process below it, so the demo also stops when a process above it has gone.
 */
function stopOnSignal(env: Env): AbortSignal {
  const stop = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.on(signal, () => stop.abort());
  }
  if (env["npm_command"] === "exec") {
    const begun = processesAbove();
    const timer = setInterval(() => processesAbove() !== begun && stop.abort(), LOOK_MS);
    timer.unref();
  }
  return stop.signal;
}

/** IDs of `deno task`, the shell of npx, and npx; only the first where the system has no `/proc`. */
function processesAbove(): string {
  const pids = [process.ppid];
  try {
    while (pids.length < 3) {
      const stat = readFileSync(`/proc/${pids.at(-1)}/stat`, "latin1");
      pids.push(Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1])); // behind the state
    }
  } catch { /* not Linux, or its end: the next look tells */ }
  return pids.join();
}

export interface Greeting {
  /** Addresses of the page, the best first. */
  readonly addresses: readonly string[];
  readonly port: number;
  /** Whether other machines can reach the page. */
  readonly isOpen: boolean;
  readonly dataDir: string;
  readonly notes: readonly string[];
  readonly models: readonly OfferedModel[];
  readonly model: OfferedModel;
}

export function greetingLines(
  { addresses, port, isOpen, dataDir, notes, models, model }: Greeting,
  env: Env,
): readonly string[] {
  const others = models.filter(({ id }) => id !== model.id).map(({ id, label }) =>
    `${label} (${id})`
  );
  return [
    "The real bot on a simulated Discord. No token needed.",
    "",
    ...block("page", addresses),
    ...(isOpen ? block("", ["Each person with this address can use the page."]) : []),
    ...(isOpen ? [] : block("ssh", sshLines(env, port))),
    ...block("answers", [
      `${model.label}. ${model.hint}`,
      ...(others.length > 0
        ? [`Change it on the page, or with BARNACLE_DEMO_MODEL: ${others.join(", ")}`]
        : []),
      ...missingOf(env),
    ]),
    ...block("data", [`${dataDir}, removed at the end`]),
    ...block("config", notes),
    "",
    "Write as Grace and mention @Barnacle. Then write as another user, and see why it is silent.",
    "Press Ctrl-C to end the demo.",
  ];
}

function block(name: string, lines: readonly string[]): readonly string[] {
  return lines.map((line, index) => `  ${(index === 0 ? name : "").padEnd(7)} ${line}`);
}
