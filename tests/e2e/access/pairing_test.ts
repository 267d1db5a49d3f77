/** Tests unpaired senders: a code, an approval, and then answers. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { buttonsIn } from "../../../simulator/world/components.ts";
import { PAIRED } from "../../../src/render/sentences.ts";
import { addUser } from "../../../simulator/world/create_world.ts";
import type { Message } from "../../../simulator/world/world.ts";
import { killBot, type Scene, stopBot, withSimulation } from "../../support/bot/e2e.ts";
import { sharedBot } from "../../support/bot/shared_bot.ts";

const CODE = /\b[ABCDEFGHJKLMNPQRSTUVWXYZ23456789]{8}\b/;
const SECRET = "tell me a secret";

/** Adds a person whom no other test with the same bot knows. */
function addStranger({ simulator }: Scene, username: string): string {
  return addUser(simulator.world, { username }, Date.now()).username;
}

/** An unpaired sender writes for the first time, and gets a code. */
async function challenge({ say, replies, decided }: Scene, as: string): Promise<string> {
  const message = say(as, "dm", SECRET);
  const [notice = ""] = await replies("dm", 1, as);
  assert.equal(await decided(message), "challenge: pairing");
  const [code] = CODE.exec(notice) ?? [];
  assert.ok(code, `no code in ${notice}`);
  assert.ok(notice.includes(`barnacle pairing approve ${code}`), notice);
  return code;
}

/** The owner's pairing request about a sender, once it arrives. */
async function question({ simulator, until, user }: Scene, of: string): Promise<Message> {
  const dm = simulator.channel("dm", "ada").id;
  const { id } = user(of);
  return await until(
    "the owner to be asked",
    () => simulator.posted(dm).find(({ content }) => content.includes(id)),
  );
}

function customIdOf({ components }: Message, key: "Approve" | "Deny"): string {
  const buttons = buttonsIn(components);
  const button = buttons.find(({ label }) => label === key);
  assert.ok(button, `no ${key} among ${JSON.stringify(buttons)}`);
  return button.custom_id;
}

/** Waits for another user's answer, so that all earlier messages are decided. */
async function settle({ say, mention, replies, written, here }: Scene): Promise<void> {
  const count = written(here).length + 1;
  say("grace", here, `${mention} finally`);
  await replies(here, count);
}

async function isAnswered({ say, replies, written }: Scene, as: string): Promise<void> {
  const count = written("dm", as).length + 1;
  say(as, "dm", "hear me now");
  assert.match((await replies("dm", count, as)).at(-1) ?? "", /hear me now/);
}

/** Asserts that the model never received the sender's messages from before the approval. */
function keptApart({ model }: Scene): void {
  assert.ok(!model.requests.some(({ body }) => body.includes(SECRET)));
}

