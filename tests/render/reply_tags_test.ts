import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { takeReplyTags } from "../../src/render/reply.ts";
import { isNoReply, visibleText } from "../../src/render/safety/visible.ts";
import { messageId } from "../support/discord/builders.ts";
import { vectorsOf } from "../support/discord/vectors.ts";
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

describe("[R3] OpenClaw's reply tags", () => {
  type Input = readonly [text: string, options: unknown];
  interface Expected {
    readonly text: string;
    readonly replyToExplicitId?: string;
    readonly replyToCurrent: boolean;
  }
  /** Where ours decides otherwise, and why. */
  const OTHERWISE: Readonly<Record<string, string>> = {
    "[[audio_as_voice]] speak": "Barnacle sends no voice messages, and knows no such tag",
  };
  const NOT_SILENT: Readonly<Record<string, string>> = {
    "no_reply": "the whole answer is NO_REPLY, as the prompt spells it (R10)",
    "[[reply_to_current hi": "a tag without an end may be a person's words",
  };
  const IN_CODE = "```\n[[reply_to_current]]\n```"; // the first release took it out of code
  for (const era of ["seed", "latest"]) {
    const { vectors, options } = vectorsOf<Input, Expected>(
      `${era}-reply-tags`,
      "parseInlineDirectives",
    );
    describe(`[R3] of the ${era} release`, options, () => {
      for (const { input: [text], expected } of vectors) {
        if (text in OTHERWISE || (era === "seed" && text === IN_CODE)) continue;
        it(JSON.stringify(text.slice(0, 60)), () => {
          const { text: left, replyTo } = takeReplyTags(text);
          assert.equal(left, expected.text);
          const id = expected.replyToExplicitId;
          // Other text than a snowflake falls back to the current message.
          const asked = id !== undefined && /^\d{1,20}$/.test(id)
            ? { messageId: id }
            : expected.replyToCurrent || id !== undefined
            ? "current"
            : undefined;
          assert.deepEqual(replyTo, asked);
        });
      }
    });
  }

  for (const era of ["seed", "latest"]) {
    const { vectors, options } = vectorsOf<Input, { readonly text: string; isSilent: boolean }>(
      `${era}-reply-tags`,
      "parseReplyDirectives",
    );
    describe(`[R10] visible answers of the ${era} release`, options, () => {
      for (const { input: [text], expected } of vectors) {
        if (text in OTHERWISE || (era === "seed" && text === IN_CODE)) continue;
        if (era === "latest" && text in NOT_SILENT) continue;
        it(JSON.stringify(text.slice(0, 60)), () => {
          const { text: left } = takeReplyTags(visibleText(text));
          assert.equal(isNoReply(left), expected.isSilent);
          if (!expected.isSilent) assert.equal(left, expected.text);
        });
      }
    });
  }
});
