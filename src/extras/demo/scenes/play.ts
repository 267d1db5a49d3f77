/**
 * Plays scenes, each with its own Discord, model and bot, and reports the results. `barnacle demo
 * --script` plays all of them.
 *
 * A scene fails on every error, and also if it asserts nothing: a scene that cannot fail proves
 * nothing.
 */

import { setTimeout as sleep } from "node:timers/promises";
import { FIGURES_MS } from "../../../http/monitor/store_health.ts";
import type { OwnCommand } from "../../../host/process/own_process.ts";
import {
  demoConfig,
  type SimulatedProcess,
  type Simulation,
  startSimulation,
} from "../simulation/simulation.ts";
import { readBotStatus } from "../simulation/bot_status.ts";
import { createVerdictReader, type VerdictReader } from "../simulation/outcomes.ts";
import type { RecordedVerdict } from "../../../store/messages/message_record.ts";
import { EXIT, type ExitCode } from "../../../cli/shared/exit_code.ts";
import type { Io } from "../../../cli/terminal/io.ts";
import type { Scene, SceneSet } from "./scene.ts";
import { ADMISSION } from "./admission.ts";
import { AGENT } from "./agent.ts";
import { AGENT_SCENES } from "./agents.ts";
import { CONNECTION, FAILURES } from "./connection.ts";
import { DELIVERY } from "./delivery.ts";
import { ACTION_SCENES } from "./actions.ts";
import { DASHBOARD_SCENES } from "./dashboard.ts";
import { VOICE_SCENES } from "./voice.ts";

/** Result of a scene, as printed by `demo --script --json`. */
interface SceneReport {
  readonly scene: string;
  readonly ok: boolean;
  /** Milliseconds from the first connection to the end. */
  readonly ms: number;
  /** Claims that held, in order. */
  readonly asserted: readonly string[];
  /** The error, if the scene failed. */
  readonly failure?: string;
  /** The bots' last lines, if the scene failed. */
  readonly log?: readonly string[];
}

export interface PlayOptions {
  /** The program to play with; this program if absent. */
  readonly command?: OwnCommand;
  /** Time limit of a scene in milliseconds; {@link SCENE_MS} if absent. */
  readonly timeoutMs?: number;
  /** Aborts the scene. */
  readonly signal?: AbortSignal;
}

/** Milliseconds: many times the longest scene, for slow machines. */
const SCENE_MS = 30_000;

const LOG_LINES = 20;

/** Milliseconds between two looks at the bot's status. */
const LOOK_EVERY_MS = 50;

/** Plays a scene; never throws. */
export async function playScene(scene: Scene, options: PlayOptions = {}): Promise<SceneReport> {
  const { command, timeoutMs = SCENE_MS } = options;
  const outer = options.signal ? [options.signal] : [];
  const asserted: string[] = [];
  const log: string[] = [];
  let startedAt = performance.now();
  let failure: string | undefined;
  try {
    const simulation = await startSimulation({
      config: () => scene.config ?? demoConfig(),
      onLine: (line) => log.push(line),
      command,
      simulator: scene.simulator,
    });
    const verdicts = createVerdictReader(simulation.dataDir);
    try {
      const signal = AbortSignal.any([AbortSignal.timeout(timeoutMs), ...outer]);
      const bot = simulation.startBot(scene.env);
      const set = createSet(simulation, bot, verdicts, signal, asserted);
      await set.until("the bot to be online", () => isOnline(simulation));
      startedAt = performance.now();
      await scene.play(set);
    } finally {
      verdicts.close();
      await simulation.close();
    }
  } catch (error) {
    failure = error instanceof Error ? error.message : String(error);
  }
  if (failure === undefined && asserted.length === 0) failure = "the scene asserted nothing";
  return {
    scene: scene.name,
    ok: failure === undefined,
    ms: Math.round(performance.now() - startedAt),
    asserted,
    ...(failure !== undefined && { failure, log: log.slice(-LOG_LINES) }),
  };
}

