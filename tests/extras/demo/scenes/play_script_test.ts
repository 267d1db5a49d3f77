import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { SCENES } from "../../../../src/extras/demo/scenes/play.ts";

describe("[O5] playScript()", () => {
  it("has a scene for each required feature", () => {
    const names = SCENES.map(({ name }) => name);
    assert.equal(new Set(names).size, names.length);
    for (
      const word of [
        "the bot answers a mention",
        "without a mention",
        "unknown sender",
        "owner",
        "with a button",
        "several messages",
        "two channels",
        "op 7",
        "no ACK",
        "429",
        "web page",
        "T4",
        "reminder",
        "document",
        "voice message",
        "a tool's work",
        "budget",
      ]
    ) assert.ok(names.some((name) => name.includes(word)), word);
  });
});
