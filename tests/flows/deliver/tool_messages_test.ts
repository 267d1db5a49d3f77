import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { DiscordCall } from "../../../src/core/turn/ports/discord_call.ts";
import { createToolMessages } from "../../../src/flows/deliver/tool_messages.ts";
import { guildMessage } from "../../support/discord/builders.ts";
import { CREATED, GUILD, HERE, setUp, UNSENT } from "../support/channel_queues.ts";

const RULES = {
  chunks: { limit: 2_000, maxLines: 99, mode: "length", maxChunks: 9 },
  tables: "code",
  maxFileBytes: 1_000,
  cleanSecrets: (text: string) => text,
  allowedMentions: {},
  replyToMode: "off",
} as never;

/** A tool that sends a text in the guild. */
async function sending() {
  const all = await setUp();
  const tool = createToolMessages(all.account, { agentId: "main", rulesIn: () => RULES });
  const call = { message: guildMessage(), callKey: "1:a" } as DiscordCall;
  const target = { guildId: GUILD, channelId: HERE } as Parameters<typeof tool.composed>[1];
  const ending = new AbortController();
  const results: unknown[] = [];
  const send = async () => {
    const frozen = tool.composed(call, target, { text: "hello" });
    void tool.deliver(frozen, ending.signal).then((sent) => results.push(...sent));
    await all.quiet();
  };
  return { ...all, send, ending, results: () => JSON.stringify(results) };
}

describe("[T3] a text of the tool `discord`", () => {
  it("is sent at once, and the tool knows its id", async () => {
    const { send, answer, results, nonces } = await sending();
    await send();
    assert.deepEqual([nonces().length, results()], [1, "[]"]);
    await answer(CREATED);
    assert.match(results(), /"sent".*"77"/);
    await send(); // after a crash, the same call
    assert.equal(nonces().length, 1);
  });

  it("keeps the tool for ten seconds, and is sent later, too", async () => {
    const { send, answer, results, nonces, pass, clock } = await sending();
    await send();
    await pass(9_999);
    assert.equal(results(), "[]");
    await pass(1);
    assert.match(results(), /"waits"/);
    await answer(CREATED);
    assert.equal(nonces().length, 1);
    await pass(5_000);
    assert.equal(clock.pending, 0);
  });

  it("keeps no tool whose attempt has failed, or whose turn ends", async () => {
    const failed = await sending();
    await failed.send();
    await failed.answer(UNSENT);
    assert.notEqual(failed.results(), "[]");
    const ended = await sending();
    await ended.send();
    ended.ending.abort();
    await ended.quiet();
    assert.notEqual(ended.results(), "[]");
  });
});
