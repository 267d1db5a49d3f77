import assert from "node:assert/strict";
import { distance } from "fastest-levenshtein";
import { describe, it } from "node:test";
import { allKeys, findKeys, keyFacts } from "../../../src/config/keys/find_keys.ts";
import { cases } from "../../support/long_form.ts";

const CASES: readonly (readonly [query: string, by: string, path: string])[] = [
  ["channels.discord.historyLimit", "path", "channels.discord.historyLimit"],
  ["CHANNELS.discord.historylimit", "path", "channels.discord.historyLimit"],
  ['channels.discord.guilds."my guild".users', "path", "channels.discord.guilds.<guild>.users"],
  ["agents.list[3].id", "path", "agents.list[].id"],
  ["guilds.123456789012345678.users", "name", "channels.discord.guilds.<guild>.users"],
  ["history_limit", "name", "channels.discord.historyLimit"],
  ["history limit", "name", "channels.discord.historyLimit"],
  ["retention", "name", "store.retention"],
  ["rateLim", "words", "channels.discord.rateLimit"],
  ["days transcripts", "words", "store.retention.transcriptsDays"],
  ["histroyLimit", "name", "channels.discord.historyLimit"],
  ["histroy limt", "name", "channels.discord.historyLimit"],
  ["http.tokn", "path", "http.token"],
  ["channels.discord.guilds.123.users[0]", "path", "channels.discord.guilds.<guild>.users"],
  ["channels.discord.guilds.123.nothing", "path", "channels.discord.guilds"],
];

describe("[C4] findKeys()", () => {
  for (const [query, by, path] of CASES) {
    it(`finds ${path} by "${query}"`, () => {
      const [first] = findKeys(query, distance).found;
      assert.equal(first?.key.path, path);
      assert.equal(first?.by, by);
    });
  }

  it("finds every key by its path, and among the first by its name", () => {
    const every = 10 / cases(1, 10); // each takes some milliseconds
    for (const { path, name } of allKeys().filter((_, index) => index % every === 0)) {
      assert.equal(findKeys(path, distance).found[0]?.key.path, path);
      assert.ok(findKeys(name, distance).found.some(({ key }) => key.path === path), path);
    }
  });

  for (const query of [" ", "[", "x".repeat(10_000), "\u0000", "<script>"]) {
    it(`finds nothing by ${JSON.stringify(query.slice(0, 20))}`, () => {
      assert.deepEqual(findKeys(query, distance).found, []);
    });
  }

  it("has facts about every key", () => {
    for (const key of allKeys()) {
      const facts = keyFacts(key);
      assert.doesNotMatch(JSON.stringify(facts), /undefined|\[object/);
      for (const text of [facts.values, facts.default, facts.change, facts.docs]) {
        assert.notEqual(text, "", key.path);
      }
    }
  });
});
