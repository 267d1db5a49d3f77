import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { takeReplyTags } from "../../src/render/reply.ts";
import { messageId } from "../support/discord/builders.ts";
import { sameData } from "../support/same_data.ts";

const to = (digits: string) => ({ messageId: messageId(digits) });

describe("[R3] takeReplyTags()", () => {
  const cases: readonly [text: string, left: string, replyTo?: unknown][] = [
    ["hello", "hello"],
    ["[[reply_to_current]] hello", "hello", "current"],
    ["hello [[reply_to_current]]", "hello", "current"],
    ["[[ Reply_To_Current ]]hello", "hello", "current"],
    ["[[reply_to: 14 ]] hello", "hello", to("14")],
    ["[[REPLY_TO:14]][[reply_to:15]] hello", "hello", to("15")],
    ["[[reply_to:14]] hello [[reply_to_current]]", "hello", to("14")],
    ["[[reply_to:14]] hello [[reply_to:x]]", "hello", to("14")],
    ["[[reply_to:<@14>]] hello", "hello", "current"],
    ["[[reply_to:0]] hello", "hello", "current"],
    ["[[reply_to:]] hello", "hello"],
    ["[[reply_to: ]] hello", "hello"],
    ["one[[reply_to_current]]two", "one two", "current"],
    ["one [[reply_to_current]] two", "one two", "current"],
    ["one\n[[reply_to_current]]\ntwo", "one\n\ntwo", "current"],
    ["[[reply_to_current]]", "", "current"],
    ["[[reply_to_current] hello", "hello", "current"],
    ["`[[reply_to_current]]` is how", "`[[reply_to_current]]` is how"],
    ["```\n[[reply_to_current]]\n```", "```\n[[reply_to_current]]\n```"],
    ["`a` [[reply_to_current]] `b`", "`a` `b`", "current"],
    ["[[unknown_tag]] [x] [[reply_to_current hi", "[[unknown_tag]] [x] [[reply_to_current hi"],
    ["[[reply_to_currently]] [[reply_tom]]", "[[reply_to_currently]] [[reply_tom]]"],
  ];
  for (const [text, left, replyTo] of cases) {
    it(JSON.stringify(text), () => {
      const expected = { text: left, ...(replyTo !== undefined && { replyTo }) };
      sameData(takeReplyTags(text), expected);
    });
  }

  it("leaves no tag outside of code, and removes nothing else", () => {
    const piece = fc.constantFrom(
      "[[reply_to_current]]",
      "[[reply_to:7]]",
      "a",
      " ",
      "\n",
      "[[",
      "]]",
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 20 }), (pieces) => {
        const whole = pieces.join("");
        const { text } = takeReplyTags(whole);
        const letters = (some: string) => some.replace(/\s/g, "");
        const tag = /\[\[(?:reply_to_current|reply_to:7)\]\]/g;
        assert.equal(letters(text), letters(whole.replace(tag, "")));
      }),
      { numRuns: 2_000 },
    );
  });
});
