import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { valueAt } from "../../../src/config/text/tree.ts";
import { imported } from "../import_support.ts";

describe("[C11] plugins, as which today's OpenClaw has Discord", () => {
  const TODAY = 'meta: { lastTouchedVersion: "2026.9.6" }';
  const cases: readonly [name: string, plugins: string, isOff: boolean][] = [
    ["its own switch", "entries: { discord: { enabled: false } }", true],
    ["the switch of all", "enabled: false", true],
    ["a list of those that are not", 'deny: ["telegram", "discord"]', true],
    ["a list of others", 'allow: ["telegram"]', true],
    ["a list that has it", 'allow: ["discord"], deny: ["telegram"]', false],
    ["a switch that is on", "enabled: true, entries: { discord: { enabled: true } }", false],
  ];
  for (const [name, plugins, isOff] of cases) {
    it(`${isOff ? "keeps a bot off that is off" : "starts a bot that is on"} by ${name}`, async () => {
      for (const channels of ["", 'channels: { discord: { enabled: true, token: "x" } },']) {
        const { value, told } = await imported(`{ ${TODAY}, ${channels} plugins: { ${plugins} } }`);
        assert.equal(valueAt(value, ["channels", "discord", "enabled"]) === false, isOff);
        assert.equal(told.some((line) => / changed plugins\./.test(line)), isOff);
      }
    });
  }

  it("switches nothing off in a file of before there were plugins", async () => {
    const { value } = await imported("{ channels: { discord: {} }, plugins: { enabled: false } }");
    assert.equal(valueAt(value, ["channels", "discord", "enabled"]), undefined);
  });
});
