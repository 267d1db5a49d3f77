import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { InboundMessage, Sender } from "../../../src/core/inbound/inbound.ts";
import { labelOf, toOverheard } from "../../../src/core/inbound/mentions.ts";
import { guildMessage, sender } from "../../support/discord/builders.ts";

describe("toOverheard()", () => {
  const CASES: readonly (readonly [string, InboundMessage["extras"], string])[] = [
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
      assert.equal(heard.replyTo, undefined);
    });
  }
});

describe("[P13] labelOf()", () => {
  const aria = { memberId: "abcde", name: "Aria" };
  const CASES: readonly (readonly [fields: Partial<Sender>, label: string])[] = [
    [{}, "ada"],
    [{ tag: "ada#1234" }, "ada#1234"],
    [{ pluralkit: { ...aria, system: "The Crew" } }, "Aria (PK:The Crew)"],
    [{ pluralkit: aria, tag: "ada#1234" }, "Aria (PK)"],
    [{ pluralkit: { ...aria, displayName: "Aria ✨" } }, "Aria ✨ (PK)"],
    [{ pluralkit: { ...aria, name: "Aria (she/her)" } }, "Aria ‹she/her› (PK)"],
    // brackets become parentheses in a line of ours, so they are no way around it
    [{ pluralkit: { memberId: "x", name: "o [1]", system: "a) (222" } }, "o ‹1› (PK:a› ‹222)"],
  ];
  for (const [fields, label] of CASES) {
    it(`reads ${JSON.stringify(fields)} as ${label}`, () => {
      assert.equal(labelOf(sender(fields)), label);
      assert.equal(toOverheard(guildMessage({ sender: sender(fields) })).tag, label);
    });
  }
});
