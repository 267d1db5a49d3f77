/**
 * Tests the crash table: the process dies at each of its points, and is started again.
 *
 * A real SIGKILL ends a real process. In the end Discord has one reply for each question, in order.
 * `flows/crash_model_test.ts` plays all points within one process; the long form of this file
 * (`deno task chaos -- long`) plays each point with each kind of work.
 */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { demoWorld } from "../../../simulator/actions/demo_world.ts";
import { addChannel } from "../../../simulator/world/create_world.ts";
import { type Owed } from "../../support/bot/account.ts";
import { ended, KILLED, PATIENCE_MS, type Scene, withSimulation } from "../../support/bot/e2e.ts";
import { allStored, gone, judge, passSpacing, settleIn } from "../../support/bot/survival.ts";
import { IS_LONG } from "../../support/long_form.ts";

/** Short enough that the repeated words need two messages. */
const CHUNK = 160;
const PADDING = "krill ".repeat(15).trim();
const CHANNELS = ["general", "off-topic"] as const;

interface Work {
  readonly name: string;
  /** Sends the messages, and returns the expected replies; by default in #general and #off-topic. */
  readonly ask: (scene: Scene, channels?: readonly [string, string]) => readonly Owed[];
}

const one: Work = {
  name: "one message",
  ask({ say, mention }, [channel] = CHANNELS) {
    say("grace", channel, `${mention} q1`);
    return [{ channel, pieces: ["q1"] }];
  },
};

const twoChunks: Work = {
  name: "a reply of two messages",
  ask({ say, mention }, [channel] = CHANNELS) {
    say("grace", channel, `${mention} q1a ${PADDING}\nq1b ${PADDING}`);
    return [{ channel, pieces: ["q1a", "q1b"] }];
  },
};

const twoChannels: Work = {
  name: "five messages in two channels",
  ask({ say, mention }, [channel, other] = CHANNELS) {
    for (const number of [1, 2, 3]) say("grace", channel, `${mention} q${number}`);
    for (const number of [4, 5]) say("ada", other, `${mention} q${number}`);
    return [{ channel, pieces: ["q1", "q2", "q3"] }, { channel: other, pieces: ["q4", "q5"] }];
  },
};

/** Points that each kind of work passes. */
const POINTS = [
  "before:T1",
  "after:T1",
  "before:T3",
  "after:T3",
  "before:T4",
  "after:T4",
  "posted",
  "answered",
  "before:T5",
  "after:T5",
];

/** Points that only one kind of work passes so often. */
const LATER_POINTS: readonly (readonly [point: string, work: Work])[] = [
  ["posted:2", twoChunks],
  ["answered:2", twoChunks],
  ["before:T3:2", twoChannels],
  ["after:T4:3", twoChannels],
];

const LONG_POINTS: typeof LATER_POINTS = [
  ["before:T4:2", twoChunks],
  ["after:T4:2", twoChunks],
  ["after:T5:2", twoChunks],
  ["after:T3:4", twoChannels],
  ["answered:5", twoChannels],
];

const WORKS = [one, twoChunks, twoChannels];

/** Each point once, with each kind of work at a third of them; the long form has all pairs. */
const CASES = [
  ...POINTS.flatMap((point, index) =>
    WORKS.filter((_, at) => IS_LONG || at === index % WORKS.length).map((work) =>
      [point, work] as const
    )
  ),
  ...LATER_POINTS,
  ...(IS_LONG ? LONG_POINTS : []),
];

const discord = () => ({ textChunkLimit: CHUNK });

