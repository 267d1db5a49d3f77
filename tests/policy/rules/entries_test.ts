import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { isFormOf, isNameKey } from "../../../src/policy/rules.ts";

describe("[P15] isFormOf()", () => {
  const cases: readonly [key: string, name: string, isOne: boolean][] = [
    ["night-watch", "Night Watch!", true], // its slug
    ["night-watch!", "Night Watch!", true], // as OpenClaw's page makes it
    ["Night Watch!", "Night Watch!", true],
    ["#Night Watch!", "Night Watch!", true],
    ["#night-watch", "Night Watch!", false],
    ["night", "Night Watch!", false],
    ["日本語", "日本語", true],
    ["", "日本語", false], // an empty slug matches no name
    ["*", "*", false],
    ["1400000000000000010", "1400000000000000010", false], // looks like an id
    ["123", "123", true],
  ];
  for (const [key, name, isOne] of cases) {
    it(`"${key}" for "${name}": ${isOne ? "yes" : "no"}`, () => {
      assert.equal(isFormOf(key, name), isOne);
    });
  }
});

describe("[P7] isNameKey()", () => {
  const cases: readonly [key: string, isOne: boolean][] = [
    ["help", true],
    ["12345678901234567", false],
    ["12345678901234567890", false],
    ["1234567890123456", true],
    ["123456789012345678901", true],
    ["", false],
    ["*", false],
  ];
  for (const [key, isOne] of cases) {
    it(`"${key}": ${isOne ? "a name" : "no name"}`, () => assert.equal(isNameKey(key), isOne));
  }
});
