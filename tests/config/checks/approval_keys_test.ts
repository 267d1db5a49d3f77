/** Tests what the config says about wrong values of `approval` and its neighbours (A5, H6a, T17). */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { load } from "../support.ts";

const GUILD = "123456789012345678";

const discord = (more: object) =>
  JSON.stringify({ channels: { discord: { token: "t", ...more } } });
const guild = (rules: object) => discord({ guilds: { [GUILD]: rules } });
const answers = (given: unknown) =>
  JSON.stringify({ channels: { discord: { token: "t" } }, approvals: { answers: given } });

const CASES: readonly (readonly [what: string, text: string, path: string, words: RegExp])[] = [
  ["another mode", guild({ approval: "sometimes" }), `guilds.${GUILD}.approval`, /always.*unsure/],
  ["a switch", guild({ approval: true }), `guilds.${GUILD}.approval`, /always.*unsure/],
  [
    "a mode of a channel in capitals",
    guild({ channels: { help: { approval: "ALWAYS" } } }),
    "channels.help.approval",
    /always.*unsure/,
  ],
  ["a mode of direct messages", discord({ dm: { approval: "" } }), "dm.approval", /always/],
  ["a channel by its name", answers({ channel: "#owners" }), "answers.channel", /id/],
  ["people by their names", answers({ people: ["ada"] }), "answers.people[0]", /id/],
  ["one person, and no list", answers({ people: GUILD }), "answers.people", /list|array/i],
  ["an empty word", answers({ words: [""] }), "answers.words[0]", /./],
  ["too little time", answers({ timeoutSec: 59 }), "answers.timeoutSec", /60 to 604/],
  ["too much time", answers({ timeoutSec: 604_801 }), "answers.timeoutSec", /60 to 604/],
  ["a time in words", answers({ timeoutSec: "1h" }), "answers.timeoutSec", /number/],
  ["another key", answers({ mode: "always" }), "answers.mode", /./],
  ["no object", answers("always"), "approvals.answers", /object/],
  ["other edits", guild({ edits: "always" }), `guilds.${GUILD}.edits`, /follow/],
  ["other knowledge", guild({ knowledge: true }), `guilds.${GUILD}.knowledge`, /search/],
];

describe("[A5] [H6a] [T17] the config", () => {
  for (const [what, text, path, words] of CASES) {
    it(`refuses ${what}, and names the key`, async () => {
      const { kind, problems } = await load(text, { env: {} });
      const found = problems.find((one) => one.path.endsWith(path));
      assert.ok(found, JSON.stringify(problems));
      assert.match(`${found.message} ${found.hint ?? ""}`, words);
      assert.doesNotMatch(found.message, /\n/);
      assert.ok(kind === "refused" || found.severity === "warning", kind);
    });
  }
});
