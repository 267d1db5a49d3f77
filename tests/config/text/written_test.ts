import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { positionOf, positionsIn } from "../../../src/config/text/edit.ts";

const TEXT = `// ours
{
  "channels": {
    "discord": {
      "dm": { "allowFrom": ["ada", "bob"] },
      "guilds": { "*": {}, "日本語": { "users": [] },
        "a.b": { "channels": { "x": { "allow": false } } },
        "a": { "requireMention": true }
      }
    }
  }
}`;

describe("[P1] positionOf()", () => {
  const cases: readonly (readonly [path: string, place: string | undefined])[] = [
    ["channels", "3:3"],
    ["channels.discord.dm.allowFrom", "5:15"],
    ["channels.discord.dm.allowFrom[1]", "5:36"],
    ["channels.discord.guilds.*", "6:19"],
    ["channels.discord.guilds.a", "8:9"],
    ["channels.discord.guilds.a.requireMention", "8:16"],
    ['channels.discord.guilds."a.b".channels.x.allow', "7:39"],
    ['channels.discord.guilds."日本語".users', "6:37"],
    // The nearest written key above it.
    ["channels.discord.dm.policy", "5:7"],
    ["channels.discord.dm.allowFrom[2]", "5:15"],
    ["channels.discord.guilds.ab.users", "6:7"],
    ["channels.discord.groupPolicy", "4:5"],
    ["channels.defaults.groupPolicy", "3:3"],
    ["chan", undefined],
    ["log.level", undefined],
    ["", undefined],
  ];
  for (const [path, place] of cases) {
    it(`finds ${path || "nothing"} at ${place ?? "no place"}`, () => {
      const found = positionOf(TEXT, path);
      assert.equal(found && `${found.line}:${found.column}`, place);
    });
  }

  it("finds nothing in a text that does not parse", () => {
    for (const text of ["", "{", "[1]", '{"a":1,"a":2}']) {
      assert.equal(positionOf(text, "a"), undefined);
    }
  });

  it("reads a text once for many paths", () => {
    const find = positionsIn(TEXT);
    for (const [path, place] of cases) {
      const found = find(path);
      assert.equal(found && `${found.line}:${found.column}`, place);
    }
  });
});
