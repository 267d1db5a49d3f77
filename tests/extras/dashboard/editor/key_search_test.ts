import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { distance } from "fastest-levenshtein";
import { searchKeys } from "../../../../src/extras/dashboard/editor/key_search.ts";

const first = (query: string) => searchKeys(query, distance).keys[0]?.path;

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
    const { keys, instead } = searchKeys("histroyLimit", distance);
    assert.equal(instead, "historyLimit");
    assert.equal(keys[0]?.path, "channels.discord.historyLimit");
  });

  for (const query of ["", "   ", "...", "qqqqqqqqqqqqqq", "x".repeat(5_000), "<script>", "(["]) {
    it(`finds nothing by ${query.slice(0, 20)}`, () => {
      assert.deepEqual(searchKeys(query, distance).keys, []);
    });
  }

  it("lists a dozen keys, and counts the others", () => {
    const { keys, more } = searchKeys("discord", distance);
    assert.equal(keys.length, 12);
    assert.ok(more > 50);
  });
});
