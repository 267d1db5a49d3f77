import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { ModelErrorKind } from "../../src/core/model.ts";
import { modelProblemOf, nextStepAfter } from "../../src/core/model_problem.ts";

const of = (kind: ModelErrorKind, modelId = "local/llama3.2:3b") =>
  modelProblemOf({ kind, modelId });

describe("[L3] modelProblemOf()", () => {
  const fixes: readonly (readonly [kind: ModelErrorKind, why: RegExp, fix: RegExp])[] = [
    ["unauthorized", /refuses the API key/, /API key of the provider local/],
    ["quota", /quota or the credit/, /add credit/],
    ["not_found", /does not have this model/, /`ollama pull llama3\.2:3b`/],
    ["no_memory", /too little memory/, /smaller model/],
    ["web_page", /web page/, /baseUrl/],
    ["redirected", /redirects requests/, /baseUrl/],
  ];
  for (const [kind, why, fix] of fixes) {
    it(`explains ${kind}`, () => {
      assert.match(of(kind)?.why ?? "", why);
      assert.match(of(kind)?.fix ?? "", fix);
    });
  }

  it("names the target of a redirect", () => {
    const failure = {
      kind: "redirected",
      modelId: "p/m",
      redirectedTo: "a.example (https)",
    } as const;
    assert.match(modelProblemOf(failure)?.why ?? "", /redirects requests to a\.example \(https\)/);
  });

  const passing: readonly ModelErrorKind[] = [
    "rejected",
    "rate_limited",
    "unavailable",
    "timeout",
    "not_an_answer",
  ];
  for (const kind of passing) {
    it(`does not bother the operator with ${kind}`, () => assert.equal(of(kind), undefined));
  }

  it("suggests `ollama pull` first for a model of the provider ollama", () => {
    assert.match(of("not_found", "ollama/llama3.2")?.fix ?? "", /^run `ollama pull llama3\.2` on/);
  });

  it("does not suggest `ollama pull` for a vendor's model", () => {
    assert.doesNotMatch(of("not_found", "openai/gpt-5")?.fix ?? "", /ollama/);
  });
});

describe("[R11] nextStepAfter()", () => {
  const steps: readonly (readonly [reason: string, fix: RegExp])[] = [
    ["unauthorized: local/llama3 answered 401: no", /API key of the provider local/],
    ["quota: local/llama3 answered 429", /add credit/],
    ["not_found: local/llama3:8b answered 404", /`ollama pull llama3:8b`/],
    ["context_length: local/llama3 answered 400", /contextWindow/],
    ["rate_limited: local/llama3 answered 429", /fallbacks/],
    ["unavailable: local/llama3 is unreachable", /barnacle model test/],
    ["not_an_answer: local/llama3 answered without any text", /barnacle model test/],
    [
      "not_an_answer: local/llama3 used up its tokens before its answer had any text",
      /maxOutput.*`\/settings think low`/,
    ],
    ["no answer within 600 s", /turnTimeoutSec/],
    ["no words after 16 steps: local/llama3 gave no answer", /maxSteps/],
  ];
  for (const [reason, fix] of steps) {
    it(`tells the operator what to do: ${reason}`, () =>
      assert.match(nextStepAfter(reason) ?? "", fix));
  }

  it("tells nothing for other reasons", () => {
    for (const reason of ["unexpected", "cannot be stored", ""]) {
      assert.equal(nextStepAfter(reason), undefined);
    }
  });
});
