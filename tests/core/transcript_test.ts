import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { InboundMessage } from "../../src/core/inbound.ts";
import { toOverheard } from "../../src/core/transcript.ts";
import { guildMessage } from "../support/builders.ts";

describe("toOverheard()", () => {
  const CASES: readonly (readonly [
    text: string,
    extras: InboundMessage["extras"],
    kept: string,
  ])[] = [
    ["hello", [], "hello"],
    ["look", [{ kind: "attachment", text: "cat.png" }], "look\n[attachment: cat.png]"],
    [
      "",
      [{ kind: "sticker", text: "wave" }, { kind: "poll", text: "a or b" }],
      "[sticker: wave]\n[poll: a or b]",
    ],
    ["", [], ""],
  ];
  for (const [text, extras, kept] of CASES) {
    it(`[H3] keeps ${JSON.stringify(kept)}`, () => {
      const heard = toOverheard(guildMessage({ text, extras }));
      assert.equal(heard.text, kept);
      assert.equal(heard.tag, "ada");
      assert.equal("replyTo" in heard, false);
    });
  }
});
