import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type FoundSource, uncitedLinks } from "../../../src/core/turn/ports/search.ts";

const source = (link: string, ...replies: readonly string[]): FoundSource => ({
  kind: "message",
  link,
  where: "#help",
  text: "Where is the lighthouse key?",
  replies: replies.map((text, at) => ({ link: `${link}/reply${at}`, text })),
  score: 1,
});
const KEY = source("https://x/1", "It hangs below the mat.");
const CODE = source("https://x/2", "Take port 8443", "yes");
const SHORT = source("https://x/4", "Thanks!", "restart it", "12", "Same question here");

describe("uncitedLinks()", () => {
  for (
    const [what, answer, sources, links] of [
      ["uses a reply without its link", "The key hangs below the mat.", [KEY], [
        "https://x/1/reply0",
      ]],
      ["has the reply's link", "Below the mat it hangs. https://x/1/reply0", [KEY], []],
      ["has the question's link", "It hangs below the mat (<https://x/1>).", [KEY], []],
      ["says something else", "I do not know where the key is.", [KEY], []],
      ["uses one of several", "Take port 8443, yes.", [KEY, CODE], ["https://x/2/reply0"]],
      [
        "only has words of short replies",
        "Thanks: restart it 12 times. Same question.",
        [SHORT],
        [],
      ],
      ["had no sources", "It hangs below the mat.", [], []],
      ["had only a question", "The lighthouse key is lost.", [source("https://x/3")], []],
    ] as const
  ) {
    it(`[T17] finds the links that an answer lacks: it ${what}`, () => {
      assert.deepEqual(uncitedLinks(answer, sources), links);
    });
  }
});
