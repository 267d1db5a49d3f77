/**
 * `barnacle demo --script`: plays all scenes, one after the other, and prints the results.
 *
 * @module
 */

import { EXIT, type ExitCode } from "../../shared/exit_code.ts";
import type { Io } from "../../terminal/io.ts";
import { type PlayOptions, playScene, type SceneReport } from "./play.ts";
import type { Scene } from "./scene.ts";
import { SCENES } from "./scenes.ts";

/** Settings for all scenes. */
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
