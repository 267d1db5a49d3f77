/** Tests turns from the gateway's event to the rows of the store, with a whole account. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ModelError } from "../../../src/core/model.ts";
import { type Given, testAccount } from "../../support/bot/test_account.ts";

/** A bot that answers everyone in direct messages. */
async function build(says: NonNullable<Given["says"]> = () => "hello, Ada") {
  const dm = { policy: "open", allowFrom: ["*"] };
  const scene = await testAccount({ discord: { dm }, says });
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

  it("[R11] tells the asker of a failure, with an id that is in the log", async () => {
    const error = new ModelError("refused", { kind: "refused" } as never);
    const { dm, posted, states, lines } = await build(() => Promise.reject(error));
    await dm("well?");
    assert.deepEqual(states(), ["failed"]);
    const { failureId } = lines.find(({ event }) => event === "A turn failed")?.fields ?? {};
    assert.match(posted()[0] ?? "", new RegExp(`${failureId}`));
  });
});
