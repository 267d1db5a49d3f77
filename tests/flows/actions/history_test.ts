import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { readEarlier } from "../../../src/flows/actions/history.ts";
import type { Verdict } from "../../../src/core/inbound/inbox.ts";
import type { RestApi } from "../../../src/discord/rest/client/client.ts";
import { directMessage, messageIdAt } from "../../support/discord/builders.ts";
import { messageData } from "../../support/discord/payloads.ts";
import { testAccount } from "../../support/bot/test_account.ts";
import type { EarlierRange } from "../../../src/core/turn/discord_place.ts";
import { toolContext } from "../../support/model/tools.ts";

const START = Date.UTC(2026, 0, 1);
const MINUTE = 60_000;
const question = directMessage({ id: messageIdAt(START + 1_000 * MINUTE) });
const ACCEPTED: Verdict = { kind: "accept", why: "mentioned", rule: "" };

/** A channel with a message each minute, in Discord's pages. */
function channelOf(count: number) {
  const ids = Array.from({ length: count }, (_, at) => messageIdAt(START + at * MINUTE));
  const queries: string[] = [];
  const client: RestApi = {
    request(_method, path) {
      const query = new URL(path, "http://discord").searchParams;
      queries.push(query.toString());
      const before = query.get("before");
      const end = before === null ? count : ids.findIndex((id) => BigInt(id) >= BigInt(before));
      const page = ids.slice(0, end < 0 ? count : end).slice(-Number(query.get("limit")));
      return Promise.resolve(
        page.toReversed().map((id) => messageData({ id, content: `at ${id}` })),
      );
    },
  };
  return { ids, queries, client };
}

async function readAt(client: RestApi, range: EarlierRange, verdict: Verdict = ACCEPTED) {
  const { account } = await testAccount({ api: client });
  const policy = { ...account.policy(), admit: () => verdict };
  Object.assign(account, { policy: () => policy });
  return await readEarlier(toolContext({ account, message: question }), range);
}

describe("[T6] readEarlier()", () => {
  it("reads page by page, oldest first, before the question", async () => {
    const { ids, queries, client } = channelOf(400);
    const found = await readAt(client, { limit: 250 });
    assert.deepEqual(found.map(({ id }) => id), ids.slice(-250));
    assert.equal(queries.length, 3);
    assert.match(queries[0] ?? "", new RegExp(`before=${question.id}`));
  });

  it("reads no message after the question", async () => {
    const { queries, client } = channelOf(3);
    await readAt(client, { limit: 5, before: messageIdAt(START + 2_000 * MINUTE) });
    assert.match(queries[0] ?? "", new RegExp(`before=${question.id}`));
  });

  it("ends at a time, and asks for no older page", async () => {
    const { ids, queries, client } = channelOf(400);
    const found = await readAt(client, { limit: 500, sinceMs: START + 350 * MINUTE });
    assert.deepEqual(found.map(({ id }) => id), ids.slice(350));
    assert.equal(queries.length, 1);
  });

  it("[P10] leaves out messages that the model may not see", async () => {
    const { client } = channelOf(3);
    const ignored: Verdict = {
      kind: "ignore",
      why: "sender-not-listed",
      rule: "",
      keepAsContext: false,
    };
    assert.deepEqual(await readAt(client, { limit: 5 }, ignored), []);
  });
});
