import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { runTurn, type TurnOutcome } from "../../src/agent/turn.ts";
import { type Model, ModelError, type ModelPart } from "../../src/core/model.ts";
import { FakeClock } from "../support/fake_clock.ts";

const REQUEST = { system: "be kind", messages: [{ role: "user", text: "hi" }] } as const;
const FINISH: ModelPart = { kind: "finish", reason: "stop" };
const text = (words: string): ModelPart => ({ kind: "text", text: words });

/** A model that streams the given parts, and then ends, fails, or hangs until it is aborted. */
function scripted(parts: readonly ModelPart[], end?: Error | "hang"): Model {
  return {
    id: "test/scripted",
    async *generate(_request, signal) {
      yield* parts;
      if (end === "hang") await hangUntil(signal);
      if (end instanceof Error) throw end;
    },
  };
}

function hangUntil(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const fail = () => reject(signal.reason);
    if (signal.aborted) fail();
    else signal.addEventListener("abort", fail, { once: true });
  });
}

function run(
  model: Model,
  { stopping = new AbortController(), clock = new FakeClock() } = {},
): Promise<TurnOutcome> {
  return runTurn(REQUEST, {
    model,
    stopping: stopping.signal,
    schedule: clock.schedule,
    timeoutMs: 600_000,
  });
}

describe("[L3] runTurn()", () => {
  it("joins the model's stream into one reply", async () => {
    const usage = { inputTokens: 3, outputTokens: 2 };
    const model = scripted([text("hello, "), text("Ada"), { ...FINISH, usage }]);
    assert.deepEqual(await run(model), { kind: "reply", text: "hello, Ada", usage });
  });

  it("[R8] calls onText with the whole answer so far", async () => {
    const texts: string[] = [];
    const clock = new FakeClock();
    await runTurn(REQUEST, {
      model: scripted([text("hello, "), text("Ada"), FINISH]),
      stopping: new AbortController().signal,
      schedule: clock.schedule,
      timeoutMs: 600_000,
      onText: (soFar) => texts.push(soFar),
    });
    assert.deepEqual(texts, ["hello, ", "hello, Ada"]);
  });

  it("keeps the partial answer of a model that reached its token limit", async () => {
    const outcome = await run(scripted([text("half"), { kind: "finish", reason: "length" }]));
    assert.deepEqual(outcome, { kind: "reply", text: "half" });
  });

  const failures: readonly [name: string, model: Model, reason: RegExp][] = [
    ["an answer without text", scripted([FINISH]), /empty \(stop\)/],
    ["white space only", scripted([text(" \n"), FINISH]), /empty/],
    ["an answer that ends early", scripted([text("hel")]), /ended early/],
    ["silence", scripted([]), /ended early/],
    [
      "a refusal of the provider",
      scripted([], new ModelError("no such model", { kind: "not_found", modelId: "test/x" })),
      /^not_found: no such model$/,
    ],
    ["an unexpected error", scripted([text("a")], new TypeError("secret")), /^unexpected$/],
  ];
  for (const [name, model, reason] of failures) {
    it(`fails on ${name}`, async () => {
      const outcome = await run(model);
      assert.ok(outcome.kind === "failed");
      assert.match(outcome.reason, reason);
    });
  }

  it("[T1] fails after its time limit", async () => {
    const clock = new FakeClock();
    const outcome = run(scripted([text("a")], "hang"), { clock });
    clock.advance(600_000);
    const ended = await outcome;
    assert.ok(ended.kind === "failed");
    assert.match(ended.reason, /600 s/);
  });

  it("leaves no timer behind", async () => {
    const clock = new FakeClock();
    await run(scripted([text("a"), FINISH]), { clock });
    assert.equal(clock.pending, 0);
  });

  it("[G12] is interrupted, not failed, if the process stops", async () => {
    const stopping = new AbortController();
    const outcome = run(scripted([text("a")], "hang"), { stopping });
    stopping.abort(new Error("stop"));
    assert.deepEqual(await outcome, { kind: "interrupted" });
  });
});
