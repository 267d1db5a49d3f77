import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { progressText } from "../../src/render/tool_message.ts";
import { TOOLS } from "../../src/tools/registry.ts";
import { channelId } from "../support/discord/builders.ts";

const WORK = { tools: [], step: 3, steps: 16, seconds: 12, channelId: channelId("11") };

describe("[R8a] progressText()", () => {
  it("names step and time", () => {
    assert.equal(progressText(WORK), "thinking · step 3 of 16 · 12 s");
  });

  it("has words for each tool", () => {
    for (const { name } of TOOLS) {
      const text = progressText({ ...WORK, tools: [name] });
      assert.ok(!text.includes("using"), text);
      assert.match(text, / · step 3 of 16 · 12 s$/);
    }
  });

  it("names other tools as code, without anything that ends it", () => {
    const text = progressText({ ...WORK, tools: ["mcp__git__log", "a`@everyone <b>", "` "] });
    assert.equal(
      text,
      "using `mcp__git__log`, using `aeveryoneb`, using `?` · step 3 of 16 · 12 s",
    );
  });
});
