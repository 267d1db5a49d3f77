import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Entry } from "../../src/core/inbound/transcript.ts";
import type { RecallPort } from "../../src/core/turn/ports/memory.ts";
import { recall } from "../../src/tools/memory.ts";
import { messageId } from "../support/discord/builders.ts";
import { toolContext, UNUSED_PORTS } from "../support/model/tools.ts";

const entry = (text: string): Entry => ({ role: "user", text, messageId: messageId("101"), at: 0 });

async function run(written: unknown, entries: readonly Entry[] = [], matches = entries.length) {
  const asked: Parameters<RecallPort["recall"]>[] = [];
  const port: RecallPort = {
    recall(...query) {
      asked.push(query);
      return Promise.resolve({ entries, matches });
    },
  };
  const context = toolContext({ sessionKey: "session", ports: { ...UNUSED_PORTS, recall: port } });
  const result = await recall.run(recall.input.parse(written), context);
  return { result, asked };
}

describe("[L4] recall", () => {
  it("reads only the session of the turn", async () => {
    const { asked } = await run({ words: " tide  noon ", message_ids: ["101"] });
    assert.deepEqual(asked, [[
      "session",
      { messageIds: [messageId("101")], words: ["tide", "noon"], limit: 40 },
    ]]);
  });

  it("shows entries as lines of JSON, and says how many are left out", async () => {
    const { result } = await run({}, [entry("The tide is high")], 3);
    const [note = "", line = ""] = result.split("\n");
    assert.match(note, /^\[2 older matches are left out/);
    assert.deepEqual(JSON.parse(line), {
      message_id: "101",
      role: "user",
      at: "1970-01-01T00:00:00.000Z",
      text: "The tide is high",
    });
  });

  it("has a bounded result", async () => {
    const { result } = await run({}, Array.from({ length: 40 }, () => entry("x".repeat(9_000))));
    assert.ok(result.length < 8_000, `${result.length}`);
  });

  it("says that nothing matches", async () => {
    assert.match((await run({})).result, /No folded message/);
  });

  it("refuses an id that is none", async () => {
    await assert.rejects(run({ message_ids: ["abc"] }), /digits only/);
  });
});
