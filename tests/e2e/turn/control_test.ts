/** Tests edits, deletions, queue modes and stops as people on Discord see them. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { isDeepStrictEqual } from "node:util";
import type { RequestRecord } from "../../../simulator/notes/request_log.ts";
import { ended, KILLED, type Scene, withSimulation } from "../../support/bot/e2e.ts";
import { sharedBot } from "../../support/bot/shared_bot.ts";
import { crashPoints } from "../../support/long_form.ts";
import { settleIn } from "../../support/bot/survival.ts";

const inMode = (mode?: string) => ({
  config: { messages: { queue: { ...(mode && { mode }), perUser: 100, perChannel: 100 } } },
});

/** Lets the model hang at the next request, and waits until it has that request. */
async function hangAt({ model, until }: Scene, ask: () => void): Promise<void> {
  const before = model.requests.length;
  model.behave("hang", 1);
  ask();
  await until("the request", () => model.requests.length > before);
}

/** Waits for the states of the newest messages, in the order of their arrival. */
const states = ({ eventually, rows }: Scene, ...expected: readonly string[]) =>
  eventually(`the states ${expected}`, () => {
    const found = rows("SELECT state FROM inbox ORDER BY id").map(({ state }) => state);
    return Promise.resolve(isDeepStrictEqual(found.slice(-expected.length), expected));
  });

const lastText = ({ model }: Scene) => model.requests.at(-1)?.messages.at(-1)?.text ?? "";

describe("[H6] the bot", () => {
  const GONE = { mayRefuse: ({ path }: RequestRecord) => path.includes("/reactions/") };
  const play = sharedBot({});

  it("[S5] [K3] stops by the slash command: it ends only the person's own turns in a guild", () =>
    play(async (scene) => {
      const { simulator, say, mention, replies, eventually, here } = scene;
      await eventually(
        "the commands",
        () => Promise.resolve(simulator.application.commands.length > 0),
      );
      await hangAt(scene, () => say("grace", here, `${mention} one`));
      say("ada", here, `${mention} two`);
      await states(scene, "running", "running");
      simulator.command({ as: "grace", in: here, name: "stop" });
      await replies(here, 1);
      await states(scene, "stopped", "answered");
    }, GONE));

  for (const point of crashPoints(["before:T1"], ["after:T1"])) {
    it(`${point} of the edit › answers the edited text once`, () =>
      withSimulation({}, async (scene) => {
        await settleIn(scene);
        const { simulator, start, say, mention, replies, model, until } = scene;
        const before = model.requests.length;
        const dying = await start({ BARNACLE_CRASH_AT: `${point}:2` });
        model.behave("hang", 1);
        const { id: message } = say("grace", "general", `${mention} the old question`);
        await until("the request", () => model.requests.length > before);
        simulator.edit({
          as: "grace",
          in: "general",
          message,
          text: `${mention} the new question`,
        });
        assert.deepEqual(await ended(dying), KILLED);
        await start();
        await replies("general", 1);
        say("grace", "general", `${mention} later`);
        const [first = "", second = ""] = await replies("general", 2);
        assert.match(first, /> the new question/);
        assert.match(second, /> later/);
      }));
  }

  describe("[S5] messages that arrive during a turn", () => {
    it("share one turn and one reply in guilds", () =>
      play(async (scene) => {
        const { simulator, say, mention, replies, model, here } = scene;
        let first = "";
        await hangAt(scene, () => {
          first = say("grace", here, `${mention} one`).id;
        });
        say("grace", here, `${mention} two`);
        say("grace", here, `${mention} three`);
        simulator.edit({ as: "grace", in: here, message: first, text: `${mention} one, again` });
        const [, reply = ""] = await replies(here, 2);
        assert.match(reply, /> three/);
        const request = model.requests.at(-1);
        assert.match(lastText(scene), /two[^]*three/);
        assert.equal(request?.messages.filter(({ text }) => text.includes("two")).length, 1);
        await states(scene, "answered", "answered", "answered");
      }, inMode()));
  });
});
