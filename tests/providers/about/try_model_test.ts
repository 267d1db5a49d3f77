import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  type Model,
  ModelError,
  type ModelErrorKind,
  type ModelPart,
  type ModelRequest,
} from "../../../src/core/model.ts";
import { tryModel } from "../../../src/providers/about/abilities.ts";
import { withPlainerRequests } from "../../../src/providers/refused/plainer_requests.ts";

const OWN = { name: "own", description: "Own.", parameters: { type: "object" } };
const POEM = ["The sea is wide and blue. ", "It carries ships to far coasts."];

/** A server that refuses some requests, and one whose second step says these pieces. */
function modelThat(
  refuses: (request: ModelRequest) => string | false,
  kind: ModelErrorKind = "rejected",
  { pieces = POEM, colour = "red" } = {},
) {
  const asked: ModelRequest[] = [];
  const model: Model = {
    id: "local/m",
    async *generate(request): AsyncGenerator<ModelPart, void> {
      asked.push(request);
      const words = refuses(request);
      if (words) throw new ModelError(`refused: ${words}`, { kind, words, modelId: "local/m" });
      const isSecond = request.messages.some(({ role }) => role === "tool");
      if (request.tools && !isSecond) {
        const call = { id: "1", name: "report_colour", arguments: JSON.stringify({ colour }) };
        yield { kind: "finish", reason: "tool_calls", calls: [call] };
        return;
      }
      for (const text of pieces) yield { kind: "text", text };
      yield { kind: "finish", reason: "stop" };
    },
  };
  let time = 0;
  const prompt = { system: "The prompt.", tools: [OWN] };
  const fitted = withPlainerRequests(model, { now: () => 0 });
  const play = () => tryModel(fitted, prompt, () => time += 10, new AbortController().signal);
  return { play, asked };
}

const hasImage = ({ messages }: ModelRequest) =>
  messages.some((one) => one.role === "user" && one.images !== undefined);
const isSecond = ({ messages }: ModelRequest) => messages.some(({ role }) => role === "tool");

describe("[L4] tryModel()", () => {
  it("plays two steps with the bot's own prompt and tools, and one image", async () => {
    const { play, asked } = modelThat(() => false);
    const result = { tools: true, images: true, secondStep: true, streams: true, refused: [] };
    assert.deepEqual(await play(), { ...result, firstMs: 10, totalMs: 20, usage: undefined });
    assert.deepEqual(asked.map(({ messages }) => messages.map(({ role }) => role)), [
      ["user"],
      ["user", "assistant", "tool"],
    ]);
    for (const { system, tools } of asked) {
      assert.equal(system, "The prompt.");
      assert.deepEqual(tools?.map(({ name }) => name), ["own", "report_colour"]);
    }
  });

  const all = { tools: true, images: true, secondStep: true, streams: true };
  /** What a server refuses, and the differences of the result. */
  const TABLE: readonly (readonly [
    string | undefined,
    (request: ModelRequest) => string | false,
    object,
    string?,
  ])[] = [
    [
      "calls of tools in the conversation",
      (request) => isSecond(request) && "no",
      { tools: true, images: true, secondStep: false },
    ],
    [
      "the tool `own`",
      ({ tools = [] }) => tools.some(({ name }) => name === "own") && "Invalid schema: tool 'own'",
      all,
    ],
    [undefined, (one) => hasImage(one) && "no images here", { ...all, images: false }, "none"],
    [
      "all tools",
      ({ tools }) => tools !== undefined && "tools are not supported",
      { tools: false, images: false, streams: true },
    ],
  ];
  for (const [part, refuses, expected, colour] of TABLE) {
    it(`finds a server that refuses ${part ?? "all images"}`, async () => {
      const { play } = modelThat(refuses, "rejected", { colour });
      const { firstMs: _, totalMs: __, usage: ___, refused, ...found } = await play();
      assert.deepEqual(found, expected);
      assert.deepEqual(refused.map((one) => one.part), part === undefined ? [] : [part]);
      if (part !== undefined) assert.match(refused[0]?.reason ?? "", /^refused: /);
    });
  }

  it("finds a model without sight, and an answer that comes in one piece", async () => {
    const { play } = modelThat(() => false, "rejected", { pieces: [POEM.join("")], colour: "" });
    const { images, streams } = await play();
    assert.deepEqual([images, streams], [false, false]);
  });

  it("fails after one request if no smaller one could help", async () => {
    const { play, asked } = modelThat(() => "tools", "unauthorized");
    await assert.rejects(play, ModelError);
    assert.equal(asked.length, 1);
  });
});
