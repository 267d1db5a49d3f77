import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { load, rendered } from "../support.ts";

describe("[C2] typographic quotes", () => {
  for (const text of ["{ “log”: {} }", '{ "log": { "level": «info» } }', '{ "a": "b”, "c": 1 }']) {
    it(`are one error: ${text}`, async () => {
      const { problems } = await load(text);
      assert.match(problems.map(({ message }) => message).join("\n"), /^.  ?is no quote of JSON$/);
    });
  }

  it("are no error within a text", async () => {
    const { problems } = await load('{ "agents": { "defaults": { "instructions": "say “hi”" } } }');
    assert.ok(problems.every(({ message }) => !/quote of JSON/.test(message)));
  });

  it("[SEC-R9] show no secret with any quotes around it and its key", async () => {
    for (const key of ['"token"', "“token”"]) {
      for (const value of ['"hunter-two”', "“hunter-two”", "‘hunter-two’", "“hunter-two"]) {
        const text = `{\n  "channels": { "discord": {\n    ${key}: ${value}\n  } }\n}`;
        assert.doesNotMatch(await rendered(text), /hunter/, text);
      }
    }
  });

  it("[SEC-R9] show no secret that a missing colon or quote makes a part of a key", async () => {
    const secret = "SECRETabcdef123456789xyz";
    const entries = [
      `“token: “${secret}”`,
      `“token” “${secret}”`,
      `“token”= “${secret}”`,
      `“token: ${secret}”`,
      `“token: "${secret}", "groupPolicy": "open"`,
      `”token:  “${secret}", "groupPolicy": "open"`,
      `"token: ’${secret}, “groupPolicy”: "open"`,
    ];
    const { problems } = await load("{ “channels”: { “password:hunter”, } }");
    assert.doesNotMatch(problems.map(({ path }) => path).join(), /hunter/);
    const section = `{ "token: ’${secret}, “a": { “b”: 1 } }`;
    assert.doesNotMatch(await rendered(section), /SECRETabc/);
    for (const entry of entries) {
      for (const end of ["\n", "\r\n", ""]) {
        const text = `{ "channels": { "discord": {${end}${entry}${end}} } }`;
        assert.doesNotMatch(await rendered(text), /SECRETabc/, text);
      }
    }
    const quotes = fc.constantFrom('"', "“", "”", "‘", "’", "«", "");
    const whole = JSON.stringify(
      { channels: { discord: { token: secret, groupPolicy: "open" } }, log: { level: "info" } },
      undefined,
      2,
    );
    const parts = whole.split('"');
    const many = fc.array(quotes, { minLength: parts.length, maxLength: parts.length });
    await fc.assert(fc.asyncProperty(many, async (chosen) => {
      const text = parts.map((part, index) => index === 0 ? part : `${chosen[index]}${part}`);
      assert.doesNotMatch(await rendered(text.join("")), /SECRETabc/);
    }));
  });
});