function createSet(
  simulation: Simulation,
  bot: SimulatedProcess,
  verdicts: VerdictReader,
  signal: AbortSignal,
  asserted: string[],
): SceneSet {
  const { simulator } = simulation;
  const known = new Map<string, RecordedVerdict>();

  async function until<Value>(what: string, check: () => Value | undefined): Promise<Value> {
    try {
      return await simulator.until(check, signal);
    } catch (error) {
      if (!signal.aborted) throw error;
      throw new Error(`timed out waiting for ${what}`, { cause: error });
    }
  }

  const replies: SceneSet["replies"] = (where) =>
    simulator.posted(where).map(({ content }) => content);

  return {
    simulation,
    bot,
    signal,
    until,
    replies,
    say: (as, where, text) => simulator.say({ as, in: where, text }),
    ask: (as, where, text) =>
      simulator.say({ as, in: where, text: `<@${simulator.application.userId}> ${text}` }),
    untilReplies: (count, where) =>
      until(`${count} of the bot's messages in ${where ?? "any channel"}`, () => {
        const texts = replies(where);
        return texts.length >= count ? texts : undefined;
      }),
    async untilDelivered() {
      await sleep(FIGURES_MS, undefined, { signal }); // older figures may lack the newest answer
      while ((await readBotStatus(simulation.dataDir))?.unsent !== 0) {
        await sleep(LOOK_EVERY_MS, undefined, { signal });
      }
    },
    async verdictOn({ id }) {
      for (;;) {
        for (const decision of await verdicts.next()) known.set(decision.messageId, decision);
        const decision = known.get(id);
        if (decision) return decision;
        let looks = 0; // the store sends no events: read again a little later
        await until("a recorded verdict", () => ++looks > 1 || undefined);
      }
    },
    assert(claim, isTrue, seen) {
      if (!isTrue) {
        throw new Error(
          seen === undefined ? `not true: ${claim}` : `not true: ${claim}; ${JSON.stringify(seen)}`,
        );
      }
      asserted.push(claim);
    },
  };
}

/** The bot has a session, so messages reach it from now on. */
function isOnline({ simulator }: Simulation): true | undefined {
  return simulator.connected() > 0 || undefined;
}

export interface ScriptOptions extends PlayOptions {
  /** Scenes to play; all if absent. */
  readonly scenes?: readonly Scene[];
  /** Whether to print a line of JSON per scene. */
  readonly json: boolean;
}

/** Plays all scenes, even after a failure; exits with 0 only if all of them pass. */
export async function playScript(options: ScriptOptions, io: Io): Promise<ExitCode> {
  const { scenes = SCENES, json, ...playOptions } = options;
  const startedAt = performance.now();
  let played = 0;
  let failed = 0;
  for (const scene of scenes) {
    if (options.signal?.aborted) break;
    const report = await playScene(scene, playOptions);
    if (options.signal?.aborted && !report.ok) break; // aborted, which is no failure of the bot
    played += 1;
    if (!report.ok) failed += 1;
    if (json) io.out(JSON.stringify(report));
    else for (const line of linesOf(report)) io.out(line);
  }
  const seconds = ((performance.now() - startedAt) / 1_000).toFixed(1);
  const left = scenes.length - played;
  if (!json) {
    const unplayed = left > 0 ? `, ${left} not played` : "";
    io.out(`${played - failed} ok, ${failed} FAILED${unplayed}, ${seconds} s`);
  }
  const isGood = failed === 0 && left === 0 && played > 0;
  return isGood ? EXIT.done : EXIT.failed;
}

function linesOf({ scene, ok, ms, asserted, failure, log = [] }: SceneReport): readonly string[] {
  return [
    `${ok ? "ok    " : "FAILED"} ${String(ms).padStart(6)} ms  ${scene}`,
    ...asserted.map((claim) => `${" ".repeat(18)}- ${claim}`),
    ...(failure === undefined ? [] : [`${" ".repeat(18)}! ${failure}`]),
    ...log.map((line) => `${" ".repeat(18)}| ${line}`),
  ];
}

export const SCENES: readonly Scene[] = [
  ...ADMISSION,
  ...DELIVERY,
  ...CONNECTION,
  ...FAILURES,
  ...AGENT,
  ...ACTION_SCENES,
  ...AGENT_SCENES,
  ...DASHBOARD_SCENES,
  ...VOICE_SCENES,
];
