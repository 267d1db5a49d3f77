/** Tests events of servers that start turns: the whole bot, killed between an event and its answer. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { RequestRecord } from "../../../simulator/notes/request_log.ts";
import { addUser } from "../../../simulator/world/create_world.ts";
import { ended, KILLED, type Scene, withSimulation } from "../../support/bot/e2e.ts";
import { sharedBot } from "../../support/bot/shared_bot.ts";
import { crashPoints } from "../../support/long_form.ts";

const listening = ({ simulator, here }: Scene, entries: readonly object[]) => {
  const post = `channel:${simulator.channel(here).id}`;
  const on = entries.map((entry) => ({ post, tools: [], cooldownSec: 0, ...entry }));
  return { config: { agents: { list: [{ id: "main", on }] } } };
};

function join({ simulator }: Scene, username: string): string {
  const { id } = addUser(simulator.world, { username }, Date.now());
  simulator.invite({ who: username });
  return id;
}

/** Waits until each of so many events has its answer. */
function allAnswered(scene: Scene, events: number): Promise<void> {
  return scene.eventually("all events answered", () =>
    Promise.resolve(
      scene.rows("SELECT 1 FROM hook_event WHERE run_id IS NOT NULL").length === events &&
        scene.rows("SELECT 1 FROM hook_run WHERE state IN ('claimed', 'running')").length === 0 &&
        scene.rows("SELECT 1 FROM outbox WHERE state IN ('pending', 'sending')").length === 0,
    ));
}

describe("[W7] events of servers", () => {
  // A newcomer who has left is no member.
  const mayRefuse = ({ status, path }: RequestRecord) =>
    status === 404 && path.includes("/members/");
  const play = sharedBot({ mayRefuse });

  it("start one turn for a raid, and one for a reaction where it happened", () =>
    play(async (scene, bot) => {
      const runs = () => scene.rows("SELECT 1 FROM hook_run").length;
      const before = runs();
      const users = Array.from({ length: 5_000 }, (_, index) => join(scene, `raider${index}`));
      const [greeting = ""] = await scene.replies(scene.here, 1);
      assert.match(greeting, /5000 events of the entry agents\.list\[0\]\.on\[0\] \(member_join\)/);
      assert.match(greeting, /what your operator wants: greet them/);
      assert.match(greeting, /4980 earlier events are left out/);
      assert.equal(runs(), before + 1);
      const why = (await scene.cli("why", users[7] ?? "")).stdout.join("\n");
      assert.match(why, /Answered together with 4999 others/);

      const message = scene.say("grace", "off-topic", "remember the tide");
      scene.simulator.react({ as: "ada", in: "off-topic", message: message.id, emoji: "👍" });
      scene.simulator.react({ as: "ada", in: "off-topic", message: message.id, emoji: "📌" });
      await scene.replies("off-topic", 1);
      assert.match(
        scene.model.requests.at(-1)?.body ?? "",
        /emoji: 📌[\s\S]*grace: remember the tide/,
      );
      const later = scene.say("grace", "off-topic", "and this");
      scene.simulator.react({ as: "ada", in: "off-topic", message: later.id, emoji: "📌" });
      await scene.line(bot, /on\[1\]\.perDay \(1\) is spent/);
      assert.equal(scene.written("off-topic").length, 1);
      const [row] = scene.rows("SELECT message_id AS id FROM hook_event ORDER BY id DESC LIMIT 1");
      for (const id of [String(row?.["id"]), later.id]) {
        const limited = (await scene.cli("why", id)).stdout.join("\n");
        assert.match(
          limited,
          /It reached no one: agents\.list\[0\]\.on\[1\]\.perDay \(1\) is spent/,
        );
      }
    }, (scene) =>
      listening(scene, [
        { event: "member_join", prompt: "greet them" },
        { event: "reaction", emoji: ["📌"], post: undefined, perDay: 1 },
      ])));

  it("are answered once, however often the bot is killed, and found after a lost session", () =>
    withSimulation({}, async (scene) => {
      scene.rewrite(listening(scene, [{ event: "member_join" }]));
      const points = crashPoints(["after:T1", "posted", ""], ["after:T2", "after:T3", "before:T5"]);
      for (const [index, point] of points.entries()) {
        const bot = scene.startBot(point === "" ? {} : { BARNACLE_CRASH_AT: point });
        await Promise.race([
          scene.until("online", () => scene.simulator.connected() === 1),
          bot.exited,
        ]);
        join(scene, `newcomer${index}`);
        if (point === "") bot.kill("SIGKILL");
        else setTimeout(() => bot.kill("SIGKILL"), 15_000).unref?.(); // unless it crashes before
        assert.deepEqual(await ended(bot), KILLED);
        join(scene, `absent${index}`); // the bot is away
      }
      await scene.start();
      await allAnswered(scene, 2 * points.length);
      const runs = scene.rows("SELECT 1 FROM hook_run");
      assert.equal(scene.written("general").length, runs.length);
      const texts = scene.rows("SELECT text FROM hook_event").map(({ text }) => String(text));
      assert.equal(new Set(texts).size, 2 * points.length, texts.join("\n"));
    }));
});
