import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  type Model,
  ModelError,
  type ModelErrorKind,
  type ModelPart,
  type ModelRequest,
} from "../../../src/core/model.ts";
import {
  afterAsking,
  afterFailure,
  CLOSED,
  isClosed,
  type ModelCandidate,
  type ProviderBreaker,
  withFallbacks,
} from "../../../src/providers/choice/fallbacks.ts";
import { listen, QUESTION } from "../../support/model/model_server.ts";

type Says = string | ModelErrorKind | readonly [text: string, then: ModelErrorKind];
const KINDS: readonly string[] = ["unavailable", "unauthorized", "rate_limited", "rejected"];

/** A model that gives these answers in turn, and the last one for ever. */
function model(id: string, says: readonly Says[], more: Partial<Model> = {}) {
  const requests: ModelRequest[] = [];
  const fails = (kind: ModelErrorKind) => new ModelError(`${id} fails`, { kind, modelId: id });
  const made: Model = {
    id,
    ...more,
    async *generate(request): AsyncGenerator<ModelPart, void> {
      const now = says[Math.min(requests.length, says.length - 1)] ?? "";
      requests.push(request);
      await Promise.resolve();
      const [text, kind] = typeof now !== "string"
        ? now
        : KINDS.includes(now)
        ? ["", now as ModelErrorKind] as const
        : [now, undefined] as const;
      if (text !== "") yield { kind: "text", text };
      if (kind) throw fails(kind);
      yield { kind: "finish", reason: "stop" };
    },
  };
  const candidate: ModelCandidate = { model: made, providerId: id.slice(0, id.indexOf("/")) };
  return { candidate, requests };
}

function joined(...models: readonly [ReturnType<typeof model>, ...ReturnType<typeof model>[]]) {
  const [first, ...others] = models;
  let now = 0;
  const told: string[] = [];
  const all = withFallbacks([first.candidate, ...others.map(({ candidate }) => candidate)], {
    now: () => now,
    onFallback: ({ kind, modelId }, next) => told.push(`${modelId} ${kind} → ${next}`),
  });
  return { all, told, pass: (ms: number) => now += ms };
}

