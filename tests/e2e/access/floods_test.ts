/**
 * Tests that people without rights cannot keep the bot from answering an owner.
 *
 * The order of the answers shows that, however busy the machine is: an owner's leaves before those that
 * wait. Their pace and the three seconds of a stop have tests on a clock of their own.
 */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { RequestRecord } from "../../../simulator/notes/request_log.ts";
import {
  FLOODED_FROM,
  PER_PERSON,
  PER_PERSON_FLOODED,
} from "../../../src/discord/gateway/shard/acknowledge.ts";
import type { Interaction } from "../../../simulator/world/world.ts";
import { addMember, addUser } from "../../../simulator/world/create_world.ts";
import { NOT_AUTHORIZED } from "../../../src/render/sentences.ts";
import { stopBot, withSimulation } from "../../support/bot/e2e.ts";

/** Commands of one person. */
const FLOOD = 900;

/** A Discord that waits: on a busy machine, a flood takes longer than the three seconds of an answer. */
const WAITING = { interactionMs: 600_000 };

/** A grace period that no stop of a test may need. */
const PATIENT = { shutdown: { graceSec: 600 } };

/** A command that Discord shows as "is thinking". */
const waits = ({ answer }: Interaction): boolean => answer?.kind === "deferred";

/** The bot's answer may overtake the gateway thread's acknowledgement, and is then tried again (K5). */
const isEarly = ({ path, status }: RequestRecord): boolean =>
  status === 404 && path.startsWith("/webhooks/");

const isOfInteraction = ({ path }: RequestRecord): boolean =>
  path.startsWith("/webhooks/") || path.startsWith("/interactions/");

const isTold = ({ body, status }: RequestRecord): boolean =>
  status === 200 && JSON.stringify(body ?? "").includes(NOT_AUTHORIZED);

describe("[X4a] a flood of commands by a person without rights", () => {
  it("costs one refusal and a few requests, and an owner is answered", () =>
    withSimulation({
      simulator: WAITING,
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
    withSimulation(
      { simulator: WAITING, mayRefuse: isEarly, config: PATIENT },
      async (scene) => {
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
        assert.deepEqual(await scene.replies("help", 1), [NOT_AUTHORIZED]);
        assert.equal(first?.reactions.has("🚫"), false);
        const taken = people.flatMap((as, n) => {
          const give = () => command({ as, in: "#general", name: "help" });
          const given = Array.from({ length: PER_PERSON }, give);
          return given.slice(0, n * PER_PERSON < FLOODED_FROM ? PER_PERSON : PER_PERSON_FLOODED);
        });
        for (let n = 0; n < 5; n++) {
          const own = command({ as: "ada", in: "#general", name: "status" });
          await until("the acknowledgement", () => own.answer);
          const ahead = taken.filter(waits);
          await until("the answer", () => simulator.ephemeral("ada").length > n);
          const isAhead = ahead.length < FLOODED_FROM / 2 || ahead.some(waits);
          assert.ok(isAhead, `command ${n} came after ${ahead.length} others`);
        }
        // On a busy machine, a request may end without an answer; the log has each.
        const lost = () => bot.lines.filter((line) => line.includes('"outcome":"no answer"'));
        const open = () => taken.filter(({ answer }) => !answer);
        await until("acknowledgements", () => open().length <= lost().length);
        await stopBot(bot);
      },
    ));
});
