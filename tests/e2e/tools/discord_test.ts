/** Tests the tool `discord` as people on Discord see it (T3 to T5), and through crashes (D1). */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { buttonsIn, textOf } from "../../../simulator/world/components.ts";
import { ended, KILLED, type Scene, withSimulation } from "../../support/bot/e2e.ts";
import { goOn } from "../../support/bot/go_on.ts";
import { sharedBot } from "../../support/bot/shared_bot.ts";
import { crashPoints } from "../../support/long_form.ts";

const call = (args: object) => `call: discord ${JSON.stringify(args)}`;

/** Asks the bot for a call, and returns its answer. */
async function asked(scene: Scene, args: object, as = "grace", count = 1): Promise<string> {
  // The model reads `<:name:id>` as people see it, unless it is JSON like this.
  const written = call(args).replaceAll("<", "\\u003c");
  scene.say(as, scene.here, `${scene.mention}\n${written}`);
  return (await scene.replies(scene.here, count))[count - 1] ?? "";
}

const idOf = ({ simulator }: Scene, name: string) => String(simulator.channel(name).id);

function messageIn({ simulator }: Scene, where: string, id: string) {
  return [...simulator.channel(where).messages.values()].find((one) => String(one.id) === id);
}

describe("[T3] the tool discord", () => {
  const play = sharedBot({
    mayRefuse: ({ method, path }) => method === "GET" || path.includes("/reactions/"),
    discord: ({ world }) => ({
      guilds: {
        [[...world.guilds.keys()][0] ?? ""]: {
          channels: { "*": {}, "off-topic": { users: ["ada"] } },
        },
      },
    }),
  });

  it("posts to another channel, and tells the id", () =>
    play(async (scene) => {
      const text = "The tide is high. @everyone";
      const reply = await asked(scene, {
        action: "sendMessage",
        channelId: idOf(scene, "help"),
        text,
      });
      assert.match(reply, /"sent":true/);
      const [posted = ""] = scene.written("help");
      assert.match(posted, /The tide is high\./);
      const [id = ""] = /\d{15,}(?="\])/.exec(reply) ?? [];
      assert.ok(messageIn(scene, "help", id));
    }));

  it("[D1] posts to its own channel before the answer", () =>
    play(async (scene) => {
      scene.say(
        "grace",
        scene.here,
        `${scene.mention}\n${call({ action: "sendMessage", text: "one" })}`,
      );
      const [first, second = ""] = await scene.replies(scene.here, 2);
      assert.equal(first, "one");
      assert.match(second, /The tools returned/);
    }));

  it("[T4] [SEC-R4] takes nothing out of a private place without the asker's press, and only one card asks", () =>
    play(async (scene) => {
      const { simulator, here, say, mention, until, written, replies } = scene;
      simulator.permit({ in: here, to: "@everyone", what: "viewChannel", as: "denied" });
      for (const to of ["grace", "Barnacle"]) {
        simulator.permit({ in: here, to, what: "viewChannel", as: "allowed" });
      }
      const channelId = idOf(scene, "room-31");
      const messageId = String(say("ada", "room-31", "Nice").id);
      const hidden = [
        { action: "sendMessage", channelId, text: "a" },
        { action: "react", channelId, messageId, emoji: "🇧" },
        { action: "sendMessage", channelId, text: "c" },
      ];
      const reacted = () => messageIn(scene, "room-31", messageId)?.reactions.has("🇧") ?? false;
      const asks = `${mention} what is in <#${channelId}>? a b c`;
      say("grace", here, [asks, ...hidden.map(call)].join("\n"));
      const shown = () =>
        simulator.posted(simulator.channel(here).id).filter(({ components }) =>
          buttonsIn(components).length > 0
        );
      await until("the card", () => shown().length > 0);
      assert.equal(shown().length, 1);
      for (const one of hidden) assert.ok(textOf(shown()[0] ?? assert.fail()).includes(one.action));
      assert.deepEqual([written("room-31"), reacted()], [[], false]);
      await goOn(scene, here);
      await until("all effects", () => written("room-31").length === 2 && reacted());
      await replies(here, 2);

      // The asker's own words need no card, once.
      const post = call({ action: "sendMessage", channelId, text: "dinner at eight" });
      say("grace", here, `${mention} post "dinner at eight" in <#${channelId}>\n${post}`);
      await until("the words", () => written("room-31").includes("dinner at eight"));
    }));
});

describe("[D1] a crash while a tool sends", () => {
  const points = crashPoints(
    ["before:TS", "after:T4", "before:T3"],
    ["after:TS", "before:T4", "before:T5", "after:T5"],
  );
  for (const point of points) {
    it(`${point} › neither loses nor doubles the message`, () =>
      withSimulation({}, async (scene) => {
        const { say, mention, start } = scene;
        const dying = await start({ BARNACLE_CRASH_AT: point });
        const args = { action: "sendMessage", channelId: idOf(scene, "help"), text: "once" };
        say("grace", "general", `${mention}\n${call(args)}`);
        assert.deepEqual(await ended(dying), KILLED);
        await start();
        await scene.replies("general", 1);
        assert.deepEqual(scene.written("help"), ["once"]);
        assert.equal(scene.written("general").length, 1);
      }));
  }
});
