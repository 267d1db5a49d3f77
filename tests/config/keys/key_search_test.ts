import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { distance } from "fastest-levenshtein";
import { findKeys } from "../../../src/config/keys/find_keys.ts";

const first = (query: string) => findKeys(query, distance).found[0]?.key.path;

describe("[O6] the search for a key", () => {
  for (
    const [query, path] of [
      ["historyLimit", "channels.discord.historyLimit"],
      ["history limit", "channels.discord.historyLimit"],
      ["dm.policy", "channels.discord.dm.policy"],
      ["require mention", "channels.discord.guilds.<guild>.requireMention"],
      ["ownerAllowFrom", "commands.ownerAllowFrom"],
      ["tokens per day total", "budgets.total.tokensPerDay"],
    ] as const
  ) it(`finds ${path} by "${query}"`, () => assert.equal(first(query), path));

  it("says which words it has searched for a misspelt one", () => {
    const { found, instead } = findKeys("histroyLimit", distance);
    assert.equal(instead, "historyLimit");
    assert.equal(found[0]?.key.path, "channels.discord.historyLimit");
  });

  for (const query of ["", "   ", "...", "qqqqqqqqqqqqqq", "x".repeat(5_000), "<script>", "(["]) {
    it(`finds nothing by ${query.slice(0, 20)}`, () => {
      assert.deepEqual(findKeys(query, distance).found, []);
    });
  }
});
