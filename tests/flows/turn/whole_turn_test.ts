/** Tests turns from the gateway's event to the rows of the store, with a whole account. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ModelError } from "../../../src/core/model.ts";
import { type Given, testAccount } from "../../support/bot/test_account.ts";
import { messageData } from "../../support/discord/payloads.ts";

/** A bot that answers everyone in direct messages. */
async function build({ says = () => "hello, Ada", beside }: Pick<Given, "says" | "beside"> = {}) {
  const dm = { policy: "open", allowFrom: ["*"] };
  const scene = await testAccount({ discord: { dm }, beside, says });
  return {
    ...scene,
    states: () => scene.rows("SELECT state FROM inbox ORDER BY id").map(({ state }) => state),
    entries: () => scene.rows("SELECT role FROM entry ORDER BY id").map(({ role }) => role),
  };
}

describe("a turn", () => {
  it("[D1] reads, asks, shows, records and delivers", async () => {
    const { dm, asked, posted, states, entries, requests } = await build();
    await dm("who are you?");
    assert.match(asked[0] ?? "", /who are you\?/);
    assert.deepEqual([states(), posted()], [["answered"], ["hello, Ada"]]);
    assert.deepEqual(entries(), ["user", "assistant"]);
    const sent = requests.find(({ method, path }) => method === "POST" && /messages$/.test(path));
    assert.equal(sent?.body["content"], "hello, Ada");
  });

  it("[O2] logs one line per answer, and no text", async () => {
    const { dm, lines, quiet } = await build();
    await dm("a secret question");
    await quiet();
    const line = lines.find(({ event }) => event === "The model answered");
    const { model, inputTokens, sender } = line?.fields ?? {};
    assert.deepEqual([model, inputTokens, sender], ["test/model", 812, "ada"]);
    assert.doesNotMatch(JSON.stringify(lines), /secret question|hello, Ada/);
  });

  it("remembers the turns before it", async () => {
    const { dm, entries, states } = await build();
    await dm("one?");
    await dm("two?");
    assert.deepEqual(entries(), ["user", "assistant", "user", "assistant"]);
    assert.deepEqual(states(), ["answered", "answered"]);
  });

  it("[R11] tells the asker of a failure, with an id that is in the log", async () => {
    const error = new ModelError("refused", { kind: "refused" } as never);
    const { dm, posted, states, lines } = await build({ says: () => Promise.reject(error) });
    await dm("well?");
    assert.deepEqual(states(), ["failed"]);
    const { failureId } = lines.find(({ event }) => event === "A turn failed")?.fields ?? {};
    assert.match(posted()[0] ?? "", new RegExp(`${failureId}`));
  });

  it("[X4] ends before the model is asked once the budget is spent", async () => {
    const beside = { budgets: { total: { tokensPerDay: 1_000 } } };
    const { dm, asked, states } = await build({ beside });
    await dm("one?");
    await dm("two?");
    await dm("three?");
    assert.deepEqual([asked.length, states()], [2, ["answered", "answered", "refused"]]);
  });

  it("[H6] is cut by an edit, and answers the new words", async () => {
    const gate = Promise.withResolvers<string>();
    const { dm, receive, asked, posted, quiet } = await build({
      says: (text) => text.includes("old") ? gate.promise : "to the new words",
    });
    await dm("the old words");
    const changed = { guild_id: undefined, member: undefined, channel_type: 1 };
    const edited_timestamp = "2025-07-30T10:01:00.000000+00:00";
    const content = "the new words";
    await receive("MESSAGE_UPDATE", messageData({ ...changed, content, edited_timestamp }));
    gate.resolve("to the old words");
    await quiet();
    assert.deepEqual([asked.length, posted()], [2, ["to the new words"]]);
  });

  it("[R7] shows that it has read the message, until Discord has the answer", async () => {
    const gate = Promise.withResolvers<string>();
    const { dm, pass, quiet, requests } = await build({
      says: () => gate.promise,
      beside: {
        messages: { ackReaction: "👀", ackReactionScope: "all", removeAckAfterReply: true },
      },
    });
    const reactions = () =>
      requests.filter(({ path }) => path.includes("/reactions/")).map(({ method }) => method);
    await dm("well?");
    await pass(300);
    assert.deepEqual(reactions(), ["PUT"]);
    gate.resolve("well");
    await quiet();
    assert.deepEqual(reactions(), ["PUT", "DELETE"]);
  });
});
