import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { RawMessage } from "../../../../src/core/turn/discord_place.ts";
import type { ApplicationId, ChannelId, MessageId } from "../../../../src/core/discord/ids.ts";
import type { Sender } from "../../../../src/core/inbound/inbound.ts";
import { isSame } from "../../../../src/core/outbound/outbound.ts";
import type { RestApi } from "../../../../src/discord/rest/client/client.ts";
import { RestError, routeOf, toRestError } from "../../../../src/discord/rest/exchange/exchange.ts";
import {
  createInteractions,
  createMessage,
  readHistory,
  readPosted,
} from "../../../../src/discord/rest/requests/messages.ts";
import { textOf } from "../../../../simulator/world/components.ts";
import {
  channelId,
  messageId,
  outboundMessage,
  sender,
  userId,
} from "../../../support/discord/builders.ts";
import { sameData } from "../../../support/same_data.ts";
import { checkedApi } from "../checked_api.ts";
import { withDiscord } from "../simulated.ts";

const TOKEN = "aW50ZXJhY3Rpb246MTQ1MDAwMDAwMDAwMDAwMDAwMTo";
const PRESS = { applicationId: "99" as ApplicationId, token: TOKEN, sender: sender() };
const isOwner = ({ sender: { username } }: { readonly sender: Sender }) => username === "owner";
const WEBHOOK = `/webhooks/99/${TOKEN}`;
const ORIGINAL = `${WEBHOOK}/messages/@original`;
const REPLY = { id: "1450000000000000002" };

describe("[P3] [K5] createInteractions()", () => {
  it("replaces the message's text, removes its buttons, pings no one, and shows no previews", async () => {
    const { api, sent } = checkedApi(undefined);
    await createInteractions(api, isOwner).update(PRESS, "Ada may write now, @everyone");
    assert.deepEqual(sent, [{
      method: "PATCH",
      path: ORIGINAL,
      query: {},
      body: {
        flags: 1 << 2,
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

it("[P3] [K5] createInteractions() and a strict Discord › answers an acknowledged press: by editing the message, or with a reply to one person", () =>
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

const CHANNEL = channelId("1400000000000000002");

function fakeApi(answer: unknown) {
  const asked: string[] = [];
  const api: RestApi = {
    request(method, path) {
      asked.push(`${method} ${path}`);
      return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer);
    },
  };
  return { api, asked };
}

it("[H1] readHistory() › returns the messages in Discord's own form", async () => {
  const messages = [{ id: "2", message_reference: { message_id: "1" } }, { id: "1", nonce: null }];
  const { api } = fakeApi(messages);
  assert.deepEqual(await readHistory(api, CHANNEL, { limit: 2 }), messages);
});

const BOT = userId("1400000000000000003");
const NOT_AFTER = 4_000_000_000_000;
const ROUTE = "GET /channels/:id/messages";

function reading(answer: readonly RawMessage[] | Error) {
  const { api, asked } = fakeApi(answer);
  const read = (channel: ChannelId, before?: MessageId) => readPosted(api, channel, before);
  return { read, asked };
}

const raw = (id: string, fields: Record<string, unknown> = {}): RawMessage => ({
  id,
  author: { id: BOT },
  content: "hello",
  attachments: [],
  ...fields,
});

describe("[D2] readPosted()", () => {
  it("keeps the author, the content, the quote and the file sizes", async () => {
    const { read, asked } = reading([
      raw("12", { message_reference: { message_id: "7" }, referenced_message: null }),
      raw("11", { attachments: [{ filename: "a.md", size: 3 }, { filename: "b.md", size: 4 }] }),
    ]);
    sameData(await read(CHANNEL), {
      kind: "page",
      messages: [
        { id: "12", authorId: BOT, content: "hello", quote: "7", fileSizes: [] },
        { id: "11", authorId: BOT, content: "hello", fileSizes: [3, 4] },
      ],
      oldest: "11",
      isLast: true,
    });
    sameData(asked, [`${ROUTE.replace(":id", CHANNEL)}?limit=100`]);
  });

  it("reads the page before a message, and does not mark a full page as the last", async () => {
    const { read, asked } = reading(Array.from({ length: 100 }, (_, at) => raw(String(500 - at))));
    const page = await read(CHANNEL, messageId("900"));
    assert.ok(page.kind === "page" && !page.isLast && page.oldest === "401");
    assert.deepEqual(asked, [`${ROUTE.replace(":id", CHANNEL)}?limit=100&before=900`]);
  });

  it("skips a malformed message, and reads on behind it", async () => {
    const { read } = reading([raw("12"), { id: "11", content: null }]);
    const page = await read(CHANNEL);
    assert.ok(page.kind === "page");
    assert.deepEqual(page.messages.map(({ id }) => id), ["12"]);
    assert.equal(page.oldest, "11");
  });

  it("has no oldest message for an empty page", async () => {
    const { read } = reading([]);
    sameData(await read(CHANNEL), { kind: "page", messages: [], isLast: true });
  });

  const failures = [
    ["unsent", { kind: "unread", why: "unreachable" }],
    ["unavailable", { kind: "unread", why: "unreachable" }],
    ["forbidden", { kind: "unread", why: "forbidden" }],
    ["not_found", { kind: "unread", why: "not_found" }],
    ["unauthorized", { kind: "unread", why: "unauthorized" }],
    ["rejected", { kind: "unread", why: "rejected" }],
    ["rate_limited", { kind: "unread", why: "rate_limited" }],
  ] as const;
  for (const [kind, outcome] of failures) {
    it(`returns an outcome for a ${kind} failure`, async () => {
      const error = new RestError("failed", { kind, route: ROUTE, code: 5, retryAfterMs: 9 });
      const { read } = reading(error);
      const fields = { reason: `${ROUTE} failed`, code: 5, retryAfterMs: 9 };
      assert.deepEqual(await read(CHANNEL), { ...outcome, ...fields });
    });
  }

  it("returns a created message with its identifying fields", async () => {
    await withDiscord(async ({ api, demo }) => {
      const { channels: { help: { id: channelId } }, barnacle } = demo;
      const file = { name: "my answer.md", bytes: new TextEncoder().encode("all of it") };
      const ask = outboundMessage({ channelId, nonce: "asked", content: "which file?" });
      const asked = await createMessage(api, ask, [], NOT_AFTER);
      assert.ok(asked.kind === "created");
      const answer = outboundMessage({
        ...{ channelId, nonce: "answer", content: "  this one\r\nor none\n" },
        quote: asked.messageId,
      });
      const answered = await createMessage(api, answer, [file], NOT_AFTER);
      assert.ok(answered.kind === "created");

      const page = await readPosted(api, channelId);
      assert.ok(page.kind === "page");
      const [newest, before] = page.messages;
      assert.ok(newest && before && newest.authorId === barnacle.userId);
      assert.deepEqual([newest.id, before.id], [answered.messageId, asked.messageId]);
      assert.ok(isSame(answer, [file.bytes.length], newest));
      assert.ok(!isSame(answer, [file.bytes.length], before) && isSame(ask, [], before));
      assert.ok(!isSame(ask, [], newest));
    });
  });
});
