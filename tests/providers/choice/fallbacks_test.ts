import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import {
  type Model,
  ModelError,
  type ModelErrorKind,
  type ModelPart,
  type ModelRequest,
} from "../../../src/core/model.ts";
import {
  afterAsking,
  breakerAfterFailure,
  CLOSED,
  createBreakers,
  type ModelCandidate,
  withFallbacks,
} from "../../../src/providers/choice/fallbacks.ts";
import { listen, QUESTION } from "../../support/model/model_server.ts";

type Says = string | ModelErrorKind | readonly [text: string, then: ModelErrorKind];
const KINDS: readonly string[] = [
  "unavailable",
  "unauthorized",
  "rate_limited",
  "rejected",
  "timeout",
  "not_found",
  "quota",
  "web_page",
  "redirected",
  "context_length",
  "filtered",
  "not_an_answer",
] satisfies readonly ModelErrorKind[];

/** A model that gives these answers in turn, and the last one for ever. */
function model(
  id: string,
  says: readonly Says[],
  more: Partial<Model> & { readonly retryAfterMs?: number } = {},
) {
  const requests: ModelRequest[] = [];
  const fails = (kind: ModelErrorKind) =>
    new ModelError(`${id} fails`, { kind, modelId: id, retryAfterMs: more.retryAfterMs });
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
  const all = withFallbacks(
    [first.candidate, ...others.map(({ candidate }) => candidate)],
    createBreakers({ now: () => now }),
    ({ kind, modelId }, next) => told.push(`${modelId} ${kind} → ${next}`),
  );
  return { all, told, pass: (ms: number) => now += ms };
}

