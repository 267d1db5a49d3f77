/** Tests the form of an answer on Discord. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { sharedBot } from "../../support/bot/shared_bot.ts";
import { startFixedModel } from "../../support/model/fixed_model.ts";

describe("[R1] [R2] [R4] [R10] an answer on Discord", () => {
  const play = sharedBot({});

  it("[R4] pings only the asker, although the model writes other mentions", async () => {
    let loud = "";
    await using model = await startFixedModel(() => loud);
    await play(async ({ say, mention, replies, user, simulator, here }) => {
      const [krill] = simulator.world.guilds.values();
      loud = `@everyone @here <@${user("mallory").id}> <@&${krill?.id}> <@${user("grace").id}>`;
      say("grace", here, `${mention} call everyone`);
      await replies(here, 1);
      const [message] = simulator.posted(here);
      assert.equal(message?.content, loud);
      assert.deepEqual(message?.pings, { users: [user("grace").id], roles: [], everyone: false });
      const { body } = simulator.requests.records().find(({ method, path }) =>
        method === "POST" && path.endsWith("/messages") // and not typing
      ) ?? {};
      assert.deepEqual((body as { allowed_mentions: unknown }).allowed_mentions, {
        parse: [],
        users: [user("grace").id],
        roles: [],
        replied_user: false,
      });
    }, { config: model.config });
  });

  it("[R10] is left out if the model declines, which is recorded", async () => {
    await using model = await startFixedModel((asked) =>
      asked.includes("shall I") ? "NO_REPLY" : "at last"
    );
    await play(async ({ say, mention, replies, simulator, rows, until, here }) => {
      const asked = ["shall I?", "and now?"].map((text) =>
        say("grace", here, `${mention} ${text}`)
      );
      assert.deepEqual(await replies(here, 1), ["at last"]);
      const states = () =>
        asked.map(({ id }) =>
          rows(`SELECT state FROM inbox WHERE message_id = '${id}'`)[0]?.["state"]
        );
      await until("both states", () => states().join() === "declined,answered");
      assert.equal(simulator.posted().length, 1);
    }, { config: model.config });
  });

  for (const kind of ["reset_after", "cut_body", "garbage"] as const) {
    it(`[D2] is sent once although the response to its request is lost (${kind})`, () =>
      play(async ({ here, say, mention, replies, until, simulator }) => {
        const route = "/channels/:id/messages";
        simulator.faults.rest.add({ method: "POST", route, times: 1, fault: { kind } });
        say("grace", here, `${mention} q1`);
        await replies(here, 1);
        say("grace", here, `${mention} q2`);
        await until(
          "q2",
          () => simulator.posted().some(({ content }) => content.includes("q2")),
        );
        assert.equal(simulator.posted().length, 2);
      }));
  }
});
