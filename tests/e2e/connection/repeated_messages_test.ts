/**
 * Tests ignored messages that repeat earlier ones: in order, after kills, and while rules and facts
 * change. The gateway's thread sends them in a short form, and lets them wait for each other.
 */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { ended, KILLED, type Scene, withSimulation } from "../../support/bot/e2e.ts";
import { sharedBot } from "../../support/bot/shared_bot.ts";
import { crashPoints } from "../../support/long_form.ts";
import { settleIn } from "../../support/bot/survival.ts";

/** Ada, by the id that the simulator gives her. */
const OWNER = { ownerAllowFrom: ["1456074443980800000"] };
const QUICK = { rateLimits: false } as const;
/** Milliseconds; a block of short messages waits for half of it at most. */
const BLOCK_MS = 500;

/** Chats as two people do, in bursts, so that some messages are committed and others wait. */
async function chat(
  { say, here }: Pick<Scene, "say" | "here">,
  from: number,
  bursts: number,
): Promise<readonly string[]> {
  const ids: string[] = [];
  for (let burst = 0; burst < bursts; burst++) {
    for (let at = 0; at < 8; at++) {
      const text = `krill ${from + ids.length}`;
      ids.push(say(at % 2 === 0 ? "grace" : "ada", here, text).id);
    }
    await sleep(90);
  }
  return ids;
}

/** Ids of the messages with a verdict that ignores them, each as often as it has one. */
const decided = ({ rows }: Scene) =>
  rows("SELECT message_id FROM decision WHERE verdict = 'ignore' ORDER BY message_id")
    .map((row) => String(row["message_id"]));

const heard = ({ model }: Scene) =>
  [...(model.requests.at(-1)?.messages.at(-1)?.text ?? "").matchAll(/krill (\d+)/g)]
    .map(([, number]) => Number(number));

describe("[G5] messages that repeat an ignored one", () => {
  const play = sharedBot({ simulator: QUICK });

  it("come before the next question, in their order", () =>
    play(async (scene) => {
      const { say, mention, replies, here } = scene;
      const ids = await chat(scene, 0, 3);
      say("grace", here, `${mention} what was that?`);
      await replies(here, 1);
      assert.deepEqual(decided(scene), ids);
      const numbers = heard(scene);
      assert.equal(numbers.at(-1), ids.length - 1);
      assert.deepEqual(numbers, numbers.toSorted((a, b) => a - b));
      assert.equal(new Set(numbers).size, numbers.length);
      assert.ok(numbers.length >= 10);
    }));

  for (const point of crashPoints(["before:T1:2", "after:T1:4"], ["after:T1:2", "before:T1:3"])) {
    it(`are stored once, although the process is killed: ${point}`, () =>
      withSimulation({ simulator: QUICK }, async (scene) => {
        const { start, say, mention, replies, simulator } = scene;
        await settleIn(scene);
        const dying = await start({ BARNACLE_CRASH_AT: point });
        const end = ended(dying);
        let isOver = false;
        void end.finally(() => isOver = true).catch(() => {}); // read below
        const before: string[] = [];
        // A slow bot stores many bursts at once, and reaches the point later.
        while (!isOver) before.push(...await chat(scene, before.length, 1));
        assert.deepEqual(await end, KILLED);
        const meanwhile = await chat(scene, before.length, 1);
        await start();
        const after = await chat(scene, before.length + meanwhile.length, 3);
        say("grace", "general", `${mention} what was that?`);
        await replies("general", 1);
        assert.deepEqual(decided(scene), [...before, ...meanwhile, ...after]);
        assert.deepEqual(heard(scene).at(-1), before.length + meanwhile.length + after.length - 1);
        assert.equal(simulator.account().identifies.length, 1);
      }));
  }

  it("are answered as soon as a reloaded config says so", () => {
    const channels = (here: string, requireMention: boolean) => ({ world }: Scene["simulator"]) => {
      const [krill] = world.guilds.values();
      assert.ok(krill);
      return { guilds: { [krill.id]: { channels: { [here]: { requireMention } } } } };
    };
    return play(async (scene) => {
      await chat(scene, 0, 2);
      await sleep(BLOCK_MS);
      scene.rewrite({ discord: channels(scene.here, false) });
      await scene.eventually("an answer without a mention", async () => {
        scene.say("ada", scene.here, "krill?");
        await sleep(BLOCK_MS);
        return scene.written(scene.here).length > 0;
      });
      const answered = scene.written(scene.here).length + 1;
      const last = scene.say("grace", scene.here, "and krill?");
      await scene.until(
        "each of the answers",
        () => scene.written(scene.here).some((text) => text.includes("and krill?")),
      );
      assert.match(await scene.decided(last), /^accept: mention-not-required/);
      assert.ok(scene.written(scene.here).length >= answered);
    }, ({ here }) => ({ discord: channels(here, true) }));
  });

  it("get the verdict of an owner's choice that came in between", () =>
    play(async (scene) => {
      const { say, mention, replies, here } = scene;
      await chat(scene, 0, 2);
      const before = say("grace", here, "krill before");
      say("ada", here, `${mention} /send off`);
      await replies(here, 1);
      const after = say("grace", here, "krill after");
      assert.equal(await scene.decided(before), "ignore: no-mention");
      assert.equal(await scene.decided(after), "ignore: send-off");
    }, { config: { commands: OWNER } }));
});
