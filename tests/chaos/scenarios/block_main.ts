/** Blocks the main thread, as a bad regular expression would. */

import { setTimeout as sleep } from "node:timers/promises";
import { scenarioOf } from "../support/scenario.ts";
import { onStand } from "../support/stand.ts";

/**
 * Milliseconds within which Discord's own op 1 must be answered [G2]. The blocked thread would take
 * longer; a busy machine may take one second.
 */
const ASKED_MS = 1_500;

export const scenario = scenarioOf({
  name: "block-main",
  summary:
    "the main thread is blocked: no late heartbeat, op 1 answered, all questions answered afterwards",
  long: { blockedMs: 60_000, heartbeatMs: 15_000, asks: 5 },
  short: { blockedMs: 9_000, heartbeatMs: 3_000, asks: 2 },
  run: ({ seed, blockedMs, heartbeatMs, asks }) =>
    onStand(seed, {
      simulator: { heartbeatIntervalMs: heartbeatMs },
      env: { BARNACLE_FAULT: `block_main:${blockedMs}` },
    }, async (stand) => {
      const { crowd, simulator } = stand;
      const bot = await stand.start();
      crowd.ask();
      await stand.until("the first answer", () => crowd.account().lost.length === 0);

      const { beats, identifies, closes } = simulator.account();
      const before = beats.length;
      const blockedAt = performance.now();
      bot.kill("SIGUSR2");
      for (let ask = 0; ask < asks; ask += 1) {
        await sleep(blockedMs / (asks + 1));
        crowd.ask();
        crowd.chat();
        simulator.faults.gateway.askHeartbeat();
      }
      await stand.until(
        "the questions to be answered",
        () => crowd.account().lost.length === 0,
        blockedMs + 20_000,
      );
      const answeredMs = performance.now() - blockedAt;

      const during = beats.slice(before);
      const asked = during.flatMap(({ askedMs }) => askedMs === undefined ? [] : [askedMs]);
      const slowestMs = Math.max(0, ...asked);
      return {
        bot,
        facts: { blockedMs, beats: during.length, asked: asked.length, slowestAskMs: slowestMs },
        bounds: [
          ["the thread was blocked", answeredMs >= blockedMs],
          ["heartbeats fall due meanwhile", during.length > blockedMs / heartbeatMs - 1],
          ["op 1 is answered each time", asked.length === asks],
          ["op 1 is answered within 1.5 seconds", slowestMs < ASKED_MS],
          ["the connection stays", simulator.account().connections === 1 && closes.length === 0],
          ["1 IDENTIFY", identifies.length === 1],
        ],
      };
    }),
});
