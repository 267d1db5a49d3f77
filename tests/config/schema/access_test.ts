import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { parseGroupEntry } from "../../../src/config/schema/access.ts";

describe("[P4] [P5] parseGroupEntry()", () => {
  const taken: readonly (readonly [text: string, entry: object])[] = [
    ["*", { kind: "any" }],
    [" * ", { kind: "any" }],
    ["175928847299117063", { kind: "channel", id: "175928847299117063" }],
    ["channel:175928847299117063", { kind: "channel", id: "175928847299117063" }],
    ["CHANNEL:175928847299117063", { kind: "channel", id: "175928847299117063" }],
    ["book-club", { kind: "name", name: "book-club" }],
    ["日本語", { kind: "name", name: "日本語" }],
    ["a:b", { kind: "name", name: "a:b" }],
    ["4 of us", { kind: "name", name: "4 of us" }],
  ];
  for (const [text, entry] of taken) {
    it(`reads ${JSON.stringify(text)}`, () => assert.deepEqual(parseGroupEntry(text), entry));
  }

  const refused = [
    "",
    " ",
    "0",
    "012345678901234567",
    "18446744073709551616",
    "channel:",
    "channel:ada",
    "channel: 1",
    "channel:1\n2",
    "user:1",
    "USER:1",
    "Role:mods",
    "discord:1",
    "<@1>",
    "role:1",
    "pk:abcde",
  ];
  for (const text of refused) {
    it(`refuses ${JSON.stringify(text)}, which can match no group`, () => {
      assert.equal(parseGroupEntry(text).kind, "problem");
    });
  }
});
