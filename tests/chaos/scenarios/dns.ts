/**
 * Gives the gateway a name that does not resolve, or an address that does not answer.
 *
 * This happens first at the start, then with the address for resuming.
 */

import { setTimeout as sleep } from "node:timers/promises";
import type { Bound } from "../support/report.ts";
import { scenarioOf } from "../support/scenario.ts";
import { onStand } from "../support/stand.ts";

/**
 * `invalid` is kept free of names for ever (RFC 6761), 192.0.2.0/24 free of hosts
 * (RFC 5737): to find that out takes the ten seconds that a connection has [G2].
 */
const ADDRESSES = {
  nameless: "wss://nowhere.invalid",
  closed: "ws://127.0.0.1:1",
  dead: "wss://192.0.2.1",
};

export const scenario = scenarioOf({
  name: "dns",
  summary: "a gateway that cannot be found: stays up, /livez 200, /readyz 503, then recovers",
  long: {
    addresses: 3,
    waitMs: 30_000,
    backoffMaxSec: 60,
    sessionCacheTtlSec: 60,
    patienceMs: 240_000,
  },
  short: { addresses: 2, waitMs: 700, backoffMaxSec: 1, sessionCacheTtlSec: 2, patienceMs: 30_000 },
  run: ({ seed, addresses, waitMs, backoffMaxSec, sessionCacheTtlSec, patienceMs }) =>
    onStand(seed, {
      discord: () => ({
        gateway: { reconnect: { backoffMaxSec, sessionCacheTtlSec, maxRetries: 1_000 } },
      }),
    }, async (stand) => {
      const { crowd, simulator, ask, until } = stand;
      const { gateway } = simulator.faults;
      const good = gateway.address;
      const bounds: Bound[] = [];
      const online = () =>
        until("the bot to be online", () => simulator.connected() === 1, patienceMs);

      const look = async (where: string) => {
        await sleep(waitMs);
        const [livez, readyz] = await Promise.all([ask(bot, "/livez"), ask(bot, "/readyz")]);
        bounds.push(
          [`${where}: /livez is 200`, livez.status === 200],
          [`${where}: /readyz is 503`, readyz.status === 503],
          [`${where}: nothing is connected`, simulator.connected() === 0],
        );
      };

      gateway.address = ADDRESSES.nameless;
      const bot = stand.startBot();
      await stand.line(bot, /"Barnacle is running"/);
      for (const [name, address] of Object.entries(ADDRESSES).slice(0, addresses)) {
        gateway.address = address;
        await look(`${name}, at the start`);
      }

      // REST names the good address, and READY the bad one.
      const unsubscribe = simulator.requests.subscribe(({ route }) => {
        if (route === "/gateway/bot") setTimeout(() => gateway.address = ADDRESSES.nameless, 100);
      });
      gateway.address = good;
      await online();
      unsubscribe();
      crowd.ask();
      await until("the first answer", () => crowd.account().lost.length === 0);
      gateway.address = ADDRESSES.nameless;
      stand.wires.gateway.strike({ kind: "reset" });
      await stand.wires.gateway.welcome({ kind: "refuse" });
      crowd.ask();
      await look("nameless, on the way back");
      gateway.address = good;
      await stand.wires.gateway.welcome({ kind: "pass" });
      await online();
      return { bot, patienceMs, bounds };
    }),
});
