/** Tests the form of an answer on Discord. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { withSimulation } from "../../support/bot/e2e.ts";
import { sharedBot } from "../../support/bot/shared_bot.ts";
import { startFixedModel } from "../../support/model/fixed_model.ts";

const FENCE = /^```/gm;

describe("[R1] [R2] [R4] [R10] an answer on Discord", () => {
  const play = sharedBot({});

  it("[R2] is split in order, with each code fence closed and reopened", () =>
    withSimulation(
      { simulator: { rateLimits: false }, config: { messages: { maxChunks: 100 } } },
      async ({ start, say, mention, replies, written, until }) => {
        await start();
        say("grace", "general", `${mention} something long`);
        await until("the end", () => written("general").some((one) => /own code block/.test(one)));
        const parts = await replies("general", 2);
        assert.ok(parts.every((part) => [...part].length <= 2_000));
        assert.ok(
          parts.every((part) => [...part.matchAll(FENCE)].length % 2 === 0),
          parts.join("\n--\n"),
        );
        const hours = [...parts.join("\n").matchAll(/^ +(\d+) +-?\d\.\d\d m/gm)];
        assert.ok(hours.length > 100);
        assert.deepEqual(hours.map(([, hour]) => Number(hour)), [...hours.keys()]);
      },
    ));

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

  it("[R4] pings mentioned users and participants that the answer names", async () => {
    let named = "";
    await using model = await startFixedModel(() => named);
    await play(async ({ say, mention, replies, user, simulator, here }) => {
      named = `<@${user("ada").id}>, please help`;
      say("ada", here, "I know about tides");
      say("grace", here, `${mention} who knows about tides?`);
      await replies(here, 1);
      assert.deepEqual(simulator.posted(here)[0]?.pings.users, [user("ada").id]);
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

  it("[D5] waits for a rate limit, and is sent once", () =>
    play(async (scene) => {
      const { say, mention, replies, simulator, here } = scene;
      simulator.faults.rest.add({
        method: "POST",
        route: "/channels/:id/messages", // and not that of the typing indicator
        times: 1,
        fault: { kind: "rate_limit", retryAfterSec: 0.7, scope: "user" },
      });
      say("grace", here, `${mention} slowly`);
      await replies(here, 1);
      const posts = simulator.requests.records()
        .filter(({ method, path }) => method === "POST" && path.endsWith("/messages"));
      assert.deepEqual(posts.map(({ status }) => status), [429, 200]);
      assert.ok((posts[1]?.at ?? 0) - (posts[0]?.at ?? 0) >= 700);
    }, { mayRefuse: ({ status }) => status === 429 }));

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
