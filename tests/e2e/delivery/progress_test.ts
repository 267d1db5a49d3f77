/** Tests `streaming: "progress"`: a line about the current work, which goes before the answer comes. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { buttonsIn } from "../../../simulator/world/components.ts";
import { ended, KILLED, type Scene, withSimulation } from "../../support/bot/e2e.ts";

const discord = () => ({ streaming: "progress", textChunkLimit: 200 });
const SILENT = 1 << 12;

const lineOf = ({ simulator }: Scene) =>
  simulator.posted("general").find(({ content }) => content.startsWith("⏳ "));

/** Lets the model hang at a question, and waits for the line about it. */
async function hang(scene: Scene) {
  const { say, mention, until, model } = scene;
  model.behave("hang");
  say("grace", "general", `${mention} krill?`);
  const line = await until("the line", () => lineOf(scene));
  model.behave("script");
  return line;
}

describe("[R8a] the progress line", () => {
  it("[R14] is silent, tells the time, and goes before the answer comes", () =>
    withSimulation({ discord }, async (scene) => {
      const { start, until, simulator, say, mention } = scene;
      await start();
      const line = await hang(scene);
      assert.match(line.content, /^⏳ thinking · step 1 of 16 · \d+ s$/);
      assert.equal(line.flags & SILENT, SILENT);
      await until("an edit", () => {
        const now = lineOf(scene);
        return now !== undefined && now.content !== line.content;
      }, 20_000);
      const customId = buttonsIn(line.components)[0]?.custom_id ?? "";
      simulator.press({ as: "grace", in: "general", message: line.id, customId });
      await until("the end of the line", () => lineOf(scene) === undefined);
      say("grace", "general", `${mention} ${"krill ".repeat(60)}`);
      await until("the answer", () => simulator.posted("general").length > 1);
      const [first, ...others] = simulator.posted("general");
      assert.equal((first?.flags ?? 0) & SILENT, 0);
      assert.ok(others.every(({ flags }) => (flags & SILENT) === SILENT));
    }));

  it("shows text that the model writes beside its calls, and no secret of it", () =>
    withSimulation({ discord }, async (scene) => {
      const { start, until, say, mention, model, replies } = scene;
      await start();
      model.behave("aside");
      const source = "const end = Date.now() + 2_500; while (Date.now() < end);";
      say("grace", "general", `${mention}\ncall: code ${JSON.stringify({ source })}`);
      const line = await until("the line", () => lineOf(scene));
      assert.match(
        line.content,
        /^⏳ running code · step 1 of 16 · \d s\n> I look that up first\.$/,
      );
      await until("the end of the line", () => lineOf(scene) === undefined);
      assert.doesNotMatch((await replies("general", 1))[0] ?? "", /look that up/);
    }));

  it("[D2] stays one line after kill -9, and goes before the answer comes", () =>
    withSimulation({ discord }, async (scene) => {
      const { start, startBot, replies, recorded } = scene;
      const dying = await start();
      const line = await hang(scene);
      await recorded(line);
      dying.kill("SIGKILL");
      assert.deepEqual(await ended(dying), KILLED);
      assert.equal(lineOf(scene)?.id, line.id);
      startBot();
      await scene.until("the answer", () => {
        const texts = scene.written("general");
        return texts.length === 1 && /krill\?/.test(texts[0] ?? "");
      });
      assert.equal((await replies("general", 1)).length, 1);
    }));
});
