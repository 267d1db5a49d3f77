import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { systemPromptOf } from "../../../src/render/prompt/system_prompt.ts";

describe("systemPromptOf()", () => {
  it("[S6] has about twenty lines of our own", () => {
    const { length } = systemPromptOf({}).split("\n");
    assert.ok(length >= 10 && length <= 25, `${length}`);
  });

  it("[H4] adds the agent's prompt, and after it the channel's", () => {
    const prompt = systemPromptOf({
      agentName: "Krill",
      agentPrompt: "Speak like a sailor.\n",
      channelPrompt: "Keep it short.",
    });
    assert.ok(prompt.startsWith(systemPromptOf({})));
    assert.ok(prompt.endsWith(
      "\n\nYour name is Krill.\n\nSpeak like a sailor.\n\nIn this channel:\nKeep it short.",
    ));
  });

  it("[R5] says that tables are laid out, if they are", () => {
    assert.match(systemPromptOf({}), /Tables and images in Markdown do not\./);
    assert.match(systemPromptOf({ hasTables: true }), /tables are laid out for you/);
  });

  it("[R3] describes reply tags only if they have an effect", () => {
    assert.doesNotMatch(systemPromptOf({}), /reply_to/);
    const prompt = systemPromptOf({ hasReplyTags: true });
    assert.match(prompt, /\[\[reply_to_current\]\], or \[\[reply_to:<id>\]\]/);
  });

  it("leaves no gap for missing parts", () => {
    assert.equal(
      systemPromptOf({ agentPrompt: " ", channelPrompt: "" }).trimEnd(),
      systemPromptOf({}),
    );
  });
});
