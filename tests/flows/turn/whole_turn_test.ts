/** Tests turns from the gateway's event to the rows of the store, with a whole account. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type Model, ModelError } from "../../../src/core/model.ts";
import { testAccount } from "../../support/bot/test_account.ts";
import { messageData } from "../../support/discord/payloads.ts";

/** A bot that answers everyone in direct messages. */
async function build({ says = () => "hello, Ada", beside = {} }: {
  readonly says?: (asked: string) => string | Promise<string>;
  readonly beside?: object;
} = {}) {
  const asked: string[] = [];
  const model: Model = {
    id: "test/model",
    async *generate({ messages }) {
      const text = JSON.stringify(messages.at(-1));
      asked.push(text);
      yield { kind: "text", text: await says(text) };
      const usage = { inputTokens: 812, outputTokens: 20, micros: 600_000 };
      yield { kind: "finish", reason: "stop", usage };
    },
  };
  const dm = { policy: "open", allowFrom: ["*"] };
  const scene = await testAccount({ discord: { dm }, beside, model });
  let ids = 0n;
  return {
    ...scene,
    asked,
    says: (content: string, author: object = {}) => {
      const { author: ada } = messageData();
      const id = String(1400000000000000001n + ids++);
      return scene.receive(
        "MESSAGE_CREATE",
        messageData({
          ...{ id, content, guild_id: undefined, member: undefined, channel_type: 1 },
          author: { ...ada as object, ...author },
        }),
      );
    },
    states: () => scene.rows("SELECT state FROM inbox ORDER BY id").map(({ state }) => state),
    entries: () => scene.rows("SELECT role FROM entry ORDER BY id").map(({ role }) => role),
  };
}

describe("a turn", () => {
  it("[D1] reads, asks, shows, records and delivers", async () => {
    const { says, asked, posted, states, entries, requests } = await build();
    await says("who are you?");
    assert.match(asked[0] ?? "", /who are you\?/);
    assert.deepEqual([states(), posted()], [["answered"], ["hello, Ada"]]);
    assert.deepEqual(entries(), ["user", "assistant"]);
    const sent = requests.find(({ method, path }) => method === "POST" && /messages$/.test(path));
    assert.equal(sent?.body["content"], "hello, Ada");
  });

  it("[O2] logs one line per answer, and no text", async () => {
    const { says, lines, quiet } = await build();
    await says("a secret question");
    await quiet();
    const line = lines.find(({ event }) => event === "The model answered");
    const { model, inputTokens, sender } = line?.fields ?? {};
    assert.deepEqual([model, inputTokens, sender], ["test/model", 812, "ada"]);
    assert.doesNotMatch(JSON.stringify(lines), /secret question|hello, Ada/);
  });

  it("remembers the turns before it", async () => {
    const { says, entries, states } = await build();
    await says("one?");
    await says("two?");
    assert.deepEqual(entries(), ["user", "assistant", "user", "assistant"]);
    assert.deepEqual(states(), ["answered", "answered"]);
  });

  it("[R11] tells the asker of a failure, with an id that is in the log", async () => {
    const error = new ModelError("refused", { kind: "refused" } as never);
    const { says, posted, states, lines } = await build({ says: () => Promise.reject(error) });
    await says("well?");
    assert.deepEqual(states(), ["failed"]);
    const { failureId } = lines.find(({ event }) => event === "A turn failed")?.fields ?? {};
    assert.match(posted()[0] ?? "", new RegExp(`${failureId}`));
  });

  it("[X4] ends before the model is asked once the budget is spent", async () => {
    const beside = { budgets: { total: { tokensPerDay: 1_000 } } };
    const { says, asked, states } = await build({ beside });
    await says("one?");
    await says("two?");
    await says("three?");
    assert.deepEqual([asked.length, states()], [2, ["answered", "answered", "refused"]]);
  });

  it("[H6] is cut by an edit, and answers the new words", async () => {
    const gate = Promise.withResolvers<string>();
    const { says, receive, asked, posted, quiet } = await build({
      says: (text) => text.includes("old") ? gate.promise : "to the new words",
    });
    await says("the old words");
    const changed = { guild_id: undefined, member: undefined, channel_type: 1 };
    const edited_timestamp = "2025-07-30T10:01:00.000000+00:00";
    const content = "the new words";
    await receive("MESSAGE_UPDATE", messageData({ ...changed, content, edited_timestamp }));
    gate.resolve("to the old words");
    await quiet();
    assert.deepEqual([asked.length, posted()], [2, ["to the new words"]]);
  });
});
