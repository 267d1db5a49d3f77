import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type Model, ModelError, type ModelPart } from "../../../src/core/model.ts";
import { withReadCalls } from "../../../src/providers/choice/read_calls.ts";
import { withRetry } from "../../../src/providers/choice/retry.ts";
import { listen, QUESTION } from "../../support/model/model_server.ts";

const TIDE = { name: "tide", description: "", parameters: { type: "object" } };
const CALL = { id: "t1", name: "tide", arguments: "{}" };
const FINISH: ModelPart = { kind: "finish", reason: "stop" };

const isCall = (text: string, tools: readonly string[]) => text === "CALL" && tools[0] === "tide";

/** A model that answers in turn, with each answer's text in pieces. */
function modelOf(...answers: readonly (readonly [text: string, finish: ModelPart])[]): Model {
  let asked = 0;
  const model: Model = {
    id: "p/m",
    async *generate() {
      const [text = "", finish = FINISH] = answers[asked++] ?? [];
      for (const piece of text) yield { kind: "text", text: piece };
      yield finish;
    },
  };
  return withRetry(withReadCalls(model, () => Promise.resolve(isCall)), {
    sleep: () => Promise.resolve(),
    random: () => 0,
  });
}

const ask = (model: Model, request = {}) =>
  listen(model, undefined, { ...QUESTION, tools: [TIDE], ...request });

describe("[L3] withReadCalls()", () => {
  it("fails with the cause if the model writes its calls as text twice in a row", async () => {
    const { error } = await ask(modelOf(["CALL", FINISH], ["CALL", FINISH]));
    assert.ok(error instanceof ModelError && error.kind === "unread_call");
    assert.match(error.message, /its server's tool parser did not read the call$/);
  });

  it("asks again after the first one", async () => {
    assert.equal((await ask(modelOf(["CALL", FINISH], ["High.", FINISH]))).text, "High.");
  });

  it("passes on the text beside calls, and texts of requests without calls", async () => {
    const called: ModelPart = { kind: "finish", reason: "tool_calls", calls: [CALL] };
    assert.equal((await ask(modelOf(["CALL", called]))).error, undefined);
    assert.equal((await ask(modelOf(["CALL", FINISH]), { tools: undefined })).text, "CALL");
    assert.equal((await ask(modelOf(["CALL", FINISH]), { mayCall: false })).text, "CALL");
  });
});
