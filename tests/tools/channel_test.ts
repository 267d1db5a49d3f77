import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { MessageId } from "../../src/core/discord/ids.ts";
import type { BotAccount } from "../../src/account/account.ts";
import type { Entry } from "../../src/core/inbound/inbound.ts";
import { readChannelHistory, recall } from "../../src/tools/channel.ts";
import { type Given, testAccount } from "../support/bot/test_account.ts";
import { directMessage, messageId } from "../support/discord/builders.ts";
import { ADA, messageData } from "../support/discord/payloads.ts";
import { toolContext } from "../support/model/tools.ts";

const FIRST = messageId("1390000000000000001");
const LAST = messageId("1390000000000000003");

const said = (content: string, id = FIRST) => messageData({ id, content });

/** Runs the tool in a direct message, and returns its result with the histories that it read. */
async function run(
  written: unknown,
  found: readonly object[] = [],
  says: Given["says"] = () => assert.fail("no summary is due"),
) {
  const { account, asked, requests } = await testAccount({
    says,
    answer: ({ path }) => path.includes("/messages?") ? found.toReversed() : undefined,
  });
  const admit = () => ({ kind: "accept", why: "allowed", rule: "" }) as const;
  const policy = { ...account.policy(), admit };
  Object.assign(account, { policy: () => policy });
  const noted: MessageId[] = [];
  const context = {
    account,
    message: directMessage(),
    noteRead: (ids: readonly MessageId[]) => noted.push(...ids),
  };
  const result = await readChannelHistory.run(
    readChannelHistory.input.parse(written),
    toolContext(context),
  );
  return { result, asked, noted, paths: requests.map(({ path }) => path) };
}

/** Three messages, which do not fit into a result together. */
const LONG = [
  said("a".repeat(3_000)),
  said("b".repeat(3_000), messageId("1390000000000000002")),
  said("c".repeat(3_000), LAST),
];

describe("[T6] read_channel_history", () => {
  it("reads the newest messages before the question, or older ones", async () => {
    const { id, channelId } = directMessage();
    const at = `/channels/${channelId}/messages?`;
    assert.deepEqual((await run({})).paths, [`${at}limit=50&before=${id}`]);
    const older = await run({ limit: 7, before: "1390000000000000007" });
    assert.deepEqual(older.paths, [`${at}limit=7&before=1390000000000000007`]);
    const late = await run({ since: "2100-01-01T00:00:00Z" }, [said("x")]);
    assert.match(late.result, /no earlier messages/);
  });

  it("returns one JSON object for each message, oldest first", async () => {
    const { result } = await run({}, [said("hi\n}")]);
    const { id, from_id, text } = JSON.parse(result);
    assert.deepEqual([id, from_id, text], [FIRST, ADA.id, "hi\n}"]);
    assert.equal((await run({}, [said("one"), said("two")])).result.split("\n").length, 2);
  });

  it("says if there is nothing to read", async () => {
    assert.match((await run({})).result, /no earlier messages/);
  });

  it("summarises messages that do not fit into a result, and names the range", async () => {
    const { result, noted, asked } = await run(
      { question: "When?" },
      LONG,
      () => `Noon [${FIRST}]`,
    );
    assert.match(asked.join(), /When\?/);
    assert.deepEqual(noted, LONG.map(({ id }) => id), "[H6a] all that the summary comes from");
    assert.match(result, new RegExp(`^\\[summary of 3 messages, from ${FIRST} to ${LAST}`));
    assert.match(result, new RegExp(`\\nNoon \\[${FIRST}\\]`));
  });

  it("summarises a short history if the model asks for that", async () => {
    assert.match(
      (await run({ mode: "summary" }, [said("x")], () => "Noon")).result,
      /^\[summary of/,
    );
  });

  it("shows the newest messages without a summary, and how to read on", async () => {
    const none = () => Promise.reject(new Error("the model is away"));
    for (const [written, note] of [[{ mode: "raw" }, ""], [{}, "[no summary: the model"]]) {
      const { result } = await run(written, LONG, none);
      assert.ok(result.startsWith(String(note)));
      assert.match(result, /1 older messages do not fit here: .* `before` set to 139/);
      assert.match(result, /ccc/);
      assert.doesNotMatch(result, /aaa/);
      assert.ok(result.length < 8_000, "the turn would cut it");
    }
    await assert.rejects(run({ mode: "summary" }, LONG, none), /no summary: the model/);
  });

  it("shows the newest message, however long it is", async () => {
    const { result } = await run({ mode: "raw" }, [said("x"), said("\n".repeat(4_000), LAST)]);
    assert.match(result, new RegExp(LAST));
  });

  it("refuses an id or a time that is none, and more than 500 messages", async () => {
    await assert.rejects(run({ before: "../roles" }), /must be the id of a message/);
    await assert.rejects(run({ since: "yesterday" }), /must be a date or a time/);
    assert.equal(readChannelHistory.input.safeParse({ limit: 501 }).success, false);
  });
});

const entry = (text: string): Entry => ({ role: "user", text, messageId: messageId("101"), at: 0 });

describe("[L4] recall", () => {
  async function recalled(written: unknown, entries: readonly Entry[] = [], matches = 0) {
    const asked: unknown[] = [];
    const find = (...query: unknown[]) => {
      asked.push(query);
      return Promise.resolve({ entries, matches: matches || entries.length });
    };
    const account = { store: { sessions: { recall: find } } } as unknown as BotAccount;
    const context = toolContext({ sessionKey: "session", account });
    return { result: await recall.run(recall.input.parse(written), context), asked };
  }

  it("reads only the session of the turn, and refuses an id that is none", async () => {
    const { result, asked } = await recalled({ words: " tide  noon ", message_ids: ["101"] });
    const query = { messageIds: [messageId("101")], words: ["tide", "noon"], limit: 40 };
    assert.deepEqual(asked, [["session", query]]);
    assert.match(result, /No folded message/);
    await assert.rejects(recalled({ message_ids: ["abc"] }), /digits only/);
  });

  it("shows entries as lines of JSON within a bound, and says how many are left out", async () => {
    const { result } = await recalled({}, [entry("The tide is high"), entry("b")], 4);
    const [note = "", line = "", last = ""] = result.split("\n");
    assert.match(note, /^\[2 older matches are left out/);
    const of = { message_id: "101", role: "user", at: "1970-01-01T00:00:00.000Z" };
    const texts = [{ ...of, text: "The tide is high" }, { ...of, text: "b" }];
    assert.deepEqual([line, last].map((one) => JSON.parse(one)), texts);
    const long = await recalled({}, Array.from({ length: 40 }, () => entry("x".repeat(9_000))));
    assert.match(long.result, /^\[37 older/);
    assert.ok(long.result.length < 8_000, `${long.result.length}`);
  });
});
