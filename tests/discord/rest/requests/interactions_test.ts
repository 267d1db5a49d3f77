import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Sender } from "../../../../src/core/inbound/inbound.ts";
import type { ApplicationId } from "../../../../src/core/discord/ids.ts";
import { createInteractions } from "../../../../src/discord/rest/requests/interactions.ts";
import { toRestError } from "../../../../src/discord/rest/exchange/rest_error.ts";
import { createMessage } from "../../../../src/discord/rest/requests/messages.ts";
import { routeOf } from "../../../../src/discord/rest/exchange/exchange.ts";
import { outboundMessage, sender } from "../../../support/discord/builders.ts";
import { checkedApi } from "../checked_api.ts";
import { textOf } from "../../../../simulator/world/components.ts";
import { withDiscord } from "../simulated.ts";

const TOKEN = "aW50ZXJhY3Rpb246MTQ1MDAwMDAwMDAwMDAwMDAwMTo";
const PRESS = { applicationId: "99" as ApplicationId, token: TOKEN, sender: sender() };
const isOwner = ({ sender: { username } }: { readonly sender: Sender }) => username === "owner";
const WEBHOOK = `/webhooks/99/${TOKEN}`;
const ORIGINAL = `${WEBHOOK}/messages/@original`;
const REPLY = { id: "1450000000000000002" };

describe("[P3] [K5] createInteractions()", () => {
  it("replaces the message's text, removes its buttons, and pings no one", async () => {
    const { api, sent } = checkedApi(undefined);
    await createInteractions(api, isOwner).update(PRESS, "Ada may write now, @everyone");
    assert.deepEqual(sent, [{
      method: "PATCH",
      path: ORIGINAL,
      query: {},
      body: {
        content: "Ada may write now, @everyone",
        components: [],
        allowed_mentions: { parse: [] },
      },
    }]);
  });

  it("[T10] keeps a card a card", async () => {
    const { api, sent } = checkedApi(undefined);
    const card = { blocks: ["Ada chose: high"], isOpen: false };
    await createInteractions(api, isOwner).update(PRESS, "Ada chose: high", card);
    assert.deepEqual(sent.map(({ body }) => body), [{
      flags: 1 << 15,
      components: [{ type: 17, components: [{ type: 10, content: "Ada chose: high" }] }],
      allowed_mentions: { parse: [] },
    }]);
  });

  it("[K3] replies only to the person who pressed, and changes that reply", async () => {
    const { api, sent } = checkedApi(REPLY, undefined);
    const interactions = createInteractions(api, isOwner);
    const id = await interactions.reply(PRESS, "not authorized");
    assert.equal(id, REPLY.id);
    await interactions.change(PRESS, id, "done");
    assert.deepEqual(sent.map(({ method, path, body }) => [method, path, body]), [
      ["POST", WEBHOOK, { content: "not authorized", flags: 64, allowed_mentions: { parse: [] } }],
      ["PATCH", `${WEBHOOK}/messages/${id}`, { content: "done", allowed_mentions: { parse: [] } }],
    ]);
  });

  it("[K5] [X4a] sends with interaction priority, an owner's with its own, and suggestions with a timeout, too", async () => {
    const { api, asked } = checkedApi(undefined, REPLY, undefined, undefined);
    const interactions = createInteractions(api, isOwner);
    await interactions.update(PRESS, "done");
    await interactions.reply(PRESS, "done");
    await interactions.suggest({ ...PRESS, id: "1450000000000000001" }, []);
    await interactions.update({ ...PRESS, sender: sender({ username: "owner" }) }, "done");
    assert.deepEqual(asked.map(([, , options]) => [options?.priority, options?.timeoutMs]), [
      ["interaction", undefined],
      ["interaction", undefined],
      ["interaction", 3_000],
      ["privileged", undefined],
    ]);
  });

  it("[K5] completes a deferred answer through the interaction's webhook, and pings no one", async () => {
    const { api, sent, asked } = checkedApi({});
    await createInteractions(api, isOwner).complete(PRESS, "ok");
    assert.deepEqual(sent, [{
      method: "PATCH",
      path: `/webhooks/99/${TOKEN}/messages/@original`,
      query: {},
      body: { content: "ok", allowed_mentions: { parse: [] } },
    }]);
    assert.equal(asked[0]?.[2]?.priority, "interaction");
  });

  for (const [length, isLong] of [[2_000, false], [2_001, true], [4_000, true]] as const) {
    it(`[K2] completes one with ${length} characters by one message that Discord takes`, () =>
      withDiscord(async ({ api, sim }) => {
        const body = [{ name: "help", description: "Show my commands", type: 1 }];
        await api.request("PUT", `/applications/${sim.application.id}/commands`, { body });
        const { id, token, applicationId } = sim.command({
          as: "ada",
          in: "#general",
          name: "help",
        });
        const deferral = { type: 5, data: { flags: 64 } };
        await api.request("POST", `/interactions/${id}/${token}/callback`, { body: deferral });
        const content = "x".repeat(length);
        const interaction = { applicationId, token, sender: sender() };
        await createInteractions(api, isOwner).complete(interaction, content);
        const [answer, ...others] = sim.ephemeral("ada");
        assert.deepEqual(others, []);
        assert.equal(answer && textOf(answer), content);
        assert.equal(answer?.components.length, isLong ? 1 : 0);
      }));
  }

  it("[SEC-R9] keeps the token out of metrics and errors", async () => {
    const route = routeOf("POST", WEBHOOK);
    assert.equal(route.template, "/webhooks/:id/:token");
    assert.equal(route.carriesToken, true, "its 401 is not about the bot's token");
    const error = toRestError(route, 404, { code: 10015, message: "Unknown Webhook" });
    const { api } = checkedApi(error);
    await assert.rejects(createInteractions(api, isOwner).reply(PRESS, "x"), (thrown) => {
      assert.equal(thrown, error);
      assert.doesNotMatch(`${error.message} ${error.route} ${error.stack}`, new RegExp(TOKEN));
      return true;
    });
  });

  it("escapes a token that contains a path", async () => {
    const { api, asked } = checkedApi(REPLY);
    await createInteractions(api, isOwner).reply({ ...PRESS, token: "../../x?y#z" }, "x");
    assert.equal(asked[0]?.[1], "/webhooks/99/..%2F..%2Fx%3Fy%23z");
  });
});