describe("[L1] [L3] withFallbacks()", () => {
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

  it("fails with a refusal of the length, because the turn can ask with a shorter request", async () => {
    const { all } = joined(
      model("a/x", ["unavailable"]),
      model("b/y", ["context_length"]),
      model("c/z", ["unavailable"]),
    );
    const { error } = await listen(all);
    assert.ok(error instanceof ModelError && error.modelId === "b/y");
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
    const all = withFallbacks([aborting, second.candidate], createBreakers({ now: () => 0 }));
    assert.match(String((await listen(all, stop.signal, QUESTION)).error), /\/stop/);
    assert.equal(second.requests.length, 0);
  });

  /** What a failure of the first model does: to this request, and for how long to the next ones. */
  const failures: readonly [kind: ModelErrorKind, movesOn: boolean, skippedMs: number][] = [
    ["unavailable", true, 0], // three in a row open the breaker
    ["rate_limited", true, 0],
    ["timeout", true, 0],
    ["context_length", true, 0],
    ["rejected", true, 0],
    ["not_an_answer", true, 0],
    ["unauthorized", true, 30_000],
    ["quota", true, 30_000],
    ["not_found", true, 30_000],
    ["web_page", true, 30_000],
    ["redirected", true, 30_000],
    ["filtered", false, 0],
  ];
  for (const [kind, movesOn, skippedMs] of failures) {
    it(`${movesOn ? "moves on" : "ends"} after ${kind}, and skips it for ${skippedMs} ms`, async () => {
      const first = model("a/x", [kind, "back"]);
      const second = model("b/y", ["hi"]);
      const { all, pass } = joined(first, second);
      const { text, parts, error } = await listen(all);
      if (!movesOn) {
        assert.ok(error instanceof ModelError && error.kind === kind);
        assert.equal(second.requests.length, 0);
      } else {
        assert.equal(text, "hi");
        const last = parts.at(-1);
        assert.ok(last?.kind === "finish");
        assert.deepEqual(last.replaced, {
          model: "a/x",
          why: kind,
          since: 0,
          until: skippedMs > 0 ? skippedMs : undefined,
        });
      }
      if (skippedMs > 0) {
        pass(skippedMs - 1);
        assert.equal((await listen(all)).text, "hi", "it was asked too early");
        pass(1);
      }
      assert.equal((await listen(all)).text, "back");
    });
  }

  it("gives the reason also while the first model is skipped, so that owners hear of it once", async () => {
    const { all, pass } = joined(model("a/x", ["unauthorized"]), model("b/y", ["hi"]));
    await listen(all);
    pass(10_000);
    const last = (await listen(all)).parts.at(-1);
    assert.ok(last?.kind === "finish");
    assert.equal(last.failure?.kind, "unauthorized");
    assert.deepEqual(last.replaced, { model: "a/x", why: "unauthorized", since: 0, until: 30_000 });
  });

  it("skips a server for the time that it names, an hour at most", async () => {
    for (
      const [retryAfterMs, skippedMs] of [[120_000, 120_000], [86_400_000, 3_600_000]] as const
    ) {
      const first = model("a/x", ["rate_limited", "back"], { retryAfterMs });
      const { all, pass } = joined(first, model("b/y", ["hi"]));
      await listen(all);
      pass(skippedMs - 1);
      assert.equal((await listen(all)).text, "hi");
      pass(1);
      assert.equal((await listen(all)).text, "back");
    }
  });

  it("skips a model that its server does not have, and none of its other models", async () => {
    const gone = model("a/x", ["not_found"]);
    const other = model("a/z", ["hi"]);
    const { all } = joined(gone, other);
    for (let turn = 0; turn < 3; turn++) assert.equal((await listen(all)).text, "hi");
    assert.equal(gone.requests.length, 1);
    assert.equal(other.requests.length, 3);
  });

  it("goes on with the model that answered the turn last, also if the first one is back", async () => {
    const first = model("a/x", ["rejected", "back"]);
    const second = model("b/y", ["hi"]);
    const { all } = joined(first, second);
    await listen(all);
    assert.equal((await listen(all, undefined, { ...QUESTION, prefers: "b/y" })).text, "hi");
    assert.equal(first.requests.length, 1);
    assert.equal((await listen(all)).text, "back", "the next turn asks the first one");
  });

  it("leaves the model of the turn if it fails as well, and ignores a model that it does not have", async () => {
    const first = model("a/x", ["rejected", "back"]);
    const { all } = joined(first, model("b/y", ["hi", "unauthorized"]));
    await listen(all);
    assert.equal((await listen(all, undefined, { ...QUESTION, prefers: "b/y" })).text, "back");
    assert.equal((await listen(all, undefined, { ...QUESTION, prefers: "gone/z" })).text, "back");
  });

  it("shares what it knows of a provider with other chains", async () => {
    let now = 0;
    const breakers = createBreakers({ now: () => now });
    const first = model("a/x", ["unauthorized"]);
    const other = model("a/z", ["never"]);
    const spare = () => model("b/y", ["hi"]).candidate;
    await listen(withFallbacks([first.candidate, spare()], breakers));
    await listen(withFallbacks([other.candidate, spare()], breakers));
    assert.equal(other.requests.length, 0);
    now = 30_000;
    await listen(withFallbacks([other.candidate, spare()], breakers));
    assert.equal(other.requests.length, 1);
  });
});

describe("[L3] the breaker", () => {
  it("closes after 30 s, and lets one request probe the provider", () => {
    const open = breakerAfterFailure(CLOSED, { kind: "unauthorized" }, 0);
    assert.equal(open.openUntil, 30_000);
    const probing = afterAsking(open, 30_000);
    assert.equal(probing.openUntil, 90_000, "the others wait for the probe, if it never ends");
  });

  it("pauses longer after each failed probe, 10 min at most", () => {
    let state = breakerAfterFailure(CLOSED, { kind: "quota" }, 0);
    let now = 0;
    const pauses: number[] = [];
    for (let probe = 0; probe < 6; probe++) {
      pauses.push((state.openUntil - now) / 1_000);
      now = state.openUntil;
      state = breakerAfterFailure(afterAsking(state, now), { kind: "unavailable" }, now);
    }
    assert.deepEqual(pauses, [30, 60, 120, 240, 480, 600]);
  });

  it("opens after three failures in a row that pass by themselves", () => {
    const kinds = ["unavailable", "timeout", "rejected", "rate_limited"] as const;
    let state = CLOSED;
    const open = kinds.map((kind) =>
      (state = breakerAfterFailure(state, { kind }, 0)).openUntil > 0
    );
    assert.deepEqual(open, [false, false, false, true]);
  });
});

