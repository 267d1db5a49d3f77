import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { load, rendered } from "../support.ts";

const CONFIG = {
  channels: {
    discord: {
      groupPolicy: "disabled",
      dm: { policy: "allowlist", allowFrom: ["150000000000000001", "150000000000000002"] },
    },
  },
  log: { level: "info" },
  messages: { tables: "code", linkHosts: ["example.org"] },
};

/** The errors of a file: their lines and keys. */
async function errorsOf(text: string): Promise<readonly string[]> {
  const { problems } = await load(text);
  return problems.filter(({ severity }) => severity === "error")
    .map(({ line, path, message }) => {
      assert.match(message, /, which is no quote of JSON$/);
      return `${line} ${path}`;
    });
}

function lines(part: string, by: string): string {
  const text = JSON.stringify(CONFIG, undefined, 2);
  assert.equal(text.split(part).length, 2, part);
  return text.replace(part, by);
}

describe("[C2] typographic quotes in a file of several lines", () => {
  const slips: readonly (readonly [what: string, part: string, by: string, errors: string[]])[] = [
    ["around a key", '"log"', "“log”", ["14 log"]],
    ["around the key of a section", '"channels"', "„channels“", ["2 channels"]],
    ["around a value", '"info"', "“info”", ["15 log.level"]],
    ["around a key and its value", '"level": "info"', "“level”: «info»", ["15 log.level"]],
    ["single, around a value", '"code"', "‘code’", ["18 messages.tables"]],
    ["at the begin of a value", '"info"', '“info"', ["15 log.level"]],
    ["at the end of a value", '"info"', '"info”', ["15 log.level"]],
    ["at the end of a value before a comma", '"code",', '"code”,', ["18 messages.tables"]],
    [
      "around an entry of a list",
      '"150000000000000001"',
      "“150000000000000001”",
      ["8 channels.discord.dm.allowFrom[0]"],
    ],
  ];
  for (const [what, part, by, errors] of slips) {
    it(`${what} › are one error, which names the key`, async () => {
      assert.deepEqual(await errorsOf(lines(part, by)), errors);
    });
  }

  it("leave the rest of the file to be judged", async () => {
    const text = lines('"log"', "“log”").replace('"code"', '"cod"');
    const shown = await rendered(text);
    assert.match(shown, /14:3: error: This begins with “/);
    assert.match(shown, /18:\d+: error: .*"cod"[^]*in messages\.tables/);
  });

  it("around straight quotes end at the end of the text", async () => {
    const shown = await rendered(lines('"example.org"', '“say "hi" now”'));
    assert.match(shown, /20:7: error: This begins with “/);
    assert.match(shown, /20:7: error: Expected a host, .* found "say 'hi' now"/);
    assert.equal(shown.match(/error:/g)?.length, 2);
  });

  it("without an end are errors, too", async () => {
    const { problems } = await load(lines('"info"', "“info and more"));
    assert.match(problems[0]?.message ?? "", /^This begins with “/);
  });

  it("[SEC-R9] show no secret, whatever quotes are around it and its key", async () => {
    for (const key of ['"token"', "“token”"]) {
      for (const value of ['"hunter-two”', "“hunter-two”", "‘hunter-two’", "“hunter-two"]) {
        const text = `{\n  "channels": { "discord": {\n    ${key}: ${value}\n  } }\n}`;
        const shown = await rendered(text);
        assert.match(shown, /no quote of JSON/);
        assert.doesNotMatch(shown, /hunter/, text);
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

  it("around any keys and values › are one error for each entry", async () => {
    const text = JSON.stringify(CONFIG, undefined, 2);
    const parts = [...text.matchAll(/"[^"]*"/g)].map(({ index, 0: { length } }) => ({
      index,
      length,
    }));
    await fc.assert(fc.asyncProperty(
      fc.subarray(parts, { minLength: 1 }),
      fc.constantFrom("“”", "„“", "‘’", "«»"),
      async (chosen, [open = "", close = ""]) => {
        const letters = [...text];
        for (const { index, length } of chosen) {
          letters[index] = open;
          letters[index + length - 1] = close;
        }
        const written = letters.join("");
        const lineOf = (index: number) => written.slice(0, index).split("\n").length;
        const errors = await errorsOf(written);
        const found = errors.map((error) => Number(error.split(" ")[0]));
        assert.deepEqual(found, [...new Set(chosen.map(({ index }) => lineOf(index)))]);
        assert.ok(errors.every((error) => !error.endsWith(" ")), "each error names its key");
      },
    ));
  });
});
