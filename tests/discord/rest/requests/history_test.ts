import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { isSame } from "../../../../src/core/outbound/delivery.ts";
import type { ChannelId, MessageId } from "../../../../src/core/discord/ids.ts";
import type { RestApi } from "../../../../src/discord/rest/client/client.ts";
import {
  createMessage,
  type RawMessage,
  readHistory,
  readPosted,
} from "../../../../src/discord/rest/requests/messages.ts";
import { RestError } from "../../../../src/discord/rest/exchange/rest_error.ts";
import {
  channelId,
  messageId,
  outboundMessage,
  userId,
} from "../../../support/discord/builders.ts";
import { withDiscord } from "../simulated.ts";
import { sameData } from "../../../support/same_data.ts";

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

describe("[H1] readHistory()", () => {
  it("returns the messages in Discord's own form", async () => {
    const messages = [{ id: "2", message_reference: { message_id: "1" } }, {
      id: "1",
      nonce: null,
    }];
    const { api } = fakeApi(messages);
    assert.deepEqual(await readHistory(api, CHANNEL, { limit: 2 }), messages);
  });
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