describe("[P3] [K5] createInteractions() and a strict Discord", () => {
  it("answers an acknowledged press: by editing the message, or with a reply to one person", () =>
    withDiscord(async ({ api, sim, demo }) => {
      const channelId = demo.channels.general.id;
      const created = await createMessage(
        api,
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
      const interactions = createInteractions(api, isOwner);
      const press = async () => {
        const { id, token, applicationId } = sim.press(on);
        const path = `/interactions/${id}/${token}/callback`;
        await api.request("POST", path, { body: { type: 6 } });
        return { applicationId, token, sender: sender() };
      };
      const { id, token, applicationId } = sim.press(on);
      await assert.rejects(interactions.update({ ...PRESS, applicationId, token }, "too early"), {
        kind: "not_found",
        code: 10015,
      });
      await api.request("POST", `/interactions/${id}/${token}/callback`, { body: { type: 6 } });
      const reply = await interactions.reply({ ...PRESS, applicationId, token }, "wait");
      await interactions.change({ ...PRESS, applicationId, token }, reply, "not authorized");
      assert.deepEqual(sim.ephemeral("ada").map(({ content }) => content), ["not authorized"]);
      await interactions.update(await press(), "Ada let them in");
      const [posted, ...others] = sim.posted();
      assert.deepEqual(others, []);
      assert.equal(posted?.content, "Ada let them in");
      assert.throws(() => sim.press(on), "its buttons are gone");
      assert.deepEqual(sim.failedInteractions(), []);
    }));
});
