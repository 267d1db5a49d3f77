/** Lets Discord refuse every connection: 429 for the gateway's address, then op 9 and closes. */

import { scenarioOf } from "../support/scenario.ts";
import { onStand } from "../support/stand.ts";

/** Close codes after an IDENTIFY that allow another try. */
const CODES = [4000, 4008, 4001, 4002];

export const scenario = scenarioOf({
  name: "identify-storm",
  summary: "429 on /gateway/bot, op 9 and closes on IDENTIFY: each is waited for, none comes early",
  long: { limited: 20, invalid: 10, closed: 10, refusedResumes: 5 },
  short: { limited: 3, invalid: 1, closed: 1, refusedResumes: 1 },
  run: ({ seed, limited, invalid, closed, refusedResumes }) =>
    onStand(seed, {
      discord: () => ({ gateway: { reconnect: { backoffMaxSec: 1 } } }),
    }, async (stand) => {
      const { crowd, simulator, until, seeded } = stand;
      const { gateway, rest } = simulator.faults;
      const RETRY_SEC = 0.5;
      const limit = rest.add({
        route: "/gateway/bot",
        times: limited,
        fault: { kind: "rate_limit", retryAfterSec: RETRY_SEC, scope: "user" },
      });
      gateway.invalidIdentifies = invalid;
      gateway.closeOnIdentify.push(
        ...Array.from({ length: closed }, (_, turn) => CODES[turn % CODES.length] ?? 4000),
      );
      const patienceMs = 20_000 + (invalid + closed) * 12_000 + limited * 5_000;
      const bot = stand.startBot();
      await until("the bot to be online", () => simulator.connected() === 1, patienceMs);
      const spent = simulator.account().identifies.length;

      crowd.ask();
      await until("the first answer", () => crowd.account().lost.length === 0);
      gateway.invalidResumes.push(...Array.from({ length: refusedResumes }, () => true));
      gateway.drop("reset");
      await until(
        "the session to be resumed or begun anew",
        () => gateway.invalidResumes.length === 0 && simulator.connected() === 1,
        patienceMs + refusedResumes * 12_000,
      );
      crowd.ask();
      for (let more = 0; more < 3; more += 1) if (seeded.random() < 0.5) crowd.ask();

      const asked = simulator.requests.records().filter(({ route }) => route === "/gateway/bot");
      const gaps = asked.slice(1).map(({ at }, index) => at - (asked[index]?.at ?? at));
      return {
        bot,
        patienceMs: 30_000,
        facts: { limited: limit.hits(), spent },
        bounds: [
          ["every 429 was met", limit.hits() === limited],
          ["none is asked before its time", gaps.every((gap) => gap >= RETRY_SEC * 1_000 - 20)],
          ["one IDENTIFY for each refusal, and one", spent === invalid + closed + 1],
        ],
      };
    }),
});
