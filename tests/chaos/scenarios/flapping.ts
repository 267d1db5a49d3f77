/** Breaks the connection again and again, each time in another way. */

import { setTimeout as sleep } from "node:timers/promises";
import { scenarioOf } from "../support/scenario.ts";
import { onStand } from "../support/stand.ts";
import type { Trouble } from "../support/tcp_proxy.ts";

/** Milliseconds of a heartbeat interval: a dead connection is found within one. */
const HEARTBEAT_MS = 1_500;

/** Share of the cuts that come after a full recovery. */
const SETTLED = 0.8;

export const scenario = scenarioOf({
  name: "flapping",
  summary: "random cuts of the gateway's line: it resumes, and nothing is lost",
  long: { cuts: 200, mostMs: 3_000 },
  short: { cuts: 8, mostMs: 300 },
  run: ({ seed, cuts, mostMs }) =>
    onStand(seed, {
      // A blackhole shorter than two intervals does not cost the session.
      simulator: { heartbeatIntervalMs: HEARTBEAT_MS },
      // Otherwise the bot counts as down after ten cuts, and waits longer.
      discord: () => ({ gateway: { reconnect: { backoffMaxSec: 2, maxRetries: 1_000 } } }),
    }, async (stand) => {
      const { crowd, seeded, wires: { gateway }, until, simulator } = stand;
      const bot = await stand.start();
      crowd.ask();
      await until("the first answer", () => crowd.account().lost.length === 0);

      const troubles: readonly (() => Trouble)[] = [
        () => ({ kind: "reset" }),
        () => ({ kind: "half_close" }),
        () => ({ kind: "cut", afterBytes: seeded.upTo(2_000) }),
        () => ({ kind: "garbage" }),
        () => ({ kind: "blackhole" }),
        () => ({ kind: "delay", ms: seeded.upTo(200) }),
      ];
      for (let cut = 0; cut < cuts; cut += 1) {
        const trouble = seeded.pick(troubles)();
        await gateway.welcome(seeded.random() < 0.5 ? { kind: "refuse" } : { kind: "pass" });
        gateway.strike(trouble);
        crowd.ask();
        await sleep(seeded.upTo(mostMs));
        crowd.chat();
        await gateway.welcome({ kind: "pass" });
        gateway.strike({ kind: seeded.random() < 0.5 ? "reset" : "pass" });
        await until("the bot to be online again", () => simulator.connected() === 1, 30_000);
        // Otherwise the next cut comes during a RESUME, which three times in a row ends the
        // session.
        if (seeded.random() < SETTLED) {
          await until("all answers", () => crowd.account().lost.length === 0, 30_000);
        }
      }

      const { resumes, identifies } = simulator.account();
      return {
        bot,
        patienceMs: 30_000,
        facts: { cuts, accepted: gateway.accepted() },
        bounds: [
          // Three RESUMEs in a row that are cut end the session [G5a].
          ["hardly an IDENTIFY", identifies.length <= 1 + cuts / 20],
          ["no RESUME fails", resumes.every(({ outcome }) => outcome === "resumed")],
        ],
      };
    }),
});