describe("[L1] [L3] withFallbacks()", () => {
  it("has the first model's answer, and says nothing about it", async () => {
    const { all, told } = joined(model("a/x", ["hello"]), model("b/y", ["hi"]));
    assert.equal(all.id, "a/x");
    const { text, parts } = await listen(all);
    assert.equal(text, "hello");
    assert.deepEqual(parts.at(-1), { kind: "finish", reason: "stop" });
    assert.deepEqual(told, []);
  });

  it("asks the next one after a failure, and names the model that answered", async () => {
    const models = [
      model("a/x", ["unauthorized"]),
      model("b/y", ["unavailable"]),
      model("c/z", ["hi"]),
    ] as const;
    const { all, told } = joined(...models);
    const { text, parts, error } = await listen(all);
    assert.equal(error, undefined);
    assert.equal(text, "hi");
    const last = parts.at(-1);
    assert.ok(last?.kind === "finish");
    assert.equal(last.modelId, "c/z");
    assert.equal(last.failure?.modelId, "a/x");
    assert.deepEqual(told, ["a/x unauthorized → b/y", "b/y unavailable → c/z"]);
  });

  it("asks the next one if an answer broke off, and a person has seen nothing of it", async () => {
    const { all } = joined(model("a/x", [["Well, ", "unavailable"]]), model("b/y", ["hi"]));
    const { text, parts, error } = await listen(all);
    assert.equal(error, undefined);
    assert.equal(text, "hi");
    assert.deepEqual(parts.map(({ kind }) => kind), ["text", "again", "text", "finish"]);
  });

  it("asks no other one once a person has seen text", async () => {
    const second = model("b/y", ["hi"]);
    const { all } = joined(model("a/x", [["Well, ", "unavailable"]]), second);
    const request = { ...QUESTION, isShown: () => true };
    const { text, error } = await listen(all, undefined, request);
    assert.equal(text, "Well, ");
    assert.ok(error instanceof ModelError);
    assert.equal(second.requests.length, 0);
  });

  it("fails with the first failure if all fail", async () => {
    const { all } = joined(model("a/x", ["unauthorized"]), model("b/y", ["unavailable"]));
    const { error } = await listen(all);
    assert.ok(error instanceof ModelError && error.modelId === "a/x");
  });

  it("skips a failing provider, probes it after a while, and returns to it", async () => {
    const first = model("a/x", ["unauthorized", "unauthorized", "back"]);
    const { all, pass } = joined(first, model("b/y", ["hi"]));
    for (let turn = 0; turn < 3; turn++) await listen(all);
    assert.equal(first.requests.length, 1, "it was asked while its breaker was open");
    pass(30_000);
    assert.equal((await listen(all)).text, "hi");
    assert.equal(first.requests.length, 2);
    pass(60_000);
    assert.equal((await listen(all)).text, "back");
    assert.equal((await listen(all)).text, "back");
  });

  it("asks all as written if each provider fails", async () => {
    const first = model("a/x", ["unauthorized"]);
    const { all } = joined(first, model("b/y", ["unauthorized"]));
    for (let turn = 0; turn < 3; turn++) await listen(all);
    assert.equal(first.requests.length, 3);
  });

  it("adapts the request to the abilities of each model", async () => {
    const small = model("b/y", ["hi"], {
      takesNoTools: true,
      takesImages: false,
      window: { contextWindow: 1_000, maxOutput: 100 },
    });
    const first = model("a/x", ["unavailable"]);
    const { all } = joined(first, small);
    const images = [{ mediaType: "image/png", data: new Uint8Array(4) }];
    const request: ModelRequest = {
      system: "Be kind.",
      tools: [{ name: "tide", description: "", parameters: { type: "object" } }],
      messages: [
        { role: "user", text: "x".repeat(5_000) },
        { role: "assistant", text: "old" },
        { role: "user", text: "What is this?", images },
      ],
    };
    await listen(all, undefined, request);
    assert.equal(first.requests[0], request);
    assert.deepEqual(small.requests, [{
      system: "Be kind.",
      messages: [{ role: "user", text: "What is this?\n[1 image: you see no images]" }],
    }]);
  });

  it("asks no other one after an abort", async () => {
    const stop = new AbortController();
    const second = model("b/y", ["hi"]);
    const aborting: ModelCandidate = {
      providerId: "a",
      model: {
        id: "a/x",
        async *generate(): AsyncGenerator<ModelPart, void> {
          await Promise.resolve();
          stop.abort(new Error("/stop"));
          if (stop.signal.aborted) throw stop.signal.reason;
          yield { kind: "finish", reason: "stop" };
        },
      },
    };
    const all = withFallbacks([aborting, second.candidate], { now: () => 0 });
    assert.match(String((await listen(all, stop.signal, QUESTION)).error), /\/stop/);
    assert.equal(second.requests.length, 0);
  });
});

const failed = (kinds: readonly ModelErrorKind[], from: ProviderBreaker = CLOSED, now = 0) =>
  kinds.reduce((state, kind) => afterFailure(state, kind, now), from);

describe("[L3] the breaker", () => {
  const rows: readonly (readonly [readonly ModelErrorKind[], isOpen: boolean])[] = [
    [[], false],
    [["unavailable", "timeout"], false],
    [["unavailable", "timeout", "rate_limited"], true],
    [["unauthorized"], true],
    [["quota"], true],
    [["web_page"], true],
    [["not_found", "rejected", "not_an_answer", "not_found", "rejected"], false],
  ];
  for (const [kinds, isOpen] of rows) {
    it(`is ${isOpen ? "open" : "closed"} after ${kinds.join(", ") || "nothing"}`, () => {
      assert.equal(isClosed(failed(kinds), 1), !isOpen);
    });
  }

  it("closes after 30 s, and lets one request probe the provider", () => {
    const open = failed(["unauthorized"]);
    assert.equal(isClosed(open, 29_999), false);
    assert.equal(isClosed(open, 30_000), true);
    const probing = afterAsking(open, 30_000);
    assert.equal(isClosed(probing, 30_001), false, "the others wait for the probe");
    assert.equal(isClosed(probing, 90_000), true, "the probe never ended");
  });

  it("pauses longer after each failed probe, 10 min at most", () => {
    let state = failed(["quota"]);
    let now = 0;
    const pauses: number[] = [];
    for (let probe = 0; probe < 6; probe++) {
      pauses.push((state.openUntil - now) / 1_000);
      now = state.openUntil;
      state = afterFailure(afterAsking(state, now), "unavailable", now);
    }
    assert.deepEqual(pauses, [30, 60, 120, 240, 480, 600]);
  });

  it("changes nothing when a request begins at a working provider", () => {
    assert.equal(afterAsking(CLOSED, 5), CLOSED);
  });
});
