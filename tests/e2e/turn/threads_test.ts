/** Tests threads for answers as people on Discord see them (S7, S3). */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  ended,
  KILLED,
  type Scene,
  type SceneOptions,
  withSimulation,
} from "../../support/bot/e2e.ts";
import { crashPoints } from "../../support/long_form.ts";

const threads = (rules: object): SceneOptions => ({
  discord: ({ world }) => ({
    guilds: { [String([...world.guilds.keys()][0])]: { threads: rules } },
  }),
});

/** The thread of a message; `undefined` if it has none. */
function threadOf({ simulator }: Scene, { id }: { readonly id: string }) {
  for (const channel of simulator.world.channels.values()) {
    if (channel.kind === "thread" && String(channel.id) === id) return channel;
  }
  return undefined;
}

/** The bot's messages in the thread of a message, once there are that many. */
async function repliesIn(scene: Scene, message: { readonly id: string }, count: number) {
  await scene.until("the thread", () => threadOf(scene, message));
  return await scene.replies(message.id, count);
}

describe("[S7] threads for answers", () => {
  for (const point of crashPoints(["before:T3:1"], ["after:T3:1"])) {
    it(`[D1] have one answer after a crash ${point}`, () =>
      withSimulation(
        {
          ...threads({ auto: "mention" }),
          mayRefuse: ({ route, status }) => route.endsWith("/threads") && status === 400,
        },
        async (scene) => {
          const { start, say, mention, written } = scene;
          const dying = await scene.start({ BARNACLE_CRASH_AT: point });
          const question = say("grace", "general", `${mention} Where is the pier?`);
          assert.deepEqual(await ended(dying), KILLED);
          await start();
          await repliesIn(scene, question, 1);
          say("grace", question.id, "And the harbour?");
          await repliesIn(scene, question, 2);
          assert.equal(written(question.id).length, 2);
          assert.deepEqual(written("general"), []);
        },
      ));
  }
});
