/** Tests threads for answers as people on Discord see them (S7, S3). */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  ended,
  KILLED,
  type Scene,
  type SceneOptions,
  stopBot,
  withSimulation,
} from "../../support/bot/e2e.ts";
import { sharedBot } from "../../support/bot/shared_bot.ts";
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

function opened({ simulator }: Scene): number {
  return simulator.requests.records().filter(({ method, route }) =>
    method === "POST" && route.endsWith("/threads")
  ).length;
}

describe("[S7] threads for answers", () => {
  const play = sharedBot(threads({ auto: "mention", archiveAfterMin: 90 }));

  it("open on the message, and the conversation continues there without mentions", () =>
    play(async (scene) => {
      const { say, mention, written, user, model, simulator, until, decided, here } = scene;
      say("ada", here, "pilchards: said in the channel before");
      const question = say("grace", here, `${mention} How do I ||really|| feed *krill*?`);
      const [reply = ""] = await repliesIn(scene, question, 1);
      assert.match(reply, /feed/);
      assert.deepEqual(written(here), []);
      const thread = threadOf(scene, question);
      assert.ok(thread);
      assert.equal(thread.name, "How do I (spoiler) feed krill?");
      assert.equal(thread.archiveAfterMin, 1_440);
      assert.ok(thread.members.has(user("grace").id));
      assert.doesNotMatch(JSON.stringify(model.requests), /pilchards/, "inherits no history");

      say("grace", question.id, "And on Sundays?");
      await repliesIn(scene, question, 2);
      const texts = model.requests.at(-1)?.messages.map(({ text }) => text) ?? [];
      assert.match(texts[0] ?? "", /How do I/);
      assert.match(texts.at(-1) ?? "", /And on Sundays/);
      assert.equal(opened(scene), 1);

      simulator.leave({ as: "grace", in: question.id });
      await until(
        "the leave",
        () => scene.rows("SELECT 1 FROM answer_thread WHERE has_asker = 0").length > 0,
      );
      const chat = say("ada", question.id, "Now we talk among ourselves");
      assert.equal(await decided(chat), "ignore: no-mention");
    }));

  it("are archived when the asker is done, and only then, until the next message", () =>
    play(async (scene) => {
      const { say, mention, simulator, until, here } = scene;
      const marks = [
        (question: string) => ({ in: here, message: question }),
        (question: string) => ({
          in: question,
          message: String(simulator.posted(question)[0]?.id),
        }),
      ];
      for (const mark of marks) {
        const question = say("grace", here, `${mention} How do I feed krill?`);
        await repliesIn(scene, question, 1);
        const react = (as: string, emoji: string) =>
          simulator.react({ as, emoji, ...mark(question.id) });
        react("ada", "✅"); // not hers
        react("grace", "👍");
        await scene.replies(question.id, 1);
        assert.equal(threadOf(scene, question)?.isArchived, false);
        react("grace", "✅");
        await until("the end", () => threadOf(scene, question)?.isArchived === true);
        say("grace", question.id, "And on Sundays?");
        await repliesIn(scene, question, 2);
        assert.equal(threadOf(scene, question)?.isArchived, false);
      }
    }));

  it("[N2] stay with the agent that opened them, also archived and after a restart", () =>
    withSimulation({
      ...threads({ auto: "mention" }),
      config: {
        agents: {
          list: [
            { id: "main", groupChat: { mentionPatterns: ["\\bmain\\b"] } },
            { id: "research", groupChat: { mentionPatterns: ["\\bresearch\\b"] } },
          ],
        },
        router: { assignments: { main: { channels: ["*"] } } },
      },
    }, async (scene) => {
      const { start, say, mention, simulator, until, rows } = scene;
      const first = await start();
      const agentOf = ({ id }: { readonly id: string }) =>
        String(rows(`SELECT agent_id FROM inbox WHERE message_id = '${id}'`)[0]?.["agent_id"]);
      const asked = say("grace", "general", "research, what do krill eat?");
      const other = say("grace", "general", `${mention} and what do you eat?`);
      await repliesIn(scene, asked, 1);
      await repliesIn(scene, other, 1);
      const next = say("grace", asked.id, "And on Sundays?");
      await repliesIn(scene, asked, 2);
      assert.deepEqual([asked, next, other].map(agentOf), ["research", "research", "main"]);

      simulator.react({ as: "grace", in: "general", message: asked.id, emoji: "✅" });
      await until("the end", () => threadOf(scene, asked)?.isArchived === true);
      await stopBot(first);
      await start();
      const later = say("grace", asked.id, "And in winter?");
      await repliesIn(scene, asked, 3);
      assert.equal(agentOf(later), "research");
      assert.match(JSON.stringify(scene.model.requests.at(-1)?.messages), /on Sundays/);
    }));

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
