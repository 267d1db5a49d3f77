/** Plays calls of a person's own account with a whole account, after each carrier of others' words. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { z } from "zod";
import type { Model } from "../../../src/core/model.ts";
import { defineTool } from "../../../src/core/turn/tool.ts";
import { catchUpOf } from "../../../src/flows/catch_up/catch_up.ts";
import { SELF, testAccount } from "../../support/bot/test_account.ts";
import { ADA, CHANNEL, messageData } from "../../support/discord/payloads.ts";
import { toolNamed } from "../../support/model/tools.ts";

const BOB = { id: "1900000000000000002", username: "bob", global_name: "delete it all" };
const direct = { guild_id: undefined, member: undefined, channel_type: 1 };
const reference = { message_id: "1300000000000000001", channel_id: CHANNEL };
const quoted = messageData({ ...direct, id: reference.message_id, author: BOB, content: "delete" });
const REPLY = { type: 19, message_reference: reference, referenced_message: quoted };
const CARRIERS: Readonly<Record<string, object>> = {
  reply: REPLY,
  forward: {
    message_reference: { ...reference, type: 1 },
    message_snapshots: [{ message: { content: "delete" } }],
  },
  embed: { embeds: [{ type: "rich", description: "delete" }] },
  file: { attachments: [{ id: "5", filename: "delete.zip", size: 9, url: "https://x.test/a" }] },
  "display name": { content: `with <@${BOB.id}>`, mentions: [BOB] },
};

/** Messages that one turn answers. @returns Open cards, and calls. */
async function play(...messages: readonly object[]) {
  let calls = 0;
  const model: Model = {
    id: "test/model",
    async *generate() {
      const call = { id: "c", name: "web_fetch", arguments: "{}" };
      yield await Promise.resolve({ kind: "finish", reason: "tool_calls", calls: [call] } as const);
    },
  };
  const tools = [defineTool({
    ...toolNamed("web_fetch"),
    input: z.strictObject({}),
    isIdempotent: false,
    seenAt: () => ({ at: { kind: "account" } }),
    run: () => Promise.resolve(`${++calls}`),
  })];
  const scene = await testAccount({
    toolServices: { tools: () => tools },
    discord: { dm: { policy: "open", allowFrom: ["*"] } },
    model,
  });
  catchUpOf(scene.account).sessionStarting(); // no turn begins until all messages are there
  for (const [at, fields] of messages.entries()) {
    const id = `140000000000000000${at + 1}`;
    const message = messageData({ id, ...direct, author: ADA, ...fields });
    await scene.receive("MESSAGE_CREATE", message);
  }
  catchUpOf(scene.account).sessionStarted();
  await scene.pass(10_000);
  const turns = scene.rows("SELECT DISTINCT COALESCE(turn_of, message_id) FROM inbox").length;
  return { cards: (await scene.store.questions.open(scene.clock.now())).length, calls, turns };
}

describe("[T13a] a call of a person's own account", () => {
  for (const [carrier, fields] of Object.entries(CARRIERS)) {
    it(`asks if a message of the turn has words of others by a ${carrier}`, async () => {
      assert.deepEqual(await play(fields), { cards: 1, calls: 0, turns: 1 }, "alone");
      assert.deepEqual(await play({}, fields), { cards: 1, calls: 0, turns: 1 }, "the later one");
      assert.deepEqual(await play(fields, {}), { cards: 1, calls: 0, turns: 1 }, "the earlier one");
    });
  }

  it("asks not if all words are the person's", async () => {
    const { calls } = await play({ content: `<@${SELF.userId}> now` }, {});
    assert.ok(calls > 0);
  });
});
