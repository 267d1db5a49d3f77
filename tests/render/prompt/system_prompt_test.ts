import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { senderLines, systemPromptOf } from "../../../src/render/prompt/prompt.ts";
import { toolNamed } from "../../support/model/tools.ts";

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

describe("[T2b] senderLines()", () => {
  const named = (...names: readonly string[]) => names.map(toolNamed);
  const all = named("remind", "exec", "mcp__git__log", "mcp__git__show", "skill__home__lights");
  const rows: readonly (readonly [what: string, tools: typeof all, line: string | undefined])[] = [
    ["nothing if the sender may use all tools", all, undefined],
    [
      "the tools that the sender may not use, servers and skills by one name",
      named("remind", "mcp__git__log", "mcp__git__show", "skill__home__lights"),
      "[this message may not use: exec]",
    ],
    ["the sender's tools, if fewer", named("remind"), "[this message may only use: remind]"],
    [
      "single tools of a server that the sender may use in part",
      named("remind", "exec", "mcp__git__log", "skill__home__lights"),
      "[this message may not use: mcp__git__show]",
    ],
    ["that there are none", [], "[this message may use none of your tools]"],
  ];
  for (const [what, tools, line] of rows) {
    it(`tells ${what}`, () => {
      assert.deepEqual(senderLines(tools, all), line === undefined ? [] : [line]);
    });
  }

  it("[P10] calls the sender the owner by their id", () => {
    assert.deepEqual(senderLines(all, all, "7"), ["[the user with the id 7 is your owner here]"]);
  });
});
