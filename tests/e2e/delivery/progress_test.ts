/** Tests `streaming: "progress"`: a line about the current work, which goes before the answer comes. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { buttonsIn } from "../../../simulator/world/components.ts";
import { killBot, type Scene, withSimulation } from "../../support/bot/e2e.ts";
import { sharedBot } from "../../support/bot/shared_bot.ts";

const discord = () => ({ streaming: "progress", textChunkLimit: 200 });
const SILENT = 1 << 12;

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
  const play = sharedBot({ discord });

  it("[R14] is silent, tells the time, and goes before the answer comes", () =>
    play(async (scene) => {
      const { until, simulator, say, mention, here } = scene;
      const line = await hang(scene);
      assert.match(line.content, /^⏳ thinking · step 1 of 16 · \d+ s$/);
      assert.equal(line.flags & SILENT, SILENT);
      await until("an edit", () => {
        const now = lineOf(scene);
        return now !== undefined && now.content !== line.content;
      }, 20_000);
      const customId = buttonsIn(line.components)[0]?.custom_id ?? "";
      simulator.press({ as: "grace", in: here, message: line.id, customId });
      await until("the end of the line", () => lineOf(scene) === undefined);
      say("grace", here, `${mention} ${"krill ".repeat(60)}`);
      await until("the answer", () => simulator.posted(here).length > 1);
      const [first, ...others] = simulator.posted(here);
      assert.equal((first?.flags ?? 0) & SILENT, 0);
      assert.ok(others.every(({ flags }) => (flags & SILENT) === SILENT));
    }));

  it("shows text that the model writes beside its calls, and no secret of it", () =>
    play(async (scene) => {
      const { until, say, mention, model, replies, here } = scene;
      model.behave("aside");
      const source = "const end = Date.now() + 2_500; while (Date.now() < end);";
      say("grace", here, `${mention}\ncall: code ${JSON.stringify({ source })}`);
      // While the model still thinks, an earlier form of the line says so.
      const line = await until("the line of the call", () => {
        const text = lineOf(scene)?.content ?? "";
        return text.includes("code") && text;
      });
      assert.match(
        line,
        /^⏳ running code · step 1 of 16 · \d s\n> I look that up first\.$/,
      );
      await until("the end of the line", () => lineOf(scene) === undefined);
      assert.doesNotMatch((await replies(here, 1))[0] ?? "", /look that up/);
    }));

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
