/**
 * Crashes the bot right after each start, without a session to resume, through a day of IDENTIFYs.
 *
 * A real process shows the last of them, on a store with the earlier ones already counted. The
 * whole day runs on the store alone, with its own clock, and the simulator's count judges it.
 */

import { RESERVE } from "../../../src/core/discord/identify_budget.ts";
import type { SimulatedProcess } from "../../../src/extras/demo/simulation/simulation.ts";
import { sessionStartLimit, spendIdentify } from "../../../simulator/gateway/identify_limit.ts";
import { ACCOUNT } from "../../support/discord/builders.ts";
import { ended } from "../../support/bot/e2e.ts";
import { openTestStore } from "../../support/store/store.ts";
import type { Bound } from "../support/report.ts";
import { scenarioOf } from "../support/scenario.ts";
import { onStand, type Stand } from "../support/stand.ts";

const TOTAL = 1_000;
const MOST = TOTAL - RESERVE;
const HOUR_MS = 60 * 60 * 1_000;
/** Age of the stored IDENTIFYs, which began one a second: they expire in half a day. */
const SPENT_SINCE_MS = 12 * HOUR_MS;

export const scenario = scenarioOf({
  name: "crashloop",
  summary: "crashes that cost a session each: never more than 950 IDENTIFYs in 24 h, and says so",
  long: { spent: 940, starts: 14, hours: 48, periodSec: 5 },
  short: { spent: 949, starts: 3, hours: 30, periodSec: 60 },
  run: ({ seed, spent, starts, hours, periodSec }) =>
    onStand(seed, {
      discord: () => ({ gateway: { reconnect: { backoffMaxSec: 1 } } }),
    }, async (stand) => {
      const { simulator, crowd } = stand;
      const first = await stand.start();
      crowd.ask();
      await stand.until("the first answer", () => crowd.account().lost.length === 0);
      await stand.stop(first);
      spend(stand, spent);

      const bounds: Bound[] = [];
      let helds = 0;
      for (let start = 0; start < starts; start += 1) {
        simulator.faults.gateway.forgetSessions();
        crowd.ask();
        const bot = stand.startBot();
        const became = await Promise.race([online(stand), held(stand, bot)]);
        if (became === "held") {
          helds += 1;
          if (helds === 1) bounds.push(...await whatIsSaid(stand, bot));
        }
        bot.kill("SIGKILL");
        await ended(bot);
        await stand.until("the closed connection", () => simulator.connected() === 0);
      }
      const sent = simulator.account().identifies.length;

      // As if the day were over, on both sides. The newest stays: a new one must wait for it, too.
      stand.sabotage("DELETE FROM identify WHERE at < (SELECT MAX(at) FROM identify)");
      simulator.account().identifies.length = 0;
      const bot = stand.startBot();
      await stand.until("the bot to be online again", () => simulator.connected() === 1);

      const day = await playDays(hours, periodSec);
      return {
        bot,
        patienceMs: 30_000,
        facts: { sent, helds, granted: day.granted, mostInADay: day.most },
        bounds: [
          ...bounds,
          [`never more than ${MOST} are sent`, sent === MOST],
          ["it holds, once they are", helds >= starts - (MOST - spent)],
          [`a simulated day has as many as it may, up to ${MOST}`, day.most === mostOf(periodSec)],
          ["Discord refuses none of them", day.isTakenByDiscord],
        ],
      };
    }),
});

/**
 * A crash every few seconds requests that many IDENTIFYs a day, and gets no more than the limit.
 */
function mostOf(periodSec: number): number {
  return Math.min(MOST, Math.ceil(24 * 3_600 / periodSec));
}

/** Adds today's IDENTIFYs to the store and to Discord. */
function spend({ sabotage, simulator }: Stand, spent: number): void {
  const from = Date.now() - SPENT_SINCE_MS;
  const { identifies } = simulator.account();
  const missing = spent - identifies.length;
  const times = Array.from({ length: missing }, (_, index) => from + index * 1_000);
  identifies.unshift(...times);
  const rows = times.map((at) => `('default', 0, ${at})`).join(", ");
  sabotage(`INSERT INTO identify (account_id, shard_id, at) VALUES ${rows}`);
}

async function online({ until, simulator }: Stand): Promise<"online"> {
  return await until("an IDENTIFY", () => simulator.connected() === 1 && "online");
}

async function held(stand: Stand, bot: SimulatedProcess): Promise<"held"> {
  await stand.eventually("the bot to hold back", async () => {
    try {
      return (await stand.status(bot)).snapshot.accounts[0]?.identify?.heldUntil !== undefined;
    } catch {
      return false; // it has ended, or does not listen yet
    }
  });
  return "held";
}

/** The log line with the reason, in either form. */
const SAID = /"level":"(?:warn|error)".*(?:Daily IDENTIFY limit|Few IDENTIFYs)/;

/** The operator must find the reason in each of these outputs. */
async function whatIsSaid(stand: Stand, bot: SimulatedProcess): Promise<readonly Bound[]> {
  const { ask, line, command, dataDir } = stand;
  const readyz = await ask(bot, "/readyz?verbose");
  const readyzText = await readyz.text();
  const health = await (await ask(bot, "/healthz")).text();
  const livez = await ask(bot, "/livez");
  const status = await command(["status", "--data", dataDir, "--config", stand.configFile]);
  const logged = await line(bot, SAID).then(() => true, () => false);
  return [
    ["/livez is 200", livez.status === 200],
    ["/readyz is 503", readyz.status === 503],
    ["/readyz says why", /identify/i.test(readyzText)],
    ["/healthz says why", /identifyBudget/.test(health)],
    ["status says why", /identify/i.test(status.stdout.join("\n"))],
    ["the log says why", logged],
  ];
}

/** Requests an IDENTIFY from the store after each crash, for days. */
async function playDays(hours: number, periodSec: number): Promise<{
  readonly granted: number;
  /** The maximum in any 24 hours. */
  readonly most: number;
  readonly isTakenByDiscord: boolean;
}> {
  const { store } = openTestStore();
  const judge = { identifies: [] as number[], lastIdentifyAt: new Map(), earlyIdentifies: 0 };
  const limits = { total: TOTAL, maxConcurrency: 1, spacingMs: 5_000 };
  const from = Date.UTC(2026, 0, 1);
  let isTakenByDiscord = true;
  for (let sec = 0; sec < hours * 3_600; sec += periodSec) {
    const now = from + sec * 1_000;
    const said = sessionStartLimit(judge, limits, now);
    await store.gateway.saveGateway(ACCOUNT, {
      url: "wss://gateway.invalid",
      shards: 1,
      limit: {
        total: TOTAL,
        remaining: said["remaining"] ?? 0,
        resetAfterMs: said["reset_after"] ?? 0,
        maxConcurrency: 1,
        readAt: now,
      },
    }, now);
    if ((await store.gateway.takeIdentify(ACCOUNT, 0, now)).kind !== "granted") continue;
    isTakenByDiscord &&= spendIdentify(judge, limits, 0, now) === "spent";
  }
  store.close();
  const { identifies } = judge;
  let oldest = 0;
  const inADay = identifies.map((at, index) => {
    while ((identifies[oldest] ?? at) <= at - 24 * HOUR_MS) oldest += 1;
    return index - oldest + 1;
  });
  return { granted: identifies.length, most: Math.max(...inADay), isTakenByDiscord };
}
