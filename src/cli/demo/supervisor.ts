/**
 * Keeps the demo's bot running: kills it on request, restarts it, and asks it for its status.
 *
 * It also restarts a bot that ends by itself, but not forever: a bot that exits at once has a problem,
 * and the user needs to read its last lines.
 */

import { type Clock, schedule } from "../../lib/clock.ts";
import { join } from "node:path";
import { z } from "zod";
import type { Env } from "../../lib/env.ts";
import { sizeOf } from "../../lib/text/units.ts";
import type { Exit } from "../../host/process/own_process.ts";
import { boundedGet } from "../../host/bounded_get.ts";
import { readHolder } from "../../host/locks/lock.ts";
import type { Figure } from "../../../simulator/page/bot_panel.ts";
import type { SimulatedProcess } from "./simulation/simulation.ts";

/** How a bot ended. */
export interface DemoBotEnd extends Exit {
  /** Its last lines of output. */
  readonly lines: readonly string[];
}

/** Milliseconds until a killed bot restarts, so that the user can write to it meanwhile. */
const AWAY_MS = 2_500;

/** Milliseconds: a bot that exits earlier after its start would exit again. */
const TOO_SOON_MS = 10_000;

/** Maximum number of early deaths by a signal in a row. */
const MAX_EARLY_DEATHS = 3;

const LAST_LINES = 12;

/** Starts the bot, and keeps it running. */
export function createSupervisor(
  env: Env,
  { start, sleep, now, tell }: Clock & {
    /** Starts a bot. */
    start(env: Env): SimulatedProcess;
    /** Waits for milliseconds. */
    readonly sleep: (ms: number) => Promise<void>;
    /** Shows a sentence on the page. */
    tell(text: string): void;
  },
) {
  const { promise: gaveUp, resolve: giveUp } = Promise.withResolvers<DemoBotEnd>();
  let bot: SimulatedProcess | undefined;
  let current = env;
  /** Milliseconds until the next start; set if the end was requested. */
  let awayMs: number | undefined;
  let isStopped = false;
  let earlyDeaths = 0;

  function run(): void {
    if (isStopped) return;
    const startedAt = now();
    const running = start(current);
    bot = running;
    running.exited.then(
      (exit) => ended(exit, running, now() - startedAt),
      (error: unknown) => giveUp({ code: null, signal: null, lines: [String(error)] }),
    );
  }

  function ended(exit: Exit, { lines }: SimulatedProcess, livedMs: number): void {
    bot = undefined;
    if (isStopped) return;
    const isRequested = awayMs !== undefined;
    earlyDeaths = !isRequested && livedMs < TOO_SOON_MS ? earlyDeaths + 1 : 0;
    if (earlyDeaths > (exit.signal === null ? 0 : MAX_EARLY_DEATHS)) {
      return giveUp({ ...exit, lines: lines.slice(-LAST_LINES) });
    }
    if (!isRequested) tell(`The bot ended by itself (${exitOf(exit)}); restarting it`);
    const waitMs = awayMs ?? AWAY_MS;
    awayMs = undefined;
    void sleep(waitMs).then(run);
  }

  function end(signal: "SIGKILL" | "SIGTERM", ms: number): boolean {
    if (!bot || awayMs !== undefined) return false;
    awayMs = ms;
    bot.kill(signal);
    return true;
  }

  run();
  return {
    /** Resolves with the bot's last end if restarting does not help. */
    gaveUp,
    /** Process id of the running bot; `undefined` while none runs. */
    pid: (): number | undefined => bot?.pid,
    /** Kills the bot with SIGKILL, and restarts it after a while. */
    kill(): void {
      const pid = bot?.pid;
      if (end("SIGKILL", AWAY_MS)) tell(`The bot is killed (kill -9 ${pid}), and restarts soon`);
    },
    /** Stops the bot with SIGTERM, and starts one with another environment. */
    restart(next: Env): void {
      current = next; // if none runs, the next start uses it
      end("SIGTERM", 0);
    },
    /** Stops restarting; the simulation ends a bot that still runs. */
    stop(): void {
      isStopped = true;
    },
  };
}

/** Starts, kills and restarts the bot. */
export type DemoSupervisor = ReturnType<typeof createSupervisor>;

/** The exit code or signal as text. */
export function exitOf({ code, signal }: Exit): string {
  return code === null ? signal ?? "unknown reason" : `exit code ${code}`;
}

/** Figures from the bot's status. */
export interface BotStatus {
  readonly isReady: boolean;
  /** State of the gateway connection. */
  readonly gateway: string;
  readonly figures: readonly Figure[];
}

/** Milliseconds to wait for an answer. */
const TIMEOUT_MS = 900;

/** Largest answer in bytes; that of a bot in a hundred guilds has a tenth of it. */
const MAX_BYTES = 1_024 * 1_024;

const queue = z.object({ waiting: z.number(), running: z.number() });
const outbox = z.object({ pending: z.number(), sending: z.number(), uncertain: z.number() });
const shard = z.object({
  state: z.string(),
  seqCommitted: z.number().optional(),
  ack: z.object({ intervalMs: z.number(), latencyMs: z.number() }).optional(),
});
const reportSchema = z.object({
  snapshot: z.object({
    accounts: z.array(z.object({ shards: z.array(shard) })),
    inbox: queue,
    outbox,
    rssBytes: z.number(),
  }),
});

/** Asks the bot. Returns `undefined` without an answer. */
export async function readBotStatus(dataDir: string): Promise<BotStatus | undefined> {
  const { http: address, httpKey } = readHolder(join(dataDir, "lock")) ?? {};
  if (address === undefined) return undefined;
  const headers = { authorization: `Bearer ${httpKey}` };
  try {
    const got = await boundedGet(`http://${address}/status`, headers, {
      timeoutMs: TIMEOUT_MS,
      maxBytes: MAX_BYTES,
      schedule,
    });
    if (typeof got === "string") return undefined;
    const report = reportSchema.safeParse(JSON.parse(got.text));
    return report.success ? toBotStatus(report.data) : undefined;
  } catch {
    return undefined; // starting, or down: the card shows it
  }
}

function toBotStatus({ snapshot }: z.infer<typeof reportSchema>): BotStatus {
  const { accounts: [account], inbox, outbox, rssBytes } = snapshot;
  const first = account?.shards[0];
  const gateway = first?.state ?? "none";
  const ack = first?.ack;
  return {
    isReady: gateway === "ready",
    gateway,
    figures: [
      { name: "Gateway", value: gateway },
      {
        name: "Heartbeat",
        value: ack
          ? `${ack.latencyMs.toFixed(0)} ms, every ${ack.intervalMs / 1_000} s`
          : "none yet",
      },
      {
        name: "Events on the disk",
        value: String(first?.seqCommitted ?? 0),
      },
      { name: "Waiting for answers", value: String(inbox.waiting + inbox.running) },
      { name: "Waiting to be sent", value: String(outbox.pending + outbox.sending) },
      { name: "Memory", value: sizeOf(rssBytes) },
    ],
  };
}
