/** Tests that people without rights cannot keep the bot from answering an owner. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { RequestRecord } from "../../../simulator/notes/request_log.ts";
import {
  FLOODED_FROM,
  PER_PERSON,
  PER_PERSON_FLOODED,
} from "../../../src/discord/gateway/shard/interaction_limit.ts";
import { addMember, addUser } from "../../../simulator/world/create_world.ts";
import { NOTICES } from "../../../src/render/notices/notices.ts";
import { stopBot, withSimulation } from "../../support/bot/e2e.ts";

/** Commands of one person. */
const FLOOD = 900;

/** The bot's answer may overtake the gateway thread's acknowledgement, and is then tried again (K5). */
const isEarly = ({ path, status }: RequestRecord): boolean =>
  status === 404 && path.startsWith("/webhooks/");

const isOfInteraction = ({ path }: RequestRecord): boolean =>
  path.startsWith("/webhooks/") || path.startsWith("/interactions/");

const isTold = ({ body, status }: RequestRecord): boolean =>
  status === 200 && JSON.stringify(body ?? "").includes(NOTICES.notAuthorized.text);

describe("[X4a] a flood of commands by a person without rights", () => {
  it("costs one refusal and a few requests, and an owner is answered", () =>
    withSimulation({
      mayRefuse: isEarly,
      discord: (simulator) => ({
        guilds: { [[...simulator.world.guilds.keys()][0] ?? ""]: { users: ["ada"] } },
      }),
    }, async (scene) => {
      const { simulator, say, mention, replies, eventually } = scene;
      await scene.start();
      const { application, requests, command } = simulator;
      await eventually("the commands", () => Promise.resolve(application.commands.length > 0));
      const given = Array.from(
        { length: FLOOD },
        (_, n) => command({ as: "grace", in: "#general", name: n % 2 ? "status" : "pause" }),
      );
      say("ada", "general", `${mention} high tide?`);
      const before = requests.records().length;
      assert.equal((await replies("general", 1)).length, 1);
      const first = requests.records().slice(before).filter(isOfInteraction);
      assert.ok(first.length <= 4 * PER_PERSON, `${first.length} before the owner's answer`);
      await eventually("a refusal", () => Promise.resolve(requests.records().some(isTold)));
      say("ada", "general", `${mention} low tide?`);
      assert.equal((await replies("general", 2)).length, 2);
      assert.ok(requests.records().filter(isTold).length <= PER_PERSON);
      assert.equal(given.filter(({ answer }) => answer).length, PER_PERSON);
    }));
});

describe("[X4a] a flood of commands by many people who may give them", () => {
  it("delays neither an owner's commands nor a stop", () =>
    withSimulation({ mayRefuse: isEarly }, async (scene) => {
      const { simulator, eventually, until } = scene;
      const bot = await scene.start();
      const { world, command } = simulator;
      const [krill] = world.guilds.values();
      assert.ok(krill);
      const people = Array.from({ length: FLOODED_FROM / PER_PERSON + 15 }, (_, n) => {
        const { id: userId } = addUser(world, { username: `crab${n}` }, Date.now());
        addMember(krill, { userId, joinedAt: Date.now() });
        return userId;
      });
      await eventually(
        "the commands",
        () => Promise.resolve(simulator.application.commands.length > 0),
      );
      const [first, again] = [1, 2].map(() =>
        scene.say("grace", "help", `${scene.mention} /pause`)
      );
      await until("a mark in place of a second refusal", () => again?.reactions.has("🚫"));
      assert.deepEqual(scene.written("help"), [NOTICES.notAuthorized.text]);
      assert.equal(first?.reactions.has("🚫"), false);
      let total = 0;
      for (const as of people) {
        const give = () => command({ as, in: "#general", name: "help" });
        const given = Array.from({ length: PER_PERSON }, give);
        const taken = given.slice(0, total < FLOODED_FROM ? PER_PERSON : PER_PERSON_FLOODED);
        await until("acknowledgements", () => taken.every(({ answer }) => answer));
        total += taken.length;
      }
      for (let n = 0; n < 5; n++) {
        const startedAt = performance.now();
        command({ as: "ada", in: "#general", name: "status" });
        await until("the answer", () => simulator.ephemeral("ada").length > n);
        assert.ok(performance.now() - startedAt <= 2_000, `command ${n}`);
      }
      const stoppedAt = performance.now();
      await stopBot(bot);
      assert.ok(performance.now() - stoppedAt <= 5_000);
    }));
});

describe("[G12] [X4a] a stop while Discord takes no answers to commands", () => {
  it("waits three seconds for them, and the log has one line", () =>
    withSimulation({ mayRefuse: isEarly }, async ({ start, simulator, eventually, until }) => {
      const bot = await start();
      const { application, command } = simulator;
      await eventually("the commands", () => Promise.resolve(application.commands.length > 0));
      const route = "/webhooks/:id/:token/messages/@original";
      const slow = simulator.faults.rest.add({ route, fault: { kind: "hang" } });
      const given = [1, 2, 3].map(() => command({ as: "grace", in: "#general", name: "help" }));
      await until("an answer", () => slow.hits() > 0 && given.every(({ answer }) => answer));
      const stoppedAt = performance.now();
      await stopBot(bot);
      assert.ok(performance.now() - stoppedAt <= 5_000);
      assert.equal(bot.lines.filter((line) => line.includes("Cannot answer")).length, 1);
    }));
});

describe("[X4a] a flood of mentions by people without rights", () => {
  it("causes no request to Discord or the model, and an owner is answered", () =>
    withSimulation({
      discord: (simulator) => ({
        guilds: { [[...simulator.world.guilds.keys()][0] ?? ""]: { users: ["ada"] } },
      }),
      config: { messages: { ackReaction: "" } },
    }, async (scene) => {
      const { simulator, model, say, mention, replies, decided } = scene;
      await scene.start();
      const { requests } = simulator;
      const before = requests.records().length;
      const asked = Array.from(
        { length: FLOOD },
        (_, n) => say("grace", "general", `${mention} answer ${n}`),
      );
      say("ada", "general", `${mention} high tide?`);
      assert.equal((await replies("general", 1)).length, 1);
      for (const message of asked.slice(-2)) assert.match(await decided(message), /^ignore: /);
      assert.equal(model.requests.length, 1);
      const written = requests.records().slice(before).filter(({ method, path }) =>
        method === "POST" && !path.endsWith("/typing")
      );
      assert.equal(written.length, 1, "the answer to ada");
    }));
});

describe("[X4a] a person with slow questions in many channels", () => {
  it("has one running turn, and an owner is answered meanwhile", () =>
    withSimulation({ simulator: { rateLimits: false } }, async (scene) => {
      const { model, say, mention, replies, until } = scene;
      await scene.start();
      model.behave("hang", 1);
      for (const where of ["general", "help", "off-topic"]) say("grace", where, `${mention} slow?`);
      await until("the model", () => model.requests.length > 0);
      say("ada", "off-topic", `${mention} high tide?`);
      assert.equal((await replies("off-topic", 1)).length, 1);
      assert.equal(model.requests.length, 2, "one of grace, one of ada");
    }));
});
