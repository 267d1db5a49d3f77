import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { valueAt } from "../../../src/config/text/edit.ts";
import { imported } from "./import_support.ts";

describe("[C11] plugins, one of which is today's Discord", () => {
  const TODAY = 'meta: { lastTouchedVersion: "2026.9.6" }';
  const cases: readonly [name: string, plugins: string, isOff: boolean][] = [
    ["its own switch", "entries: { discord: { enabled: false } }", true],
    ["the switch of all", "enabled: false", true],
    ["a list of denied plugins", 'deny: ["telegram", "discord"]', true],
    ["a list of others", 'allow: ["telegram"]', true],
    ["a list with it", 'allow: ["discord"], deny: ["telegram"]', false],
    ["an enabled switch", "enabled: true, entries: { discord: { enabled: true } }", false],
  ];
  for (const [name, plugins, isOff] of cases) {
    it(`${isOff ? "keeps a disabled bot off" : "starts an enabled bot"} by ${name}`, async () => {
      for (const channels of ["", 'channels: { discord: { enabled: true, token: "x" } },']) {
        const { value, told } = await imported(`{ ${TODAY}, ${channels} plugins: { ${plugins} } }`);
        assert.equal(valueAt(value, ["channels", "discord", "enabled"]) === false, isOff);
        assert.equal(told.some((line) => / changed plugins\./.test(line)), isOff);
      }
    });
  }

  it("switches nothing off in a file without plugins", async () => {
    const { value } = await imported("{ channels: { discord: {} }, plugins: { enabled: false } }");
    assert.equal(valueAt(value, ["channels", "discord", "enabled"]), undefined);
  });
});
