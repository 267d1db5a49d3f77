/**
 * Tests messages from a time without a session: they are answered afterwards, once, in order, and
 * within the limits.
 */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { SimulatedProcess } from "../../../src/features/demo/simulation/simulation.ts";
import type { Simulator } from "../../../simulator/simulator.ts";
import type { Owed } from "../../support/bot/account.ts";
import { ended, killBot, KILLED, type Scene, withSimulation } from "../../support/bot/e2e.ts";
import { IS_LONG } from "../../support/long_form.ts";
import { judge, passSpacing, settleIn } from "../../support/bot/survival.ts";

/** Two IDENTIFYs within five seconds, and more than five messages. */
const QUICK = { identifyLimit: { spacingMs: 0 }, rateLimits: false } as const;

/** Begins a session, long enough ago for another process to begin one at once. */
async function settle(scene: Scene): Promise<void> {
  await settleIn(scene);
  passSpacing(scene);
}

/** Starts a bot that knows its guilds. It begins its next session five seconds after this one. */
async function present({ start, say, mention, replies }: Scene): Promise<SimulatedProcess> {
  const bot = await start();
  say("grace", "help", `${mention} are you there?`);
  await replies("help", 1);
  return bot;
}

const THREAD = "How do I feed krill?";

const CAUGHT_UP = /Caught up on missed messages/;

/** Loses the session, and runs `say` while no session exists. */
async function away({ simulator, until }: Scene, say: () => void): Promise<void> {
  const { gateway } = simulator.faults;
  gateway.welcome = "reset";
  gateway.drop(4009); // Discord's "session timed out"
  await until("the bot to be away", () => simulator.connected() === 0);
  gateway.forgetSessions();
  say();
  gateway.welcome = "accept";
}

/** Asks a number of questions in a channel, and returns the expected replies. */
function asked({ say, mention }: Scene, channel: string, name: string, count = 3): Owed {
  const pieces = Array.from({ length: count }, (_, index) => `${name}${index + 1}.`);
  for (const piece of pieces) say("grace", channel, `${mention} ${piece}`);
  return { channel, pieces };
}

const krillOf = ({ world }: Simulator) => {
  const [krill] = world.guilds.values();
  assert.ok(krill);
  return krill;
};

function historyOf({ simulator }: Scene, name: string): number {
  const { id } = simulator.channel(name);
  return simulator.requests.records().filter(({ method, path }) =>
    method === "GET" && path.includes(`/channels/${id}/messages`)
  ).length;
}

const gaps = ({ rows }: Scene) =>
  rows("SELECT catch_up_from FROM gateway_session WHERE catch_up_from IS NOT NULL").length;

describe("[G6] [G7] a lost session", () => {
  it("loses no message of a channel, a thread or a direct message, and answers none twice", () =>
    withSimulation({ simulator: QUICK }, async (scene) => {
      const { say, until, written, replies, line } = scene;
      const bot = await present(scene);
      say("ada", "dm", "are you there?");
      await replies("dm", 1, "ada");
      const owed: Owed[] = [];
      await away(scene, () => {
        owed.push(...["general", THREAD, "off-topic"].map((one) => asked(scene, one, "missed")));
        say("ada", "dm", "direct1.");
        say("edsger", "Elsewhere/#lounge", `${scene.mention} not listed`);
      });
      await line(bot, CAUGHT_UP);
      await until("the direct answer", () => written("dm", "ada").length === 2);
      assert.match(written("dm", "ada")[1] ?? "", /direct1\./);
      assert.equal(historyOf(scene, "Elsewhere/#lounge"), 0, "nobody is answered there");
      await judge(scene, bot, owed);
      assert.equal(written("dm", "ada").length, 2);
      assert.deepEqual(written("Elsewhere/#lounge"), []);
      assert.equal(gaps(scene), 0);
    }));

  it("[P14] asks for roles, which a channel's history lacks", () =>
    withSimulation({
      simulator: QUICK,
      discord: (simulator) => ({
        guilds: { [krillOf(simulator).id]: { users: ["role:helpers"] } },
      }),
    }, async (scene) => {
      const { mention, say } = scene;
      const bot = await present(scene);
      const owed: Owed[] = [];
      await away(scene, () => {
        owed.push(asked(scene, "general", "helper"));
        say("ada", "general", `${mention} no helper`);
      });
      await judge(scene, bot, owed);
    }));
});

describe("[G6] a gap stays open", () => {
  /** The first T1 comes before T0: it marks the guilds that READY made outdated. */
  const points: readonly (readonly [point: string, identifies: number])[] = [
    ["after:T1", 3],
    ["after:T0", 2],
    ...(IS_LONG ? [["after:T1:2", 2], ["before:T1:3", 2]] as const : []),
  ];
  for (const [point, identifies] of points) {
    it(`across a process that dies at ${point}`, () =>
      withSimulation({ simulator: QUICK }, async (scene) => {
        const { start, startBot, simulator, line } = scene;
        await settle(scene);
        simulator.faults.gateway.forgetSessions();
        const owed = ["general", THREAD].map((one) => asked(scene, one, "missed"));
        assert.deepEqual(await ended(startBot({ BARNACLE_CRASH_AT: point })), KILLED);
        passSpacing(scene);
        const next = await start();
        await line(next, CAUGHT_UP);
        await judge(scene, next, owed);
        assert.equal(simulator.account().identifies.length, identifies);
        assert.equal(gaps(scene), 0);
      }));
  }

  it("across a process that dies while reading; the next one reads before it answers", () =>
    withSimulation({ simulator: QUICK }, async (scene) => {
      const { eventually, line, rows, simulator, start, until } = scene;
      const bot = await present(scene);
      const slow = simulator.faults.rest.add({
        method: "GET",
        route: "/channels/:id/messages",
        fault: { kind: "delay", ms: 2_000 },
      });
      let missed: Owed = { channel: "general", pieces: [] };
      await away(scene, () => void (missed = asked(scene, "general", "missed")));
      await until("a history to be asked for", () => slow.hits() > 0);
      const live = asked(scene, "general", "live", 2);
      const waiting = "SELECT id FROM inbox WHERE state = 'waiting'";
      await eventually("them to be stored", () => Promise.resolve(rows(waiting).length >= 2));
      await killBot(bot);
      passSpacing(scene);
      const next = await start();
      await line(next, CAUGHT_UP);
      slow.remove();
      const pieces = [...missed.pieces, ...live.pieces];
      await judge(scene, next, [{ channel: "general", pieces }]);
    }));
});
