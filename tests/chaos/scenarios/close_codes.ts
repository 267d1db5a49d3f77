/** Ends the connection in every way that Discord may, one after the other, on one bot [G3]. */

import { ended } from "../../support/bot/e2e.ts";
import type { Bound } from "../support/report.ts";
import { scenarioOf } from "../support/scenario.ts";
import { onStand, type Stand } from "../support/stand.ts";

/** Discord's action, and whether the session continues or a new one begins. */
interface Ending {
  readonly name: string;
  readonly strike: (stand: Stand) => void;
  readonly next: "resume" | "identify";
}

const code = (number: number, next: Ending["next"]): Ending => ({
  name: String(number),
  strike: ({ simulator }) => void simulator.faults.gateway.drop(number),
  next,
});

/** The short form plays the first ones. */
const ENDINGS: readonly Ending[] = [
  {
    name: "op 7",
    strike: ({ simulator }) => simulator.faults.gateway.askReconnect(),
    next: "resume",
  },
  code(4000, "resume"),
  code(1001, "resume"),
  code(4007, "identify"),
  {
    name: "op 9 true",
    strike: ({ simulator }) => simulator.faults.gateway.invalidate(true),
    next: "resume",
  },
  {
    name: "op 9 false",
    strike: ({ simulator }) => simulator.faults.gateway.invalidate(false),
    next: "identify",
  },
  {
    name: "1005",
    strike: ({ wires }) => void wires.gateway.strike({ kind: "half_close" }),
    next: "resume",
  },
  {
    name: "1006",
    strike: ({ wires }) => void wires.gateway.strike({ kind: "reset" }),
    next: "resume",
  },
  code(1000, "resume"),
  code(4001, "resume"),
  code(4002, "resume"),
  code(4003, "identify"),
  code(4005, "resume"),
  code(4008, "resume"),
  code(4009, "identify"),
  code(4999, "resume"),
  // The bot continues without the intent, and still receives direct messages and mentions.
  code(4014, "identify"),
];

const FINALS = [4004, 4010, 4011, 4012, 4013];

/** `EX_NOPERM`, because no account is left. */
const FINAL_EXIT = 77;

/** Ten seconds of waiting after 4008, and the five of an IDENTIFY. */
const BACK_MS = 30_000;

export const scenario = scenarioOf({
  name: "close-codes",
  summary: "op 7, op 9 and every close code: resumes, identifies or ends, as Discord's table says",
  long: { endings: ENDINGS.length, finals: FINALS.length },
  short: { endings: 4, finals: 1 },
  run: ({ seed, endings, finals }) =>
    onStand(seed, {
      // So many in a row would count as down, and a bot that is down waits longer.
      discord: () => ({ gateway: { reconnect: { maxRetries: 1_000, backoffMaxSec: 1 } } }),
    }, async (stand) => {
      const { crowd, simulator, until } = stand;
      const account = simulator.account();
      const bounds: Bound[] = [];
      const count = () => ({
        resume: account.resumes.filter(({ outcome }) => outcome === "resumed").length,
        identify: account.identifies.length,
      });

      let bot = await stand.start();
      crowd.ask();
      await until("the first answer", () => crowd.account().lost.length === 0);
      for (const { name, strike, next } of ENDINGS.slice(0, endings)) {
        const before = { ...count(), connections: account.connections };
        strike(stand);
        crowd.ask();
        await until(
          `the bot to be back after ${name}`,
          () => account.connections > before.connections && crowd.account().lost.length === 0,
          BACK_MS,
        );
        const after = count();
        const other = next === "resume" ? "identify" : "resume";
        bounds.push([
          `${name}: ${next}`,
          after[next] === before[next] + 1 && after[other] === before[other],
        ]);
      }

      for (const final of FINALS.slice(0, finals)) {
        const spent = count().identify;
        simulator.faults.gateway.drop(final);
        const { code: exit } = await ended(bot);
        bounds.push(
          [`${final}: exit ${FINAL_EXIT}`, exit === FINAL_EXIT],
          [`${final}: it is final`, count().identify === spent],
          [`${final}: says what to do`, bot.lines.some((line) => line.includes(`${final}`))],
        );
        crowd.ask();
        bot = await stand.start();
        await until("messages sent meanwhile", () => crowd.account().lost.length === 0);
      }
      return { bot, bounds };
    }),
});