describe("[G7] [D1] [D2] a killed process answers once, after the next start", () => {
  // Each point has two channels of its own, so that all of a kind share one first start.
  for (const work of WORKS) {
    const points = CASES.flatMap(([point, of]) => of === work ? [point] : []);
    it(`${work.name} › ${points.join(", ")}`, () => {
      const { world, krill } = demoWorld();
      const room = (name: string): string => addChannel(world, krill, { name }, Date.now()).name;
      const rooms = points.map((_, index) => [room(`one-${index}`), room(`two-${index}`)] as const);
      return withSimulation({ discord, simulator: { world } }, async (scene) => {
        await settleIn(scene);
        for (const [index, point] of points.entries()) {
          try {
            const dying = await scene.start({ BARNACLE_CRASH_AT: point });
            const owed = work.ask(scene, rooms[index]);
            assert.deepEqual(await ended(dying), KILLED);
            await judge(scene, await scene.start(), owed, PATIENCE_MS, allStored);
            await gone(scene);
          } catch (cause) {
            throw new Error(`${point}: ${cause instanceof Error ? cause.message : cause}`, {
              cause,
            });
          }
        }
        assert.equal(scene.simulator.account().identifies.length, 1);
      });
    });
  }

  it("[G5] before:T0 › costs one IDENTIFY, and loses no message of the new session", () => {
    const simulator = { identifyLimit: { spacingMs: 0 } };
    return withSimulation({ discord, simulator }, async (scene) => {
      assert.deepEqual(await ended(scene.startBot({ BARNACLE_CRASH_AT: "before:T0" })), KILLED);
      passSpacing(scene);
      const bot = await scene.start();
      await judge(scene, bot, twoChannels.ask(scene));
      assert.equal(scene.simulator.account().identifies.length, 2);
    });
  });

  it("[G6] before:T0 › answers messages sent after the first IDENTIFY, without a session", () => {
    const simulator = { identifyLimit: { spacingMs: 0 } };
    return withSimulation({ discord, simulator }, async (scene) => {
      assert.deepEqual(await ended(scene.startBot({ BARNACLE_CRASH_AT: "before:T0" })), KILLED);
      const owed = twoChannels.ask(scene);
      passSpacing(scene);
      assert.deepEqual(await ended(scene.startBot({ BARNACLE_CRASH_AT: "before:T0" })), KILLED);
      passSpacing(scene);
      await judge(scene, await scene.start(), owed);
    });
  });

  it("[G5] after:T0 › resumes the session, and answers messages sent meanwhile", () =>
    withSimulation({ discord }, async (scene) => {
      assert.deepEqual(await ended(scene.startBot({ BARNACLE_CRASH_AT: "after:T0" })), KILLED);
      const owed = twoChannels.ask(scene);
      await judge(scene, await scene.start(), owed);
      assert.equal(scene.simulator.account().identifies.length, 1);
    }));

  it("[G5] answers messages sent while no process runs", () =>
    withSimulation({ discord }, async (scene) => {
      await settleIn(scene);
      const owed = twoChannels.ask(scene);
      await judge(scene, await scene.start(), owed);
      assert.equal(scene.simulator.account().identifies.length, 1);
    }));

  it("answers once, although it is killed at each point in turn", () =>
    withSimulation({ discord }, async (scene) => {
      await settleIn(scene);
      const points = [
        "before:T1",
        "after:T1",
        "before:T2", // for a message that an earlier process left
        "after:T2",
        "after:T3",
        "after:T4",
        "posted",
        "answered",
      ];
      const [first = "", ...others] = points;
      const dying = await scene.start({ BARNACLE_CRASH_AT: first });
      const owed = twoChunks.ask(scene);
      assert.deepEqual(await ended(dying), KILLED);
      for (const point of others) {
        assert.deepEqual(await ended(scene.startBot({ BARNACLE_CRASH_AT: point })), KILLED, point);
      }
      await judge(scene, await scene.start(), owed);
    }));

  it("[negative control] answers twice on a Discord that forgets nonces", () =>
    // A resumed session would bring the first copy back before the second attempt.
    withSimulation({
      discord: () => ({ ...discord(), gateway: { reconnect: { resumeSession: false } } }),
      simulator: { nonceWindowMs: 1 },
    }, async (scene) => {
      await settleIn(scene);
      const dying = await scene.start({ BARNACLE_CRASH_AT: "posted" });
      const owed = one.ask(scene);
      assert.deepEqual(await ended(dying), KILLED);
      await assert.rejects(
        judge(scene, await scene.start(), owed),
        /\+ {3}doubled: \[\n\+ {5}'q1'/,
      );
    }));
});
