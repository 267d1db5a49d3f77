import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { callsFor } from "../../../simulator/model/tool_calls.ts";
import type { WireRequest } from "../../../simulator/model/wire.ts";

const WORDS = 'call: tide {"port":"Hull"}\ncall: moon\nthen\ncall: tide {}';

function asked(...messages: WireRequest["messages"]): WireRequest {
  return { model: "m", system: "", tools: ["tide", "moon"], hasTools: true, messages };
}

const user = { role: "user", text: WORDS };
const answer = { role: "assistant", text: "" };
const result = { role: "tool", text: "high" };

describe("[T1] callsFor()", () => {
  const cases: readonly [name: string, request: WireRequest, calls: readonly string[]][] = [
    ["calls what the words ask for first", asked(user), [
      'call_1_1 tide {"port":"Hull"}',
      "call_1_2 moon {}",
    ]],
    ["calls what comes after `then`", asked(user, answer, result, result), ["call_2_1 tide {}"]],
    ["calls nothing more at the end", asked(user, answer, result, answer, result), []],
    ["calls nothing for an earlier question", asked(user, answer, { role: "user", text: "hi" }), [
      'call_1_1 tide {"port":"Hull"}',
      "call_1_2 moon {}",
    ]],
    ["calls nothing without tools", { ...asked(user), tools: [] }, []],
  ];
  for (const [name, request, calls] of cases) {
    it(name, () => {
      const found = callsFor(request, WORDS).calls;
      assert.deepEqual(
        found.map((call) => `${call.id} ${call.name} ${call.arguments}`),
        calls,
      );
    });
  }

  /** The results as the bot gives them to a model. */
  const fence = (text: string) => `<result boundary="k3f9k3f9">\n${text}\n</result>`;
  const sentences: readonly [words: string, result: string, said: string][] = [
    [
      "Remember that it rains.",
      "Saved as note 1.",
      "I will remember that it rains. Ask me about it any time.",
    ],
    [
      "What do you remember about the ferry?",
      '{"id":1,"by":"1","text":"it leaves at nine"}\n{"id":2,"by":"1","text":"it is blue"}',
      "You told me that it leaves at nine, and that it is blue.",
    ],
    [
      "what do you remember about the moon",
      "No notes found.",
      "I remember nothing about the moon.",
    ],
    [
      "Remind me in 1 minute to make tea",
      'Set: {"id":1,"kind":"reminder"}',
      "I will remind you in 1 minute to make tea, even if I crash before.",
    ],
    ["Read the file tides.md", "low\nhigh", "This is in tides.md:\n> low\n> high"],
    ["Run date", "[exit code 0, 0.1 s]\nSun", "I asked before I ran it. It says:\n> Sun"],
    [
      'Set the topic of this channel to "x"',
      "Changed.",
      'The topic is "x" now. You can undo that for ten minutes.',
    ],
    ["Undo that", "Undone (1)", "I put it back as it was."],
    ["menu", '{"answer":["high","low"],"by":"1"}', "You like this tide: high and low."],
    [
      "form",
      '{"answer":{"Port":"Hull","Tide":["low"],"Crew":[{"id":"1","name":"Ada"}],"Chart":null},"by":"1"}',
      "We sail like this: Port: Hull, Tide: low, Crew: Ada, Chart: none.",
    ],
  ];
  for (const [words, result, said] of sentences) {
    it(`[O5] answers "${words}" by a call, and then as a person would`, () => {
      const tools = ["memory", "remind", "read_file", "exec", "discord", "ask"];
      const request = { ...asked({ role: "user", text: words }), tools };
      assert.equal(callsFor(request, `@you ${words}`).calls.length, 1);
      const messages = [...request.messages, answer, { role: "tool", text: fence(result) }];
      assert.equal(callsFor({ ...request, messages }, words).said, said);
      const failed = [...request.messages, answer, { role: "tool", text: `Error: ${fence("no")}` }];
      assert.equal(callsFor({ ...request, messages: failed }, words).said, "I cannot do that: no.");
      assert.equal(callsFor({ ...request, tools: [] }, words).said, "I do that for my owner only.");
    });
  }

  it("returns the results since the question", () => {
    assert.deepEqual(callsFor(asked(user, answer, result, result), WORDS).results, [
      "high",
      "high",
    ]);
    assert.deepEqual(callsFor(asked(user, answer, result, user), WORDS).results, []);
  });
});
