import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { configOf, discord, problemLines } from "./support.ts";

async function matcher(
  agent: string,
  shared?: readonly string[],
): Promise<(text: string) => boolean> {
  const groupChat = shared ? `"groupChat":{"mentionPatterns":${JSON.stringify(shared)}}` : "";
  const config = await configOf(`{"agents":{"list":[${agent}]},"messages":{${groupChat}}}`);
  return config.discord.access.matchesPattern;
}

const NAMED = '{"id":"main","name":"Barney 2.0"}';

describe("[M2] mentionsOf()", () => {
  const named: readonly (readonly [text: string, matches: boolean])[] = [
    ["hey barney 2.0!", true],
    ["@Barney 2.0 hi", true],
    ["BARNEY  2.0", true],
    ["Bar\u200bney 2.0", true],
    ["barney 2.0", true],
    ["barney 2x0", false],
    ["xbarney 2.0", false],
    ["barney 2.01", false],
    ["äbarney 2.0", false],
    ["barney", false],
    ["main", false],
    ["", false],
  ];
  for (const [text, matches] of named) {
    it(`${matches ? "hears" : "does not hear"} its name in ${JSON.stringify(text)}`, async () => {
      assert.equal((await matcher(NAMED))(text), matches);
    });
  }

  it("makes no pattern from an agent's id", async () => {
    const matches = await matcher('{"id":"barney"}');
    assert.equal(matches("barney"), false);
  });

  it("makes no pattern without a name", async () => {
    assert.equal((await configOf(discord(""))).discord.access.matchesPattern("main"), false);
  });

  it("prefers the agent's patterns, then those for all, then its name", async () => {
    const own = await matcher(
      '{"id":"a","name":"Nemo","groupChat":{"mentionPatterns":["^own"]}}',
      ["shared"],
    );
    assert.deepEqual(["own", "shared", "nemo"].map(own), [true, false, false]);
    const shared = await matcher('{"id":"a","name":"Nemo"}', ["shared"]);
    assert.deepEqual(["own", "shared", "nemo"].map(shared), [false, true, false]);
  });

  it("reads an empty list as no patterns", async () => {
    const matches = await matcher('{"id":"a","name":"Nemo"}', []);
    assert.equal(matches("nemo"), false);
  });

  it("ignores case and hidden characters", async () => {
    const matches = await matcher('{"id":"a"}', ["Krill\\b"]);
    assert.equal(matches("KRI\u200dLL?"), true);
    assert.equal(matches("krills"), false);
  });

  it("runs a pattern in linear time that would never end in other engines", async () => {
    const matches = await matcher('{"id":"a"}', ["(a+)+$"]);
    assert.equal(matches(`${"a".repeat(4_000)}!`), false);
  });

  it("refuses patterns that RE2 does not support, and one that matches everything", async () => {
    const patterns = JSON.stringify(["ok", "(", "(?<=a)b", "(a)\\1", "a*"]);
    const found = await problemLines(
      discord(`"enabled":false`).replace(
        /}$/,
        `,"messages":{"groupChat":{"mentionPatterns":${patterns}}}}`,
      ),
    );
    assert.equal(found.length, 4);
    assert.match(found[3]!, /mentionPatterns\[4\]: The pattern matches an empty text/);
  });
});
