import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { backfill, threadStarter } from "../../../src/flows/turn/gather.ts";
import { testAccount } from "../../support/bot/test_account.ts";
import {
  channelId,
  directMessage,
  guildMessage,
  guildPlace,
  messageId,
} from "../../support/discord/builders.ts";
import { ADA, messageData } from "../../support/discord/payloads.ts";

const BOB = { ...ADA, id: "1900000000000000002", username: "bob" };
const THREAD = channelId("1400000000000000012");
const HEARD = guildMessage({ id: messageId("1400000000000000099") });
const IN_THREAD = { ...HEARD, place: guildPlace({ thread: { id: THREAD, name: "How?" } }) };

/** @param read Discord's answer to a page of a history. */
async function setUp(read: () => unknown = () => []) {
  const t = await testAccount({
    discord: {
      groupPolicy: "open",
      guilds: { "*": { requireMention: false, users: [`user:${ADA.id}`] } },
    },
    answer: ({ path }) => path.includes("/messages?") ? read() : undefined,
  });
  return {
    ...t,
    reads: () => t.requests.filter(({ path }) => path.includes("/messages?")).length,
    texts: async () =>
      (await t.store.turns.overheard(HEARD, "s", HEARD.id, 20)).map(({ text }) => text),
  };
}

const said = (content: string, author: object, id = String(THREAD)) =>
  messageData({ id, content, author, channel_id: HEARD.channelId, member: undefined });

describe("[H1] backfill()", () => {
  it("[P10] reads a channel once, and stores no message by a sender that the policy refuses", async () => {
    const { account, reads, texts } = await setUp(() => [
      said("by Bob", BOB, "1400000000000000013"),
      said("by Ada", ADA),
    ]);
    await Promise.all([backfill(account, HEARD, 20), backfill(account, HEARD, 20)]);
    assert.equal(backfill(account, HEARD, 20), undefined);
    assert.equal(backfill(account, { ...HEARD, channelId: THREAD }, 0), undefined);
    assert.deepEqual([reads(), await texts()], [1, ["by Ada"]]);
  });

  it("delays no turn for a missing history, and stores a late one", async () => {
    const late = Promise.withResolvers<unknown>();
    const { account, clock, texts, quiet } = await setUp(() => late.promise);
    const filled = backfill(account, HEARD, 20);
    clock.advance(2_000);
    await filled;
    assert.deepEqual(await texts(), []);
    late.resolve([said("late", ADA)]);
    await quiet();
    assert.deepEqual(await texts(), ["late"]);
  });
});

describe("[H6] threadStarter()", () => {
  it("finds the starter for the first turn of a thread, if the model may see it", async () => {
    for (const [author, text] of [[ADA, "How?"], [BOB, undefined]] as const) {
      const { account } = await setUp(() => [said("How?", author)]);
      const { messageId, tag, text: found } = await threadStarter(account, IN_THREAD, "s") ?? {};
      assert.deepEqual(
        [messageId, tag, found],
        text ? [THREAD, "ada", text] : [undefined, undefined, undefined],
      );
    }
  });

  it("reads none outside threads, and if the message is the starter itself", async () => {
    const { account, reads } = await setUp();
    for (const one of [HEARD, directMessage(), { ...IN_THREAD, id: messageId(THREAD) }]) {
      assert.equal(await threadStarter(account, one, "s"), undefined);
    }
    assert.equal(reads(), 0);
  });

  it("reads none in a later turn", async () => {
    const { account, reads, rows, write } = await setUp();
    await write("hi");
    const [{ session_key: key } = {}] = rows("SELECT session_key FROM entry");
    const before = reads();
    assert.equal(await threadStarter(account, IN_THREAD, String(key)), undefined);
    assert.equal(reads(), before);
  });

  it("goes on without it if Discord fails, and says so", async () => {
    const { account, lines } = await setUp(() => new Error("503"));
    assert.equal(await threadStarter(account, IN_THREAD, "s"), undefined);
    await backfill(account, HEARD, 20);
    assert.equal(lines.length, 2);
    account.end({ kind: "give_up", exit: true });
    await backfill(account, { ...HEARD, channelId: THREAD }, 20);
    assert.equal(lines.length, 2);
  });

  it("does not wait for a slow Discord", async () => {
    const { account, clock, quiet } = await setUp(() => new Promise(() => {}));
    const found = threadStarter(account, IN_THREAD, "s");
    await quiet();
    clock.advance(2_000);
    assert.equal(await found, undefined);
  });
});
