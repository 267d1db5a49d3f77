import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { ApplicationId } from "../../../../src/core/discord/ids.ts";
import { createInteractions } from "../../../../src/discord/rest/calls/interactions.ts";
import { toRestError } from "../../../../src/discord/rest/exchange/rest_error.ts";
import { createMessages } from "../../../../src/discord/rest/calls/messages.ts";
import { routeOf } from "../../../../src/discord/rest/exchange/route.ts";
import { outboundMessage } from "../../../support/discord/builders.ts";
import { checkedApi } from "../checked_api.ts";
import { withDiscord } from "../simulated.ts";

const TOKEN = "aW50ZXJhY3Rpb246MTQ1MDAwMDAwMDAwMDAwMDAwMTo";
const PRESS = { id: "1450000000000000001", token: TOKEN };
const PATH = `/interactions/${PRESS.id}/${TOKEN}/callback`;

describe("[P3] [K5] createInteractions()", () => {
  it("replaces the message's text, removes its buttons, and pings no one", async () => {
    const { api, sent } = checkedApi(undefined);
    await createInteractions(api).update(PRESS, "Ada may write now, @everyone");
    assert.deepEqual(sent, [{
      method: "POST",
      path: PATH,
      query: {},
      body: {
        type: 7,
        data: {
          content: "Ada may write now, @everyone",
          components: [],
          allowed_mentions: { parse: [] },
        },
      },
    }]);
  });

  it("[T10] keeps a card a card", async () => {
    const { api, sent } = checkedApi(undefined);
    const card = { blocks: ["Ada chose: high"], isOpen: false };
    await createInteractions(api).update(PRESS, "Ada chose: high", card);
    assert.deepEqual(sent.map(({ body }) => body), [{
      type: 7,
      data: {
        flags: 1 << 15,
        components: [{ type: 17, components: [{ type: 10, content: "Ada chose: high" }] }],
        allowed_mentions: { parse: [] },
      },
    }]);
  });

  it("[K3] replies only to the person who pressed", async () => {
    const { api, sent } = checkedApi(undefined);
    await createInteractions(api).reply(PRESS, "not authorized");
    assert.deepEqual(sent.map(({ path, body }) => [path, body]), [[PATH, {
      type: 4,
      data: { content: "not authorized", flags: 64, allowed_mentions: { parse: [] } },
    }]]);
  });

  it("[K5] sends with interaction priority, and with a timeout of three seconds", async () => {
    const { api, asked } = checkedApi(undefined);
    await createInteractions(api).update(PRESS, "done");
    const { priority, timeoutMs } = asked[0]?.[2] ?? {};
    assert.deepEqual([priority, timeoutMs], ["interaction", 3_000]);
  });

  it("[K5] completes a deferred answer through the interaction's webhook, and pings no one", async () => {
    const { api, sent, asked } = checkedApi({});
    await createInteractions(api).complete(
      { applicationId: "99" as ApplicationId, token: TOKEN },
      "ok",
    );
    assert.deepEqual(sent, [{
      method: "PATCH",
      path: `/webhooks/99/${TOKEN}/messages/@original`,
      query: {},
      body: { content: "ok", allowed_mentions: { parse: [] } },
    }]);
    assert.equal(asked[0]?.[2]?.priority, "interaction");
  });

  it("[SEC-R9] keeps the token out of metrics and errors", async () => {
    const route = routeOf("POST", PATH);
    assert.equal(route.template, "/interactions/:id/:token/callback");
    assert.equal(route.carriesToken, true, "its 401 is not about the bot's token");
    const error = toRestError(route, 404, { code: 10062, message: "Unknown interaction" });
    const { api } = checkedApi(error);
    await assert.rejects(createInteractions(api).reply(PRESS, "x"), (thrown) => {
      assert.equal(thrown, error);
      assert.doesNotMatch(`${error.message} ${error.route} ${error.stack}`, new RegExp(TOKEN));
      return true;
    });
  });

  it("escapes a token that contains a path", async () => {
    const { api, asked } = checkedApi(undefined);
    await createInteractions(api).reply({ ...PRESS, token: "../../x?y#z" }, "x");
    assert.equal(asked[0]?.[1], `/interactions/${PRESS.id}/..%2F..%2Fx%3Fy%23z/callback`);
  });
});

describe("[P3] [K5] createInteractions() and a strict Discord", () => {
  it("answers each press once: by editing the message, or with a reply to one person", () =>
    withDiscord(async ({ api, sim, demo }) => {
      const channelId = demo.channels.general.id;
      const created = await createMessages(api).create(
        outboundMessage({
          channelId,
          buttons: [
            { customId: "yes-1", label: "Let in", style: "success" },
            { customId: "no-1", label: "Keep out", style: "danger" },
          ],
        }),
        [],
        Date.now() + 60_000,
      );
      assert.ok(created.kind === "created");
      const on = { as: "ada", in: "#general", message: created.messageId, customId: "yes-1" };
      const interactions = createInteractions(api);
      const first = sim.press(on);
      await interactions.reply(first, "not authorized");
      assert.deepEqual(sim.ephemeral("ada").map(({ content }) => content), ["not authorized"]);
      await assert.rejects(interactions.update(first, "again"), { kind: "rejected", code: 40060 });
      await interactions.update(sim.press(on), "Ada let them in");
      const [posted, ...others] = sim.posted();
      assert.deepEqual(others, []);
      assert.equal(posted?.content, "Ada let them in");
      assert.throws(() => sim.press(on), "its buttons are gone");
      assert.deepEqual(sim.failedInteractions(), []);
    }));
});
