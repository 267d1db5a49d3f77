import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  type Model,
  ModelError,
  type ModelErrorKind,
  type ModelPart,
  type ModelRequest,
} from "../../../src/core/model.ts";
import { tryModel } from "../../../src/providers/about/try_model.ts";

const OWN = { name: "own", description: "Own.", parameters: { type: "object" } };
const POEM = ["The sea is wide and blue. ", "It carries ships to far coasts."];

/** A server that refuses some requests, and one whose second step says these pieces. */
function modelThat(
  refuses: (request: ModelRequest) => ModelErrorKind | undefined,
  { pieces = POEM, colour = "red" } = {},
) {
  const asked: ModelRequest[] = [];
  const model: Model = {
    id: "local/m",
    async *generate(request): AsyncGenerator<ModelPart, void> {
      asked.push(request);
      const kind = refuses(request);
      if (kind) throw new ModelError(`refused: ${kind}`, { kind, modelId: "local/m" });
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
  const play = () => tryModel(model, prompt, () => time += 10, new AbortController().signal);
  return { play, asked };
}

const hasImage = ({ messages }: ModelRequest) =>
  messages.some((one) => one.role === "user" && one.images !== undefined);
const isSecond = ({ messages }: ModelRequest) => messages.some(({ role }) => role === "tool");

describe("[L4] tryModel()", () => {
  it("plays two steps with the bot's own prompt and tools, and one image", async () => {
    const { play, asked } = modelThat(() => undefined);
    const result = { tools: true, images: true, secondStep: true, streams: true, refused: {} };
    assert.deepEqual(await play(), {
      ...result,
      firstMs: 10,
      totalMs: 20,
      usage: undefined,
    });
    assert.deepEqual(asked.map(({ messages }) => messages.map(({ role }) => role)), [
      ["user"],
      ["user", "assistant", "tool"],
    ]);
    for (const { system, tools } of asked) {
      assert.equal(system, "The prompt.");
      assert.deepEqual(tools?.map(({ name }) => name), ["own", "report_colour"]);
    }
  });

  /** What a server refuses, and the differences of the result. */
  const TABLE: readonly (readonly [string, (request: ModelRequest) => boolean, object])[] = [
    [
      "its own answer with a result",
      isSecond,
      { tools: true, images: true, secondStep: false, refused: ["secondStep"] },
    ],
    [
      "a tool of the bot",
      ({ tools = [] }) => tools.length > 1,
      { tools: true, images: true, secondStep: true, streams: true, refused: ["ownTools"] },
    ],
    [
      "images",
      hasImage,
      {
        tools: true,
        images: false,
        secondStep: true,
        streams: true,
        refused: ["images"],
      },
    ],
    [
      "images, and a tool of the bot",
      (request) => hasImage(request) || (request.tools?.length ?? 0) > 1,
      {
        tools: true,
        images: false,
        secondStep: true,
        streams: true,
        refused: ["images", "ownTools"],
      },
    ],
    [
      "all tools",
      ({ tools }) => tools !== undefined,
      { tools: false, images: false, streams: true, refused: ["tools"] },
    ],
  ];
  for (const [what, refuses, expected] of TABLE) {
    it(`finds a server that refuses ${what}`, async () => {
      const { play } = modelThat((request) => refuses(request) ? "rejected" : undefined);
      const { firstMs: _, totalMs: __, usage: ___, refused, ...found } = await play();
      assert.deepEqual({ ...found, refused: Object.keys(refused) }, expected);
      assert.match(Object.values(refused).join(), /^refused: rejected/);
    });
  }

  it("finds a model without sight, and an answer that comes in one piece", async () => {
    const { play } = modelThat(() => undefined, { pieces: [POEM.join("")], colour: "none" });
    const { images, streams } = await play();
    assert.deepEqual([images, streams], [false, false]);
  });

  it("fails if no smaller request helps, and asks once if it could not", async () => {
    const all = modelThat(() => "rejected");
    await assert.rejects(all.play, ModelError);
    assert.equal(all.asked.length, 6);
    const key = modelThat(() => "unauthorized");
    await assert.rejects(key.play, ModelError);
    assert.equal(key.asked.length, 1);
  });
});
