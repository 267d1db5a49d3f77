/**
 * Tests a channel in which the bot may post, but not attach files. No answer there may wait for a
 * file, and the owner hears of it once.
 */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type Scene } from "../../support/bot/e2e.ts";
import { sharedBot } from "../../support/bot/shared_bot.ts";
import { type FixedModel, startFixedModel } from "../../support/model/fixed_model.ts";

const wordsOf = (channel: string) =>
  `cannot attach files in #${channel}: Attach Files is denied for the role Barnacle`;
const deniedIn = (channel: string) =>
  ({ to: "Barnacle", what: "attachFiles", in: channel }) as const;
const BOOK = Array.from({ length: 900 }, (_, line) => `${line}. Krill, and more krill`).join("\n");
const OPTIONS = {
  config: { messages: { maxChunks: 2 } },
  mayRefuse: ({ status }: { readonly status?: number | undefined }) =>
    status === 403 || status === 503,
} as const;

/** A model that answers "book" with a long text, and all else in a word. */
const startLibrary = () =>
  startFixedModel((question) => question.includes("the book") ? BOOK : "krill");

const withLibrary = ({ config }: FixedModel) => ({ config: { ...OPTIONS.config, ...config } });

const toldOf = ({ written }: Scene) =>
  written("dm", "ada").filter((text) => text.includes("attach files"));

describe("[R12a] a channel that takes no files", () => {
  const play = sharedBot(OPTIONS);

  it("gets the beginning of a long answer, and each later answer; the owner hears it once", async () => {
    await using model = await startLibrary();
    await play(async (scene) => {
      const { simulator, say, mention, replies, until, here } = scene;
      simulator.permit({ ...deniedIn(here), as: "denied" });
      say("grace", here, `${mention} tell me the book`);
      await replies(here, 2);
      say("grace", here, `${mention} q1`);
      await replies(here, 3);
      say("grace", here, `${mention} the book again`);
      await replies(here, 5);
      const posted = simulator.posted(here);
      assert.match(posted[0]?.content ?? "", /^0\. Krill/);
      assert.match(
        posted[1]?.content ?? "",
        /This is only the beginning\..*I can't attach it here/,
      );
      assert.equal(posted[2]?.content, "krill");
      assert.ok(posted.every(({ attachments }) => attachments.length === 0));
      await until("a message to the owner", () => toldOf(scene).length > 0);
      assert.equal(toldOf(scene).length, 1);
      assert.ok(toldOf(scene)[0]?.includes(wordsOf(here)), toldOf(scene).join("\n"));
      const refused = simulator.requests.records().filter(({ status }) => status === 403);
      assert.deepEqual(refused, [], "the bot asks for nothing that it may not do");
    }, withLibrary(model));
  });
});
