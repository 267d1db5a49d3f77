/**
 * The set-up of a scenario: a bot, a simulated Discord, and proxies between them.
 *
 * The bot reaches REST and the gateway through separate proxies. Their addresses stay the same
 * through restarts, because the store drops its data for a new server.
 */

import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { Env } from "../../../src/lib/env.ts";
import type { SimulatedProcess } from "../../../src/extras/demo/simulation/simulation.ts";
import { DATABASE_NAME } from "../../../src/host/files/data_dir.ts";
import {
  ended,
  PATIENCE_MS,
  type Scene,
  type SceneOptions,
  STOPPED,
  withSimulation,
} from "../../support/bot/e2e.ts";
import { type Seeded, seeded } from "../../support/seeded.ts";
import { type Crowd, gather } from "./crowd.ts";
import { type Bound, type Report, reportOf } from "./report.ts";
import { startTcpProxy, type TcpProxy, type Trouble } from "./tcp_proxy.ts";
import { OWN_HOST } from "../../support/network/own_host.ts";
import { createStore } from "../../../src/store/store.ts";

export interface Stand extends Scene {
  readonly seeded: Seeded;
  readonly crowd: Crowd;
  readonly wires: Readonly<Record<"gateway" | "rest" | "model", TcpProxy>>;
  /** Affects both connections to Discord, open and new. */
  cut(trouble: Trouble): Promise<void>;
  /** Changes the store while no bot runs. */
  sabotage(sql: string): void;
  /** Starts a bot, and waits until Discord has it online. */
  start(env?: Env, args?: readonly string[]): Promise<SimulatedProcess>;
  /** Stops a bot with SIGTERM, and waits for the end of its connection. */
  stop(bot: SimulatedProcess): Promise<void>;
}

export interface Play {
  readonly facts?: Report["facts"];
  readonly bounds?: readonly Bound[];
  /** Milliseconds within which the bot must answer all open questions after the last fault. */
  readonly patienceMs?: number;
}

/** These scenarios ignore Discord's rate of five messages in five seconds. */
const NO_LIMITS = { rateLimits: false } as const;

/** A request that broke on its way, or met a fault of the scenario. */
const MAY_FAIL = new Set([429, 500, 502, 503]);

/**
 * Plays a scenario, waits for the last answers, and returns the report.
 *
 * @param play Runs the faults. It ends without faults and with one running bot, which it returns.
 */
export async function onStand(
  seed: number,
  options: SceneOptions,
  play: (stand: Stand) => Promise<Play & { readonly bot: SimulatedProcess }>,
): Promise<Report> {
  let report: Report | undefined;
  await withSimulation({
    mayRefuse: ({ status }) => status !== undefined && MAY_FAIL.has(status),
    ...options,
    simulator: { ...NO_LIMITS, ...options.simulator },
  }, async (scene) => {
    const { simulator } = scene;
    const wires = {
      gateway: await startTcpProxy(portOf(simulator.gatewayUrl)),
      rest: await startTcpProxy(portOf(simulator.apiUrl)),
      model: await startTcpProxy(portOf(scene.model.baseUrl)),
    };
    simulator.faults.gateway.address = through(simulator.gatewayUrl, wires.gateway);
    const proxied = {
      DISCORD_API_URL: through(simulator.apiUrl, wires.rest),
      OPENAI_BASE_URL: through(scene.model.baseUrl, wires.model),
    };
    const dice = seeded(seed);
    const crowd = gather(scene, dice);
    const stand: Stand = {
      ...scene,
      seeded: dice,
      crowd,
      wires,
      startBot: (env, args) => scene.startBot({ ...proxied, ...env }, args),
      start: (env, args) => scene.start({ ...proxied, ...env }, args),
      async cut(trouble) {
        for (const wire of [wires.gateway, wires.rest]) {
          await wire.welcome(trouble);
          wire.strike(trouble);
        }
      },
      sabotage(sql) {
        const path = join(scene.dataDir, DATABASE_NAME);
        const database = new DatabaseSync(path);
        try {
          createStore(database, path, { elapsed: () => 0 }); // applies the journal to the tables
          database.exec(sql);
        } finally {
          database.close();
        }
      },
      async stop(bot) {
        bot.kill("SIGTERM");
        const exit = await ended(bot);
        if (exit.code !== STOPPED.code) {
          throw new Error(`The bot ended with ${JSON.stringify(exit)}`);
        }
        await scene.until("the closed connection", () => simulator.connected() === 0);
      },
    };
    try {
      const { bot, patienceMs = PATIENCE_MS, facts, bounds } = await play(stand);
      const account = await crowd.quiesce(patienceMs);
      bot.kill("SIGTERM");
      const exit = await ended(bot);
      report = reportOf(seed, account, simulator.account(), {
        ...(facts && { facts }),
        log: bot.lines,
        bounds: [...bounds ?? [], ["the bot ends with 0", exit.code === STOPPED.code]],
      });
    } finally {
      await Promise.all(Object.values(wires).map((wire) => wire.close()));
    }
  });
  if (!report) throw new Error("The scenario ended without an account");
  return report;
}

/** The same address through a proxy. */
function through(url: string, { port }: TcpProxy): string {
  return url.replace(new URL(url).host, `${OWN_HOST}:${port}`);
}

function portOf(url: string): number {
  return Number(new URL(url).port);
}
