/**
 * Fails the power at any moment (row 3 of reliability 4.2).
 *
 * The first part is a computation: it rebuilds the disk as of many moments of one run, once without
 * any unsynced data and once with a random half of it, and compares the store that SQLite recovers
 * with Discord's knowledge at that moment. In the second part, the bot really continues from such a
 * disk.
 */

import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { seeded } from "../../support/seeded.ts";
import {
  checkpointsIn,
  controlsOf,
  cutAt,
  type CutReport,
  momentsOf,
  record,
  someOf,
} from "../powercut/cuts.ts";
import { restartAfterCuts } from "../powercut/restarts.ts";
import { STRACE } from "../powercut/syscall_log.ts";
import { type Bound, reportOf } from "../support/report.ts";
import { scenarioOf } from "../support/scenario.ts";

/** A control has to find something, not everything. */
const CONTROL_EVERY = 4;

/** The missing requirement; `undefined` if the scenario can run. */
export function missingForPowerCuts(): string | undefined {
  if (!existsSync(STRACE)) return `power cuts: no ${STRACE}`;
  const { status } = spawnSync(STRACE, ["-f", "-o", "/dev/null", "/bin/true"]);
  return status === 0 ? undefined : `power cuts: ${STRACE} may not watch a process here`;
}

export const scenario = scenarioOf({
  name: "powercut",
  summary:
    "the power fails at any moment (points 0: at all of them), and nothing is lost or doubled",
  long: { talks: 200, points: 0, restarts: 40 },
  short: { talks: 60, points: 200, restarts: 8 },
  async run({ seed, talks, points, restarts }) {
    const missing = missingForPowerCuts();
    if (missing !== undefined) throw new Error(missing);
    const dice = seeded(seed);
    const recording = await record(dice, talks);
    const moments = momentsOf(recording, points);
    const dropped = cutAt(recording, moments);
    const half = cutAt(recording, moments, { random: dice.random });
    const controls = Object.entries(controlsOf(recording)).map(([name, variant]) =>
      [name, cutAt(recording, someOf(moments, CONTROL_EVERY), variant)] as const
    );
    const { account, notebook, longCuts, unanswered } = await restartAfterCuts(dice, restarts);
    const { log, wire, questions } = recording;
    return reportOf(seed, account, notebook, {
      facts: {
        restarts,
        longCuts,
        ...(unanswered !== "" && { unanswered }),
        questions: questions.length,
        posts: wire.posts.length,
        beats: wire.beats.length,
        syncs: log.filter(({ kind }) => kind === "sync").length,
        checkpoints: checkpointsIn(recording),
        cuts: moments.size,
        holes: dropped.holes,
        dropped: inWords(dropped),
        half: inWords(half),
        ...Object.fromEntries(controls.map(([name, found]) => [`"${name}"`, inWords(found)])),
      },
      bounds: [
        ["a cut that drops all unsynced data costs nothing", dropped.spoilt === 0],
        ["a cut that keeps half of it costs nothing", half.spoilt === 0],
        ...controls.map(([name, { spoilt }]): Bound => [`"${name}" is found out`, spoilt > 0]),
        ["a request had left before the last cut", wire.posts.length > 0],
        ["a heartbeat had told a number", wire.beats.length > 0],
        ["a cut undid an acknowledged event", dropped.holes > 0],
        [
          "only a long cut or a hole ends a session",
          notebook.identifies.length <= 1 + longCuts + restarts,
        ],
      ],
    });
  },
});

/** `0 of 200 spoilt (kept 2471, replayed 1237, missed 4053)`, and the first problem of each kind. */
function inWords({ spoilt, cuts, kept, replayed, missed, problems }: CutReport): string {
  const found = [...problems.values()].map(({ count, first }) => `${count} × ${first}`);
  const share =
    `${spoilt} of ${cuts} spoilt (kept ${kept}, replayed ${replayed}, missed ${missed})`;
  return [share, ...found].join("; ");
}
