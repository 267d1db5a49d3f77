/** Tests `streaming: "progress"`: a line about the current work, which goes before the answer comes. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { killBot, type Scene, withSimulation } from "../../support/bot/e2e.ts";

const discord = () => ({ streaming: "progress", textChunkLimit: 200 });

const lineOf = ({ simulator, here }: Scene) =>
  simulator.posted(here).find(({ content }) => content.startsWith("⏳ "));

/** Lets the model hang at a question, and waits for the line about it. */
async function hang(scene: Scene) {
  const { say, mention, until, model, here } = scene;
  model.behave("hang");
  say("grace", here, `${mention} krill?`);
  const line = await until("the line", () => lineOf(scene));
  model.behave("script");
  return line;
}

describe("[R8a] the progress line", () => {
  it("[D2] stays one line after kill -9, and goes before the answer comes", () =>
    withSimulation({ discord }, async (scene) => {
      const { start, startBot, replies, recorded } = scene;
      const dying = await start();
      const line = await hang(scene);
      await recorded(line);
      await killBot(dying);
      assert.equal(lineOf(scene)?.id, line.id);
      startBot();
      await scene.until("the answer", () => {
        const texts = scene.written("general");
        return texts.length === 1 && /krill\?/.test(texts[0] ?? "");
      });
      assert.equal((await replies("general", 1)).length, 1);
    }));
});
