import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { PostOutcome } from "../../../src/core/outbound.ts";
import { createPost, type MessageApi } from "../../../src/discord/rest/messages.ts";
import { RestError, toNoAnswer, toRestError } from "../../../src/discord/rest/rest_error.ts";
import { routeOf } from "../../../src/discord/rest/route.ts";
import { messageId, outboundMessage, roleId, userId } from "../../support/builders.ts";

type Asked = Parameters<MessageApi["request"]>;

/** Answers every request alike, or fails. */
function fakeApi(answer: unknown) {
  const asked: Asked[] = [];
  const api: MessageApi = {
    request(...request) {
      asked.push(request);
      return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer);
    },
  };
  return { api, asked };
}

const CREATED = { id: "1400000000000000077" };
const NOT_AFTER = 1_800_000_000_000;
const ADA = userId("123456789012345678");
const MODS = roleId("1400000000000000003");
const message = outboundMessage({
  nonce: "frozen",
  pings: { users: [ADA], roles: [MODS], quotedAuthor: true },
});
const route = routeOf("POST", `/channels/${message.channelId}/messages`);

describe("createPost()", () => {
  it("[D2] sends what is frozen, under the nonce that is frozen with it, in its time", async () => {
    const { api, asked } = fakeApi(CREATED);
    assert.deepEqual(await createPost(api)(message, NOT_AFTER), {
      kind: "created",
      messageId: CREATED.id,
    });
    assert.deepEqual(asked, [["POST", `/channels/${message.channelId}/messages`, {
      notAfter: NOT_AFTER,
      body: {
        content: message.content,
        nonce: "frozen",
        enforceNonce: true,
        allowedMentions: {
          parse: [],
          users: [BigInt(ADA)],
          roles: [BigInt(MODS)],
          repliedUser: true,
        },
      },
    }]]);
  });

  it("[R4] pings nobody whom the message does not name", async () => {
    const { api, asked } = fakeApi(CREATED);
    await createPost(api)(outboundMessage({ content: `@everyone <@${ADA}>` }), NOT_AFTER);
    assert.deepEqual(asked[0]?.[2]?.body.allowedMentions, {
      parse: [],
      users: [],
      roles: [],
      repliedUser: false,
    });
  });

  it("[R3] quotes, even if the quoted message is gone by then", async () => {
    const { api, asked } = fakeApi(CREATED);
    const quote = messageId("1400000000000000009");
    await createPost(api)({ ...message, quote }, NOT_AFTER);
    assert.deepEqual(asked[0]?.[2]?.body.messageReference, {
      messageId: quote,
      failIfNotExists: false,
    });
  });

  const failures: readonly [status: number, code: number, outcome: PostOutcome["kind"]][] = [
    [404, 10008, "already_gone"], // Unknown Message: created by this nonce, deleted since
    [404, 10003, "refused"], // Unknown Channel
    [403, 50013, "refused"],
    [400, 50035, "refused"],
    [401, 0, "refused"],
    [429, 0, "refused"],
    [500, 0, "unanswered"],
    [302, 0, "unanswered"],
  ];
  for (const [status, code, kind] of failures) {
    it(`[D5] calls ${status} with code ${code} ${kind}, and asks once`, async () => {
      const failure = toRestError(route, status, { code, message: "Words of Discord's" });
      const { api, asked } = fakeApi(failure);
      assert.equal((await createPost(api)(message, NOT_AFTER)).kind, kind);
      assert.equal(asked.length, 1);
    });
  }

  it("[D5] says why it was refused, for whoever parks the channel", async () => {
    const { api } = fakeApi(
      toRestError(route, 403, { code: 50013, message: "Missing Permissions" }),
    );
    assert.deepEqual(await createPost(api)(message, NOT_AFTER), {
      kind: "refused",
      why: "forbidden",
      reason: "POST /channels/:id/messages failed with 403: Missing Permissions (50013)",
    });
  });

  it("[D3] says for how long Discord asks to wait, where it does", async () => {
    const details = { kind: "rate_limited", route: "POST /channels/:id/messages" } as const;
    const limited = new RestError("was not sent", { ...details, retryAfterMs: 90_000 });
    assert.deepEqual(await createPost(fakeApi(limited).api)(message, NOT_AFTER), {
      kind: "refused",
      why: "rate_limited",
      reason: "POST /channels/:id/messages was not sent",
      retryAfterMs: 90_000,
    });
    const mute = await createPost(fakeApi(new RestError("no", details)).api)(message, NOT_AFTER);
    assert.equal("retryAfterMs" in mute, false);
  });

  it("[D6] takes a timeout for no answer", async () => {
    const timeout = new DOMException("nothing within 5 ms", "TimeoutError");
    const { api } = fakeApi(toNoAnswer(route, timeout));
    assert.deepEqual(await createPost(api)(message, NOT_AFTER), { kind: "unanswered" });
  });

  it("[D5] tells that nothing was sent where there was no connection", async () => {
    const refused = Object.assign(new Error("refused"), { code: "ECONNREFUSED" });
    const { api } = fakeApi(toNoAnswer(route, refused));
    assert.equal((await createPost(api)(message, NOT_AFTER)).kind, "unsent");
  });

  for (const answer of [undefined, {}, { id: 7 }, { id: "abc" }, []]) {
    it(`[D2] takes a success of another form for no answer: ${JSON.stringify(answer)}`, async () => {
      assert.deepEqual(await createPost(fakeApi(answer).api)(message, NOT_AFTER), {
        kind: "unanswered",
      });
    });
  }

  it("does not hide a bug of ours behind an outcome", async () => {
    const { api } = fakeApi(new TypeError("a bug"));
    await assert.rejects(createPost(api)(message, NOT_AFTER), /a bug/);
  });
});
