/** Tests answers that become files, and tables in Discord's form. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { sharedBot } from "../../support/bot/shared_bot.ts";
import { startFixedModel } from "../../support/model/fixed_model.ts";

describe("forms of an answer", () => {
  const play = sharedBot({});

  describe("[R5] [R6] an answer that is too long or has a table", () => {
    it("[R6] becomes its beginning, a line about the rest, and a file with the whole text", async () => {
      const answer = Array.from({ length: 900 }, (_, line) => `${line}. Krill, and more krill 🦐`)
        .join("\n");
      await using model = await startFixedModel(() => answer);
      await play(async (scene) => {
        const { say, mention, replies, simulator, here } = scene;
        say("grace", here, `${mention} tell me everything`);
        await replies(here, 1);
        const [message, ...more] = simulator.posted(here);
        assert.deepEqual(more, []);
        assert.ok(message);
        assert.match(message.content, /^0\. Krill[\s\S]*The whole answer is in `answer\.md`/);
        assert.ok(message.content.length <= 2_000);
        const [file, ...others] = message.attachments;
        assert.deepEqual(others, []);
        assert.equal(file?.filename, "answer.md");
        assert.equal(new TextDecoder().decode(file?.bytes), answer);
      }, { config: { messages: { maxChunks: 2 }, ...model.config } });
    });

    it("[R5] shows a table as a code block with aligned columns", async () => {
      const table = [
        "| water | salt |",
        "| --- | ---: |",
        "| North Sea | 35 |",
        "| 北海道 | 8 |",
      ].join("\n");
      await using model = await startFixedModel(() => `Two waters:\n\n${table}`);
      await play(async ({ say, mention, replies, here }) => {
        say("grace", here, `${mention} waters?`);
        const [content = ""] = await replies(here, 1);
        assert.doesNotMatch(content, /\| --- \|/);
        const block = /```\w*\n([\s\S]*?)\n```/.exec(content)?.[1]?.split("\n") ?? [];
        const north = block.find((line) => line.includes("North Sea"));
        const hokkaido = block.find((line) => line.includes("北海道"));
        assert.ok(north && hokkaido, content);
        // Each of the three wide characters takes two columns.
        assert.equal(north.length, hokkaido.length + 3);
        assert.equal(north.indexOf("35") + 1, hokkaido.indexOf("8") + 3);
      }, { config: model.config });
    });
  });

  describe("[R3] reply tags", () => {
    const answer = `[[reply_to_current]] first ${"krill ".repeat(20)}\nsecond ${
      "krill ".repeat(20)
    }`;
    const modes: readonly (readonly ["off" | "first" | "all", readonly boolean[]])[] = [
      ["off", [false, false]],
      ["first", [true, false]],
      ["all", [true, true]],
    ];
    for (const [replyToMode, expected] of modes) {
      it(`replyToMode "${replyToMode}" quotes ${expected.filter(Boolean).length} of two parts`, async () => {
        await using model = await startFixedModel(() => answer);
        await play(async (scene) => {
          const { say, mention, replies, simulator, here } = scene;
          const asked = say("grace", here, `${mention} krill?`);
          const texts = await replies(here, 2);
          assert.ok(texts.every((text) => !text.includes("[[")), texts.join("\n"));
          const quoted = simulator.posted(here).map(({ reference }) =>
            reference?.messageId === asked.id
          );
          assert.deepEqual(quoted, expected);
        }, {
          discord: () => ({ replyToMode, textChunkLimit: 160 }),
          config: model.config,
        });
      });
    }
  });
});
