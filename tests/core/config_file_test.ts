import assert from "node:assert/strict";
import { it } from "node:test";
import { type PathSegment, pathText, pathTo } from "../../src/core/config_file.ts";

const paths: readonly [path: readonly PathSegment[], text: string][] = [
  [["agents", "list", 0, "id"], "agents.list[0].id"],
  [["guilds", "*", "channels", "help-desk"], "guilds.*.channels.help-desk"],
  [["guilds", "1400000000000000001"], "guilds.1400000000000000001"],
  [["channels", "a b"], 'channels."a b"'],
  [["channels", "a.b"], 'channels."a.b"'],
  [["channels", "a\u202eb"], 'channels."a\\u{202e}b"'],
  [[], ""],
];
for (const [path, text] of paths) {
  it(`[C2] pathText() › writes ${JSON.stringify(path)} as ${text || "nothing"}`, () => {
    assert.equal(pathText(path), text);
  });
}

it("[P1] pathTo() › appends to a path", () => {
  assert.equal(pathTo("channels.discord.guilds", "help-desk"), "channels.discord.guilds.help-desk");
  assert.equal(pathTo("users", 0), "users[0]");
});
