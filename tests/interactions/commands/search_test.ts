/** Tests what `/search` answers to each input and result. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { InteractionContext } from "../../../src/interactions/base/context.ts";
import type { FoundSource } from "../../../src/core/turn/ports/search.ts";
import { search } from "../../../src/interactions/commands/search.ts";
import { NOTICES } from "../../../src/render/notices/notices.ts";
import { callOf } from "../../support/discord/calls.ts";
import { interactionContext } from "../../support/discord/interaction_context.ts";

const source = (text: string, where = "#help"): FoundSource => ({
  kind: "message",
  link: "https://discord.com/channels/1456074443980800006/1456074443980800011/1574532784262025216",
  where,
  text,
  replies: [],
  score: 1,
});

type Run = InteractionContext["searches"]["run"];

/** Runs the command, and tells the words that were searched for. */
async function give(words: string | undefined, run: Run, isOn = true) {
  const asked: string[] = [];
  const searches: InteractionContext["searches"] = {
    isOn: () => isOn,
    run(call, words, limit) {
      asked.push(words);
      return run(call, words, limit);
    },
  };
  const call = callOf("search", words === undefined ? {} : { options: { words } });
  const text = await search.run(call, interactionContext({ searches }));
  return { asked, text: String(text) };
}

const finding = (...sources: readonly FoundSource[]): Run => () =>
  Promise.resolve({ kind: "found", sources });

describe("[T17] /search", () => {
  const cases: readonly [
    what: string,
    words: string | undefined,
    run: Run,
    isOn: boolean,
    answer: string,
  ][] = [
    ["no words", undefined, finding(source("x")), true, NOTICES.searchNothing.text],
    ["blanks", " \n\t ", finding(source("x")), true, NOTICES.searchNothing.text],
    ["nothing that matches", "x", finding(), true, NOTICES.searchNothing.text],
    [
      "a Discord that does not answer",
      "x",
      () => Promise.resolve({ kind: "failed" }),
      true,
      NOTICES.searchFailed.text,
    ],
    ["a server without `knowledge`", "x", finding(source("x")), false, NOTICES.searchOff.text],
  ];
  for (const [what, words, run, isOn, answer] of cases) {
    it(`says in one line what it does with ${what}`, async () => {
      assert.equal((await give(words, run, isOn)).text, answer);
    });
  }

  for (const words of ['"a" NEAR("b") OR *', "-x column:y ^z", "x".repeat(6_000), "\u0000\ud800"]) {
    it(`passes ${JSON.stringify(words.slice(0, 20))} on as words`, async () => {
      const { asked, text } = await give(words, finding(source("found")));
      assert.deepEqual(asked, [words.trim()]);
      assert.match(text, /found$/);
    });
  }

  it("fits into one message, whatever people have written", async () => {
    const long = source("_*~|`".repeat(100), `#${"_".repeat(99)}`);
    const { text } = await give("x", finding(long, long, long, long, long));
    assert.ok(text.length <= 2_000, `${text.length} characters`);
    assert.ok(text.length > 1_000);
  });

  it("shows words of people as plain text", async () => {
    const { text } = await give("x", finding(source("@everyone <@1> [a](https://x.example) # b")));
    assert.doesNotMatch(text, /(?<!\\)@everyone|(?<!\\)<@1|\]\(https/);
  });
});
