/** Tests texts of other places in the model's input: thread starters, polls, age limits (H6, H9). */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { addChannel, addThread } from "../../../simulator/world/create_world.ts";
import { parseSnowflake } from "../../../src/core/discord/ids.ts";
import { type Scene } from "../../support/bot/e2e.ts";
import { sharedBot } from "../../support/bot/shared_bot.ts";

const NOW = Date.UTC(2026, 0, 2);
const lastTurn = ({ model }: Scene) => model.requests.at(-1)?.messages.at(-1)?.text ?? "";

describe("texts of other places", () => {
  const postId = parseSnowflake<"channel">("1456074443980800111");
  assert.ok(postId);
  const play = sharedBot({}, ({ simulator: { world }, user, say }) => {
    const [krill] = world.guilds.values();
    assert.ok(krill);
    const forum = addChannel(world, krill, { name: "questions", kind: "forum" }, NOW);
    const id = postId;
    const post = addThread(
      world,
      forum,
      { name: "leak", ownerId: user("ada").id, id },
      NOW,
    );
    const first = say("ada", post.id, "my boat leaks");
    const own = { ...first, id: parseSnowflake<"message">(id)! }; // a post has its thread's id
    post.messages.delete(first.id);
    post.messages.set(own.id, own);
    addChannel(world, krill, { name: "adults", isAgeRestricted: true }, NOW);
  });

  describe("[H6] the first turn of a thread", () => {
    it("contains the post of a forum, once", () =>
      play(async (scene) => {
        const { say, mention, replies, simulator } = scene;
        const post = simulator.channel("leak");
        say("grace", post.id, `${mention} help her`);
        await replies(post.id, 1);
        assert.equal(lastTurn(scene).split("my boat leaks").length, 2, lastTurn(scene));
        assert.match(lastTurn(scene), /the thread begins with it/);
        assert.ok(simulator.posted(post.id).length > 0);
      }));
  });

  describe("[H9] a poll", () => {
    it("is shown with its votes in a reply to it, and its result as context", () =>
      play(async (scene) => {
        const { mention, say, replies, simulator, decided, here } = scene;
        const answers = [
          { answer_id: 1, poll_media: { text: "Rum" } },
          { answer_id: 2, poll_media: { text: "Tea" } },
        ];
        const poll = {
          question: { text: "What to drink?" },
          answers,
          expiry: null,
          allow_multiselect: false,
          layout_type: 1,
          results: { is_finalized: false, answer_counts: [{ id: 2, count: 5, me_voted: false }] },
        };
        const asked = simulator.say({ as: "ada", in: here, text: "", more: { poll } });
        say("grace", here, `${mention} who leads?`, asked.id);
        await replies(here, 1);
        assert.match(lastTurn(scene), /What to drink\? \(Rum: 0 votes \/ Tea: 5 votes\)/);
        const fields = Object.entries({
          poll_question_text: "What to drink?",
          victor_answer_votes: "6",
          total_votes: "7",
          victor_answer_text: "Tea",
        }).map(([name, value]) => ({ name, value, inline: false }));
        const result = simulator.say({
          as: "ada",
          in: here,
          text: "",
          more: { type: 46, embeds: [{ type: "poll_result", fields }] },
        });
        assert.equal(await decided(result), "ignore: no-mention");
        say("grace", here, `${mention} who won?`);
        await replies(here, 2);
        assert.match(lastTurn(scene), /What to drink\? Tea won with 6 of 7 votes/);
      }));
  });

  describe("[H9] an age-restricted channel", () => {
    it("is read by no turn elsewhere, not for an owner either, and by its own", () =>
      play(async (scene) => {
        const { say, mention, replies, here } = scene;
        const adults = scene.simulator.channel("adults");
        const { id: messageId } = say("grace", adults.id, "the canary-secret");
        const calls = [
          ["discord", { action: "readMessages", channelId: adults.id }],
          ["discord", { action: "fetchMessage", channelId: adults.id, messageId }],
          ["read_channel_history", { channelId: adults.id }],
        ].map(([tool, args]) => `call: ${tool} ${JSON.stringify(args)}`).join("\n");
        for (const [index, as] of ["grace", "ada"].entries()) {
          say(as, here, `${mention}\n${calls}`);
          const answer = (await replies(here, index + 1))[index] ?? "";
          assert.equal(answer.match(/age-restricted/g)?.length, 3);
          assert.doesNotMatch(answer, /canary-secret/);
        }
        say("grace", "help", "the killer is ||canary-gardener||");
        const args = { action: "readMessages", channelId: scene.simulator.channel("help").id };
        say("grace", adults.id, `${mention}\ncall: discord ${JSON.stringify(args)}`);
        const [answer = ""] = await replies(adults.id, 1);
        assert.match(answer, /the killer is \(spoiler\)/);
        assert.match(JSON.stringify(scene.model.requests.at(-1)), /canary-secret/);
      }));
  });
});
