import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { anthropicFormat, openAiFormat, parseWireRequest } from "../../../simulator/model/wire.ts";

describe("parseWireRequest()", () => {
  it("reads OpenAI's form, with its system among the messages", () => {
    const body = JSON.stringify({
      model: "m",
      stream: true,
      messages: [
        { role: "system", content: "Be kind." },
        { role: "user", content: [{ type: "text", text: "hel" }, { type: "text", text: "lo" }] },
        { role: "assistant", content: null },
      ],
    });
    assert.deepEqual(parseWireRequest(body), {
      model: "m",
      system: "Be kind.",
      messages: [{ role: "user", text: "hello" }, { role: "assistant", text: "" }],
      tools: [],
      hasTools: false,
    });
  });

  it("reads Anthropic's, with its system beside them", () => {
    const body = JSON.stringify({
      model: "m",
      stream: true,
      system: [{ type: "text", text: "Be kind." }],
      messages: [{ role: "user", content: "hello" }],
    });
    assert.deepEqual(parseWireRequest(body), {
      model: "m",
      system: "Be kind.",
      messages: [{ role: "user", text: "hello" }],
      tools: [],
      hasTools: false,
    });
  });

  const results = [
    ["OpenAI's", {
      tools: [{ type: "function", function: { name: "tide" } }],
      messages: [{ role: "tool", tool_call_id: "call_1", content: "high" }],
    }],
    ["Anthropic's", {
      tools: [{ name: "tide", input_schema: {} }],
      messages: [{
        role: "user",
        content: [{ type: "tool_result", tool_use_id: "call_1", content: [{ text: "high" }] }],
      }],
    }],
  ] as const;
  for (const [whose, fields] of results) {
    it(`[T1] reads tools and results of ${whose}`, () => {
      const parsed = parseWireRequest(JSON.stringify({ model: "m", stream: true, ...fields }));
      assert.deepEqual(parsed?.tools, ["tide"]);
      assert.deepEqual(parsed?.messages, [{ role: "tool", text: "high" }]);
    });
  }

  for (const choice of ["none", { type: "none" }]) {
    it(`[T1] reads no tools if the choice is ${JSON.stringify(choice)}`, () => {
      const body = JSON.stringify({
        model: "m",
        stream: true,
        messages: [{ role: "user", content: "hello" }],
        tools: [{ name: "tide" }],
        tool_choice: choice,
      });
      assert.deepEqual(parseWireRequest(body)?.tools, []);
    });
  }

  const wrong = ["", "{", "[]", "null", '{"model":"m"}', '{"model":"m","messages":[]}'];
  for (const body of wrong) {
    it(`finds no request in ${JSON.stringify(body)}`, () => {
      assert.equal(parseWireRequest(body), undefined);
    });
  }
});

describe("anthropicFormat()", () => {
  it("opens and closes each block once, in order", () => {
    const format = anthropicFormat("m");
    const text = [
      format.open(),
      format.thought("a"),
      format.thought("b"),
      format.text("c"),
      format.text("d"),
      format.finish("stop", 4),
    ].join("");
    const events = [...text.matchAll(/^data: (.+)$/gm)].map(([, json = ""]) => JSON.parse(json));
    assert.deepEqual(
      events.map(({ type, index }) => index === undefined ? type : `${type} ${index}`),
      [
        "message_start",
        "content_block_start 0",
        "content_block_delta 0",
        "content_block_delta 0",
        "content_block_stop 0",
        "content_block_start 1",
        "content_block_delta 1",
        "content_block_delta 1",
        "content_block_stop 1",
        "message_delta",
        "message_stop",
      ],
    );
  });
});

describe("openAiFormat()", () => {
  it("ends with the reason, the usage and the end of the stream", () => {
    const [finish, usage, done, rest] = openAiFormat("m").finish("stop", 7).split("\n\n");
    assert.equal(JSON.parse(finish!.slice(6)).choices[0].finish_reason, "stop");
    assert.equal(JSON.parse(usage!.slice(6)).usage.total_tokens, 18);
    assert.equal(done, "data: [DONE]");
    assert.equal(rest, "");
  });
});
