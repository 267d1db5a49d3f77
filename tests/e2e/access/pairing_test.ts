/** Tests unpaired senders: a code, an approval, and then answers. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { PAIRED } from "../../../src/render/sentences.ts";
import { killBot, type Scene, withSimulation } from "../../support/bot/e2e.ts";
import { sharedBot } from "../../support/bot/shared_bot.ts";

const CODE = /\b[ABCDEFGHJKLMNPQRSTUVWXYZ23456789]{8}\b/;
const SECRET = "tell me a secret";

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
});

describe("[P3] an approval, and a restart", () => {
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
