/**
 * One round of the demo: a simulated Discord, the bot on it, and the page that shows both.
 *
 * "Start over" ends a round and begins the next one, with a new Discord and new data. So no part
 * needs to forget anything.
 *
 * @module
 */

import { setTimeout as sleep } from "node:timers/promises";
import { createPage, type Page } from "../../../simulator/page/page.ts";
import { createBackstage } from "./backstage.ts";
import { createFaults, HEARTBEAT_MS } from "./faults.ts";
import { type BotEnd, createKeeper } from "./keeper.ts";
import { readLogLine } from "./log_line.ts";
import type { OfferedModel } from "./models.ts";
import { createNotices } from "./notices.ts";
import { createOutcomes } from "./outcomes.ts";
import type { PreparedConfig } from "./prepare_config.ts";
import { readVitals } from "./vitals.ts";
import { startStage } from "./stage/stage.ts";
import { createVerdictReader } from "./stage/verdicts.ts";

/** What a round plays. */
export interface Plan {
  /** World and config. */
  readonly prepared: Extract<PreparedConfig, { kind: "ready" }>;
  /** Models to choose from. */
  readonly models: readonly OfferedModel[];
  /** The first model. */
  readonly model: OfferedModel;
}

/** Surroundings of a round. */
export interface RoundPorts {
  /** Whether to refuse a request to the page; the reason, or `undefined`. */
  readonly refusalOf: (request: Request) => string | undefined;
  /** Called with an error of the demo itself. */
  readonly onError: (error: unknown) => void;
}

/** A running round. */
export interface Round {
  /** The page; it has no socket of its own. */
  readonly page: Page;
  /** Data directory of the bot. */
  readonly dataDir: string;
  /** Resolves with the bot's last end if restarting does not help. */
  readonly gaveUp: Promise<BotEnd>;
  /** Resolves when the user wants to start over, with the bot's current model. */
  readonly reset: Promise<OfferedModel>;
  /** Resolves when the bot is online, or after a while: then the page shows the problem. */
  online(stop: AbortSignal): Promise<void>;
  /** Ends the bot and the servers, and removes the data. */
  close(): Promise<void>;
}

/** Suggestions on the page: words that the built-in script knows. */
const PROMPTS = ["help", "code", "long", "book", "simulate: slow", "simulate: hang"];

/** Milliseconds to wait for the bot before the page opens without it. */
const START_MS = 20_000;

/** Starts a round. */
export async function startRound(
  { prepared, models, model }: Plan,
  { refusalOf, onError }: RoundPorts,
): Promise<Round> {
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
  const { promise: reset, resolve: onReset } = Promise.withResolvers<OfferedModel>();
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
    onReset,
    onError,
  });
  const page = createPage({ simulator, backstage, prompts: PROMPTS, refusalOf, onError });
  return {
    page,
    dataDir: stage.dataDir,
    gaveUp: keeper.gaveUp,
    reset,
    // The gateway never delivers messages from before the bot's first session.
    online: (stop) =>
      simulator.until(
        () => simulator.connected() > 0 || undefined,
        AbortSignal.any([stop, AbortSignal.timeout(START_MS)]),
      ).then(() => undefined, () => undefined),
    async close() {
      keeper.stop();
      page.close();
      await backstage.close();
      await stage.close();
    },
  };
}
