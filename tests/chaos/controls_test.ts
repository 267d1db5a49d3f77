/**
 * Negative controls: weakened designs that lose messages, and a judge that must report it.
 *
 * A check that cannot turn red proves nothing when it is green.
 */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { playGap, type Weakness } from "./scenarios/gap.ts";
import { scenario as restarts } from "./scenarios/restarts.ts";
import { ended, KILLED } from "../support/bot/e2e.ts";
import { crashPoints } from "../support/long_form.ts";
import { lineOf, type Report, SEED } from "./support/report.ts";
import { onStand } from "./support/stand.ts";

/** Milliseconds: enough for any answer that comes, and short for answers that never come. */
const PATIENCE_MS = 2_000;

/** The bounds that a weakness must break, among all broken ones. */
function assertRed(report: Report, ...bounds: readonly string[]): void {
  console.log(`control: ${lineOf(report)}`);
  for (const bound of bounds) assert.ok(report.breaches.includes(bound), lineOf(report));
}

const LOST = "nothing is lost";

describe("[G5] [G6] negative controls lose messages, as they must", () => {
  const gaps = crashPoints<readonly [string, Weakness]>([
    ["no catch-up", { gateway: { catchUp: { enabled: false } } }],
  ], [
    ["catch-up flag only in memory", {
      afterKill: ({ sabotage }) =>
        sabotage("UPDATE gateway_session SET catch_up_from = NULL, lost_at = NULL"),
    }],
  ]);
  for (const [name, weakness] of gaps) {
    it(name, async () => {
      const parameters = { seed: SEED, questions: 4 };
      assertRed(await playGap(parameters, { ...weakness, patienceMs: PATIENCE_MS }), LOST);
    });
  }

  it("seq committed before the inbox", async () => {
    const report = await onStand(SEED, {}, async (stand) => {
      const { crowd, simulator, until, sabotage } = stand;
      const first = await stand.start();
      crowd.ask("general");
      await until("the first answer", () => crowd.account().lost.length === 0);
      await stand.stop(first);
      const dying = stand.startBot({ BARNACLE_CRASH_AT: "before:T1" });
      await until("the bot to be online", () => simulator.connected() === 1);
      crowd.ask("general");
      assert.deepEqual(await ended(dying), KILLED);
      await until("the closed connection", () => simulator.connected() === 0);
      const [session] = simulator.sessions();
      assert.ok(session);
      sabotage(`UPDATE gateway_session SET seq = ${session.seq}`);
      return { bot: await stand.start(), patienceMs: PATIENCE_MS };
    });
    assertRed(report, LOST);
  });

  it("close with 1000", async () => {
    const report = await restarts.run({
      seed: SEED,
      graceful: 2,
      killed: 0,
      sessionsEndOnClose: 1,
    });
    assertRed(report, "at least 99 % of restarts RESUME", "at most 2 IDENTIFY");
  });
});
