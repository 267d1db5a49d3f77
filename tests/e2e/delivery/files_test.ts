/** Tests answers that become files, and tables in Discord's form. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { withSimulation } from "../../support/bot/e2e.ts";
import { startFixedModel } from "../../support/model/fixed_model.ts";

describe("[R5] [R6] an answer that is too long or has a table", () => {
  it("[R6] becomes its beginning, a line about the rest, and a file with the whole text", () =>
    withSimulation({ config: { messages: { maxChunks: 2 } } }, async (scene) => {
      const { start, say, mention, replies, simulator } = scene;
      const answer = Array.from({ length: 900 }, (_, line) => `${line}. Krill, and more krill 🦐`)
        .join("\n");
      await using model = await startFixedModel(() => answer);
      await start({ OPENAI_BASE_URL: model.baseUrl });
      say("grace", "general", `${mention} tell me everything`);
      await replies("general", 1);
      const [message, ...more] = simulator.posted("general");
      assert.deepEqual(more, []);
      assert.ok(message);
      assert.match(message.content, /^0\. Krill[\s\S]*The whole answer is in `answer\.md`/);
      assert.ok(message.content.length <= 2_000);
      const [file, ...others] = message.attachments;
      assert.deepEqual(others, []);
      assert.equal(file?.filename, "answer.md");
      assert.equal(new TextDecoder().decode(file?.bytes), answer);
    }));

  it("[R5] shows a table as a code block with aligned columns", () =>
    withSimulation({}, async ({ start, say, mention, replies }) => {
      const table = [
        "| water | salt |",
        "| --- | ---: |",
        "| North Sea | 35 |",
        "| 北海道 | 8 |",
      ].join("\n");
      await using model = await startFixedModel(() => `Two waters:\n\n${table}`);
      await start({ OPENAI_BASE_URL: model.baseUrl });
      say("grace", "general", `${mention} waters?`);
      const [content = ""] = await replies("general", 1);
      assert.doesNotMatch(content, /\| --- \|/);
      const block = /```\w*\n([\s\S]*?)\n```/.exec(content)?.[1]?.split("\n") ?? [];
      const north = block.find((line) => line.includes("North Sea"));
      const hokkaido = block.find((line) => line.includes("北海道"));
      assert.ok(north && hokkaido, content);
      // Each of the three wide characters takes two columns.
      assert.equal(north.length, hokkaido.length + 3);
      assert.equal(north.indexOf("35") + 1, hokkaido.indexOf("8") + 3);
    }));
});

describe("[R3] reply tags", () => {
  const answer = `[[reply_to_current]] first ${"krill ".repeat(20)}\nsecond ${"krill ".repeat(20)}`;
  const modes: readonly (readonly ["off" | "first" | "all", readonly boolean[]])[] = [
    ["off", [false, false]],
    ["first", [true, false]],
    ["all", [true, true]],
  ];
  for (const [replyToMode, expected] of modes) {
    it(`replyToMode "${replyToMode}" quotes ${expected.filter(Boolean).length} of two parts`, () =>
      withSimulation({ discord: () => ({ replyToMode, textChunkLimit: 160 }) }, async (scene) => {
        const { start, say, mention, replies, simulator } = scene;
        await using model = await startFixedModel(() => answer);
        await start({ OPENAI_BASE_URL: model.baseUrl });
        const asked = say("grace", "general", `${mention} krill?`);
        const texts = await replies("general", 2);
        assert.ok(texts.every((text) => !text.includes("[[")), texts.join("\n"));
        const quoted = simulator.posted("general").map(({ reference }) =>
          reference?.messageId === asked.id
        );
        assert.deepEqual(quoted, expected);
      }));
  }
});
