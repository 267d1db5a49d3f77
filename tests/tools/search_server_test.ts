/** Tests the arguments that `search_server` takes. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { searchServer } from "../../src/tools/search_server.ts";

const WRONG: readonly (readonly [what: string, given: unknown, path: string])[] = [
  ["no query", {}, "query"],
  ["an empty query", { query: "" }, "query"],
  ["blanks", { query: " \t\n " }, "query"],
  ["100 kB", { query: "x".repeat(100_000) }, "query"],
  ["a list of words", { query: ["a"] }, "query"],
  ["a channel by its name", { query: "a", channelId: "#general" }, "channelId"],
  ["a person by their name", { query: "a", authorId: "ada" }, "authorId"],
  ["a time in place of an id", { query: "a", before: "2026-01-01" }, "before"],
  ["SQL in place of an id", { query: "a", after: "1 OR 1=1" }, "after"],
  ["a number of results below 1", { query: "a", limit: 0 }, "limit"],
  ["a number of results above 10", { query: "a", limit: 11 }, "limit"],
  ["half a result", { query: "a", limit: 1.5 }, "limit"],
  ["another argument", { query: "a", reach: "asker" }, ""],
  ["no object", "a", ""],
  ["null", null, ""],
];

describe("[T17] the arguments of search_server", () => {
  for (const [what, given, path] of WRONG) {
    it(`are not ${what}`, () => {
      const { success, error } = searchServer.input.safeParse(given);
      assert.equal(success, false);
      assert.ok(error?.issues.some((issue) => issue.path.join(".") === path), String(error));
    });
  }

  for (const query of ['"a" NEAR("b")', "a* -b ^c", "text:x OR rowid:1", "🐚", "x".repeat(400)]) {
    it(`are words: ${query.slice(0, 20)}`, () => {
      assert.equal(searchServer.input.safeParse({ query }).success, true);
    });
  }
});
