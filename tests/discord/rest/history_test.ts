import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createHistory, type HistoryRange } from "../../../src/discord/rest/history.ts";
import type { MessageApi } from "../../../src/discord/rest/messages.ts";
import { RestError } from "../../../src/discord/rest/rest_error.ts";
import { channelId, messageId } from "../../support/builders.ts";

const CHANNEL = channelId("1400000000000000002");
const BEFORE = messageId("1400000000000000009");

function fakeApi(answer: unknown) {
  const asked: string[] = [];
  const api: MessageApi = {
    request(method, path) {
      asked.push(`${method} ${path}`);
      return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer);
    },
  };
  return { api, asked };
}

describe("[H1] createHistory()", () => {
  const ranges: readonly [range: HistoryRange, query: string][] = [
    [{ limit: 20 }, "limit=20"],
    [{ limit: 1, before: BEFORE }, `limit=1&before=${BEFORE}`],
    [{ limit: 100, after: BEFORE }, `limit=100&after=${BEFORE}`],
  ];
  for (const [range, query] of ranges) {
    it(`asks for ${query}`, async () => {
      const { api, asked } = fakeApi([]);
      assert.deepEqual(await createHistory(api)(CHANNEL, range), []);
      assert.deepEqual(asked, [`GET /channels/${CHANNEL}/messages?${query}`]);
    });
  }

  it("leaves the messages as Discord spells them", async () => {
    const messages = [{ id: "2", message_reference: { message_id: "1" } }, {
      id: "1",
      nonce: null,
    }];
    const { api } = fakeApi(messages);
    assert.deepEqual(await createHistory(api)(CHANNEL, { limit: 2 }), messages);
  });

  for (const limit of [0, 101, -1, 1.5, NaN]) {
    it(`asks nothing for a limit of ${limit}`, async () => {
      const { api, asked } = fakeApi([]);
      await assert.rejects(createHistory(api)(CHANNEL, { limit }), RangeError);
      assert.deepEqual(asked, []);
    });
  }

  for (const answer of [undefined, {}, [{}], ["1"]]) {
    it(`refuses what is no list of messages: ${JSON.stringify(answer)}`, async () => {
      await assert.rejects(createHistory(fakeApi(answer).api)(CHANNEL, { limit: 2 }), RestError);
    });
  }

  it("passes on what Discord refuses", async () => {
    const refusal = new RestError("failed", { kind: "forbidden", route: "GET /x" });
    await assert.rejects(createHistory(fakeApi(refusal).api)(CHANNEL, { limit: 2 }), refusal);
  });
});