describe("[P3] a running bot", () => {
  // Fewer codes than an account gives within a minute, and the wrong ones at the end.
  const play = sharedBot({ discord: () => ({ dm: { policy: "pairing" } }) });

  describe("[P3] the direct message of an owner", () => {
    it("is answered without pairing, also as the first message after the first start", () =>
      play(async (scene, bot) => {
        const owner = scene.simulator.application.ownerId;
        const { username } = scene.simulator.world.users.get(owner) ?? {};
        assert.ok(username);
        const message = scene.say(username, "dm", "am I let in?");
        assert.equal(await scene.decided(message), "accept: dm-allowed");
        assert.match((await scene.replies("dm", 1, username))[0] ?? "", /am I let in/);
        await scene.line(bot, /slash commands are registered/);
        scene.simulator.command({ as: username, in: "dm", name: "whoami" });
        await scene.until(
          "the command's answer",
          () => scene.simulator.ephemeral(username).some(({ content }) => content.includes(owner)),
        );
      }));
  });

  describe("[P3] the direct message of an unpaired sender", () => {
    it("gets a code; from an approval by another process to its end, messages are answered", () =>
      play(async (scene) => {
        const code = await challenge(scene, "mallory");
        await settle(scene);
        assert.equal(scene.model.requests.length, 1); // and it was not the sender's

        const approved = await scene.cli("pairing", "approve", code);
        assert.equal(approved.code, 0, approved.stderr.join("\n"));
        const mallory = scene.user("mallory");
        for (const said of [approved.stderr, approved.stdout]) { // before, and after
          assert.match(
            said.join("\n"),
            new RegExp(`mallory.*${mallory.id}|${mallory.id}.*mallory`),
          );
        }
        const [, told] = await scene.replies("dm", 2, "mallory");
        assert.equal(told, PAIRED);
        await isAnswered(scene, "mallory");
        keptApart(scene);
        const { paired, pending } = JSON.parse(
          (await scene.cli("pairing", "list", "--json")).stdout.join(""),
        );
        assert.deepEqual(pending, []);
        assert.deepEqual(paired.map(({ userId }: { userId: string }) => userId), [mallory.id]);

        const revoked = await scene.cli("pairing", "revoke", mallory.id);
        assert.equal(revoked.code, 0, revoked.stderr.join("\n"));
        const late = scene.say("mallory", "dm", "and now?");
        assert.doesNotMatch(await scene.decided(late), /accept/);
        await settle(scene);
        const answers = scene.written("dm", "mallory").filter((text) => /and now/.test(text));
        assert.equal(answers.length, 0);
      }));
  });

  describe("[P3] the button in the owner's direct message", () => {
    it("approves the sender: the buttons disappear, and the next message is answered", () =>
      play(async (scene) => {
        const { simulator, until } = scene;
        const hake = addStranger(scene, "hake");
        const code = await challenge(scene, hake);
        const asked = await question(scene, hake);
        for (const part of [hake, scene.user(hake).id, code]) {
          assert.ok(asked.content.includes(part), asked.content);
        }
        simulator.press({
          as: "ada",
          in: "dm",
          message: asked.id,
          customId: customIdOf(asked, "Approve"),
        });
        const [, told] = await scene.replies("dm", 2, hake);
        assert.equal(told, PAIRED);
        const after = await until("the question to be answered", () => {
          const now = simulator.posted(asked.channelId).find(({ id }) => id === asked.id);
          return now?.components.length === 0 && now;
        });
        assert.match(after.content, /hake/);
        await isAnswered(scene, hake);
        assert.deepEqual(simulator.failedInteractions(), []);
      }));
  });
});

describe("[P3] an approval, and a restart", () => {
  it("[S1] begins a memory of its own: the model never sees the owner's messages", () =>
    withSimulation({}, async (scene) => {
      const { start, say, replies, model } = scene;
      const first = await start();
      say("ada", "dm", "my safe opens with the word pilchard");
      await replies("dm", 1, "ada");
      const approved = await scene.cli("pairing", "approve", await challenge(scene, "mallory"));
      assert.equal(approved.code, 0, approved.stderr.join("\n"));
      await replies("dm", 2, "mallory");
      await isAnswered(scene, "mallory");
      assert.doesNotMatch(model.requests.at(-1)?.body ?? "", /pilchard/);
      await stopBot(first);
      await start(); // the owner is stored, so the next process has the same sessions
      const count = scene.written("dm", "ada").length + 1; // the approval request is there, too
      say("ada", "dm", "what opens my safe?");
      await replies("dm", count, "ada");
      const body = model.requests.at(-1)?.body ?? "";
      assert.match(body, /pilchard/);
      assert.doesNotMatch(body, /hear me now/);
    }));

  it("survives a crash: approved without a running bot, the sender is told by the next one", () =>
    withSimulation({ simulator: { identifyLimit: { maxConcurrency: 16 } } }, async (scene) => {
      const first = await scene.start();
      const code = await challenge(scene, "mallory");
      await killBot(first);
      const { code: exit, stderr } = await scene.cli("pairing", "approve", "discord", code);
      assert.equal(exit, 0, stderr.join("\n"));
      await scene.start();
      const [, told] = await scene.replies("dm", 2, "mallory");
      assert.equal(told, PAIRED);
      await isAnswered(scene, "mallory");
    }));
});
