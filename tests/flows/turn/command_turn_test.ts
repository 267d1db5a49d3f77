import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { memory } from "../../../src/interactions/commands/own_data.ts";
import { ANSWER_MAX } from "../../../src/interactions/base/command.ts";
import { GRACE } from "../../support/bot/commands.ts";
import { testAccount } from "../../support/bot/test_account.ts";

describe("[K2] the turn of a text command", () => {
  it("answers with the whole of the longest text, in several messages", async () => {
    const line = "`/pause` Pause me everywhere, or let me go on\n";
    const text = line.repeat(Math.floor(ANSWER_MAX / line.length)).trim();
    const { run } = memory;
    Object.assign(memory, { run: () => text });
    try {
      const { dm, posted } = await testAccount();
      await dm("/memory", { author: GRACE });
      assert.ok(posted().length > 1 && posted().every(({ length }) => length <= 2_000));
      assert.equal(posted().join("\n"), text);
    } finally {
      Object.assign(memory, { run });
    }
  });
});
