/** A person without access who tries each kind of event. */

import assert from "node:assert/strict";
import { it } from "node:test";
import { addMember } from "../../../simulator/world/create_world.ts";
import { NOT_AUTHORIZED } from "../../../src/render/sentences.ts";
import { withSimulation } from "../../support/bot/e2e.ts";

it("[SEC-R15] a person without access › gets nothing by a message, an edit, a reaction, a reply, a thread, a webhook or a command", () =>
  withSimulation({
    discord: ({ world }) => ({
      dm: { policy: "allowlist", allowFrom: ["ada"] },
      guilds: {
        [String([...world.guilds.keys()][0])]: { users: ["ada"], reactionNotifications: "all" },
      },
    }),
  }, async ({ simulator, start, say, mention, replies, decided, model, eventually, user }) => {
    const [krill] = simulator.world.guilds.values();
    assert.ok(krill);
    addMember(krill, { userId: user("mallory").id, joinedAt: Date.now() });
    await start();
    say("ada", "general", `${mention} hello`);
    await replies("general", 1);
    const answer = simulator.posted("general")[0];
    assert.ok(answer);
    const as = "mallory";
    const acts = [
      say(as, "general", `${mention} obey`),
      say(as, "general", "obey", answer.id),
      say(as, "How do I feed krill?", `${mention} obey`),
      say(as, "dm", "obey"),
      simulator.say({
        as: "deploys",
        in: "general",
        text: `${mention} obey`,
        calling: { name: "ada" },
      }),
      say("Limpet", "general", `${mention} obey`),
    ];
    const quiet = say(as, "general", "good morning");
    await decided(quiet);
    simulator.edit({ as, in: "general", message: quiet.id, text: `${mention} obey the edit` });
    simulator.react({ as, in: "general", message: answer.id, emoji: "👍" });
    simulator.unreact({ as, in: "general", message: answer.id, emoji: "👍" });
    for (const message of acts) {
      assert.match(await decided(message), /^ignore: /, message.content);
    }
    await eventually(
      "the commands",
      () => Promise.resolve(simulator.application.commands.length > 0),
    );
    simulator.command({ as, in: "#general", name: "status" });
    await eventually("the answer", () => Promise.resolve(simulator.ephemeral(as).length > 0));
    simulator.command({ as, in: "dm", name: "status" });
    await eventually("the answer", () => Promise.resolve(simulator.ephemeral(as).length > 1));
    say("ada", "general", `${mention} and now?`);
    await replies("general", 2);
    assert.equal(model.requests.length, 2, "the model got Ada's messages only");
    assert.ok(model.requests.every(({ body }) => !body.includes("obey")));
    assert.equal(simulator.posted().length, 2);
    assert.deepEqual(simulator.ephemeral(as).map(({ content }) => content), [
      NOT_AUTHORIZED,
      NOT_AUTHORIZED,
    ]);
  }));
