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
  });
});
