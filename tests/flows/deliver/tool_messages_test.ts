import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { ToolTarget } from "../../../src/core/turn/discord_place.ts";
import { composed, deliver } from "../../../src/flows/deliver/tool_messages.ts";
import { toolContext } from "../../support/model/tools.ts";
import { CREATED, GUILD, HERE, setUp, UNSENT } from "../support/channel_queues.ts";

/** A tool that sends a text in the guild. */
async function sending() {
  const all = await setUp();
  const ending = new AbortController();
  const { account } = all;
  const call = toolContext({ account, callKey: "1:a", signal: ending.signal });
  const target = { guildId: GUILD, channelId: HERE } as ToolTarget;
  const results: unknown[] = [];
  const send = async () => {
    const frozen = composed(call, target, { text: "hello" });
    void deliver(call, frozen).then((sent) => results.push(...sent));
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

  for (const isLate of [false, true]) {
    it(`[D5] is missed by ${isLate ? "the owners" : "no one"} if its tool ${isLate ? "waits no more" : "hears the refusal"}`, async () => {
      const { send, answer, ending, rows, quiet } = await sending();
      await send();
      if (isLate) ending.abort();
      await quiet();
      await answer({ kind: "refused", why: "rejected", reason: "no", code: 50035 });
      const dead = rows("SELECT state, owes FROM outbox").map((row) => ({ ...row }));
      assert.deepEqual(dead, [{ state: "dead", owes: isLate ? "owner" : null }]);
    });
  }

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