/** One step of a law: time passes, and each model of the chain would do this. */
interface LawStep {
  readonly passMs: number;
  readonly says: readonly ("answers" | ModelErrorKind)[];
  readonly prefers: number;
}

const IDS = ["a/x", "b/y", "b/z"];
const FAILS = KINDS.filter((kind) => kind !== "filtered") as readonly ModelErrorKind[];

describe("[L3] a chain over any failures", () => {
  const step: fc.Arbitrary<LawStep> = fc.record({
    passMs: fc.oneof(fc.constant(0), fc.nat(60_000), fc.nat(1_200_000)),
    says: fc.array(
      fc.oneof({ weight: 2, arbitrary: fc.constant("answers" as const) }, {
        weight: 3,
        arbitrary: fc.constantFrom(...FAILS),
      }),
      { minLength: 3, maxLength: 3 },
    ),
    prefers: fc.integer({ min: -1, max: 2 }),
  });

  it("answers if any model would, asks each at most once, and comes back to the first", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
        let now = 0;
        let says: LawStep["says"] = [];
        let asked: number[] = [];
        const candidateAt = (at: number): ModelCandidate => ({
          providerId: (IDS[at] ?? "").slice(0, 1),
          model: {
            id: IDS[at] ?? "",
            async *generate(): AsyncGenerator<ModelPart, void> {
              await Promise.resolve();
              asked.push(at);
              const kind = says[at];
              if (kind !== "answers") {
                throw new ModelError("fails", { kind: kind ?? "timeout", modelId: IDS[at] ?? "" });
              }
              yield { kind: "text", text: String(at) };
              yield { kind: "finish", reason: "stop" };
            },
          },
        });
        const breakers = createBreakers({ now: () => now });
        const all = withFallbacks([candidateAt(0), candidateAt(1), candidateAt(2)], breakers);
        const watched = IDS.map((modelId) => ({ modelId, providerId: modelId.slice(0, 1) }));
        let failingSince: number | undefined;
        for (const { passMs, prefers, says: next } of steps) {
          now += passMs;
          says = next;
          asked = [];
          const isClosed = watched.map(breakers.isClosed);
          const { text, parts, error } = await listen(all, undefined, {
            ...QUESTION,
            prefers: IDS[prefers],
          });
          // Each model is asked once at most, and the chain ends with the first answer.
          assert.equal(new Set(asked).size, asked.length);
          const answers = asked.findIndex((at) => says[at] === "answers");
          assert.ok(answers === -1 || answers === asked.length - 1);
          assert.equal(error === undefined, says.includes("answers"));
          if (error) assert.equal(asked.length, 3);
          // The turn's model comes first if it works; else those that work, in their order.
          const [first] = asked;
          if (isClosed[prefers]) assert.equal(first, prefers);
          else if (isClosed.includes(true)) assert.equal(first, isClosed.indexOf(true));
          else assert.equal(first, 0);
          // The reason of a fallback is always known, with its time.
          if (asked.includes(0)) {
            failingSince = says[0] === "answers" ? undefined : failingSince ?? now;
          }
          const last = parts.at(-1);
          if (last?.kind !== "finish") continue;
          assert.equal(last.modelId, text === "0" ? undefined : IDS[Number(text)]);
          assert.equal(last.replaced?.since, text === "0" ? undefined : failingSince);
          const { until } = last.replaced ?? {};
          if (until !== undefined) assert.ok(until > now && until <= now + 600_000);
        }
        // After the longest pause, the first model is asked first again.
        now += 600_000;
        says = ["answers", "answers", "answers"];
        asked = [];
        await listen(all);
        assert.deepEqual(asked, [0]);
      }),
      { numRuns: 300 },
    );
  });
});
