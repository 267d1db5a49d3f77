import assert from "node:assert/strict";
import { it } from "node:test";
import { slug } from "../../src/core/names.ts";

const cases: readonly [name: string, slug: string][] = [
  ["general", "general"],
  ["Friends of  OpenClaw", "friends-of-openclaw"],
  ["room 101", "room-101"],
  ["#help", "help"],
  ["##general", "general"],
  ["  padded  ", "padded"],
  ["-lead-", "lead"],
  ["dev_ops", "dev-ops"],
  ["C++ & C#", "c-c"],
  ["Größe", "gr-e"],
  ["日本語", ""],
  ["", ""],
];
for (const [name, expected] of cases) {
  it(`[P15] slug() › turns ${JSON.stringify(name)} into ${JSON.stringify(expected)}`, () => {
    assert.equal(slug(name), expected);
  });
}
