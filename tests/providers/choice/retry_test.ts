import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import {
  type Model,
  ModelError,
  type ModelErrorKind,
  type ModelPart,
} from "../../../src/core/model.ts";
import {
  askWaitMs,
  RETRY_AFTER_MAX_MS,
  withRetry,
} from "../../../src/providers/choice/fallbacks.ts";
import { listen, QUESTION } from "../../support/model/model_server.ts";

type Deps = Parameters<typeof withRetry>[1];

const failure = (kind: ModelErrorKind, retryAfterMs?: number) =>
  new ModelError("no", {
    kind,
    modelId: "p/m",
    ...(retryAfterMs !== undefined && { retryAfterMs }),
  });

describe("[L3] askWaitMs()", () => {
  const cases: readonly [what: string, tries: number, error: unknown, wait: number | undefined][] =
    [
      ["a first limit", 1, failure("rate_limited"), 1_000],
      ["a second limit", 2, failure("rate_limited"), 2_000],
      ["a third limit", 3, failure("rate_limited"), 4_000],
      ["a fourth limit", 4, failure("rate_limited"), undefined],
      ["an outage", 1, failure("unavailable"), 1_000],
      ["a limit with its time", 1, failure("rate_limited", 30_000), 30_000],
      ["a limit with a shorter time than ours", 2, failure("rate_limited", 500), 2_000],
      ["a limit with a time of a minute", 1, failure("rate_limited", 60_000), 60_000],
      ["a limit with a longer time", 1, failure("rate_limited", 60_001), undefined],
      ["a wrong key", 1, failure("unauthorized"), undefined],
      ["a wrong address", 1, failure("not_found"), undefined],
      ["a request that is refused", 1, failure("rejected"), undefined],
      ["a time-out", 1, failure("timeout"), undefined],
      ["a page", 1, failure("web_page"), undefined],
      ["an error of our own code", 1, new TypeError("x"), undefined],
    ];
  for (const [what, tries, error, wait] of cases) {
    it(`waits ${wait ?? "no more"} after ${what}`, () => {
      assert.equal(askWaitMs(tries, error, 0), wait);
    });
  }

  it("never retries before the server's time, nor much after it", () => {
    fc.assert(fc.property(
      fc.integer({ min: 1, max: 3 }),
      fc.integer({ min: 0, max: RETRY_AFTER_MAX_MS }),
      fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
      (tries, retryAfterMs, random) => {
        const wait = askWaitMs(tries, failure("rate_limited", retryAfterMs), random);
        assert.ok(wait !== undefined && wait >= retryAfterMs && wait >= 1_000);
        assert.ok(wait <= 1.2 * Math.max(4_000, retryAfterMs) + 1);
      },
    ));
  });
});

/** A model that gives these answers in turn: text, and then an error or the end. */
function failing(...answers: readonly (readonly [words: string, error?: Error])[]) {
  let asked = 0;
  const waits: number[] = [];
  const model: Model = {
    id: "p/m",
    async *generate(): AsyncGenerator<ModelPart, void> {
      const [words, error] = answers[asked++] ?? [""];
      await Promise.resolve();
      if (words !== "") yield { kind: "text", text: words };
      if (error) throw error;
      yield { kind: "finish", reason: "stop" };
    },
  };
  const deps: Deps = {
    sleep: (ms, signal) => {
      waits.push(ms);
      return signal.aborted ? Promise.reject(signal.reason) : Promise.resolve();
    },
    random: () => 0,
  };
  return { model, deps, waits, asked: () => asked };
}

describe("[L3] withRetry()", () => {
  const busy = failure("unavailable");

  it("retries until there is an answer", async () => {
    const { model, deps, waits } = failing(["", busy], ["", busy], ["hello"]);
    const { text, error } = await listen(withRetry(model, deps));
    assert.equal(error, undefined);
    assert.equal(text, "hello");
    assert.deepEqual(waits, [1_000, 2_000]);
  });

  it("does not retry once a person has seen text", async () => {
    const { model, deps, asked } = failing(["Well, ", busy], ["hello"]);
    const request = { ...QUESTION, isShown: () => true };
    const { text, error } = await listen(withRetry(model, deps), undefined, request);
    assert.equal(text, "Well, ");
    assert.equal(error, busy);
    assert.equal(asked(), 1);
  });

  for (const request of [QUESTION, { ...QUESTION, isShown: () => false }]) {
    it(`retries an answer that broke off${request.isShown ? " before a draft" : ""}`, async () => {
      const { model, deps, waits } = failing(["Well, ", busy], ["Oh, ", busy], ["hello"]);
      const { text, error, parts } = await listen(withRetry(model, deps), undefined, request);
      assert.equal(error, undefined);
      assert.equal(text, "hello");
      assert.deepEqual(parts.map(({ kind }) => kind), [
        ...["text", "again", "text", "again", "text", "finish"],
      ]);
      assert.deepEqual(waits, [1_000, 2_000]);
    });
  }

  it("retries once after an answer without an end, or with an error in it", async () => {
    const broken = failure("not_an_answer");
    const once = failing(["Well, ", broken], ["hello"]);
    assert.equal((await listen(withRetry(once.model, once.deps))).text, "hello");
    const twice = failing(["Well, ", broken], ["Oh, ", broken], ["hello"]);
    assert.equal((await listen(withRetry(twice.model, twice.deps))).error, broken);
    assert.equal(twice.asked(), 2);
    const empty = failing(["", broken], ["hello"]);
    assert.equal((await listen(withRetry(empty.model, empty.deps))).text, "hello");
    const end = new ModelError("no", { kind: "not_an_answer", modelId: "p/m", isBroken: true });
    const cut = failing(["Well, ", end], ["Oh, ", end], ["hello"]);
    const heard = await listen(withRetry(cut.model, cut.deps));
    assert.deepEqual([heard.text, heard.error, cut.asked()], ["Oh, ", undefined, 2]);
    assert.deepEqual(heard.parts.at(-1), { kind: "finish", reason: "other" });
  });

  it("[L4] reports a request that is too long, and does not repeat it", async () => {
    const tooLong = failure("context_length");
    const { model, deps, asked } = failing(["", tooLong], ["hello"]);
    const refused: unknown[] = [];
    const retrying = withRetry(model, { ...deps, onTooLong: (...all) => refused.push(all) });
    assert.equal((await listen(retrying)).error, tooLong);
    assert.deepEqual(refused, [[tooLong, QUESTION]]);
    assert.equal(asked(), 1);
  });

  it("does not retry once it is aborted", async () => {
    const { model, deps, asked } = failing(["", busy], ["hello"]);
    const reason = new Error("/stop");
    const stop = new AbortController();
    const retrying = withRetry(model, { ...deps, onRetry: () => stop.abort(reason) });
    assert.equal((await listen(retrying, stop.signal)).error, reason);
    assert.equal(asked(), 1);
  });

  it("reports each failure before its retry", async () => {
    const { model, deps } = failing(["", busy], ["hello"]);
    const retries: unknown[] = [];
    await listen(withRetry(model, { ...deps, onRetry: (...all) => retries.push(all) }));
    assert.deepEqual(retries, [[busy, 1_000]]);
  });

  const FINISH: ModelPart = { kind: "finish", reason: "stop" };
  const call = { id: "t1", name: "tide", arguments: "{}" };
  const CALLED: ModelPart = { kind: "finish", reason: "tool_calls", calls: [call] };
  const TIDE = { tools: [{ name: "tide", description: "", parameters: {} }] };
  /** Answers in turn, the request, and the text or the kind of failure. */
  const written:
    readonly (readonly [what: string, readonly string[], object, string, ModelPart?])[] = [
      ["fails with the cause after two calls as text", ["CALL", "CALL"], TIDE, "unread_call"],
      ["asks again after the first one", ["CALL", "High."], TIDE, "High."],
      ["passes on the text beside calls", ["CALL"], TIDE, "CALL", CALLED],
      ["passes on texts of requests without tools", ["CALL"], {}, "CALL"],
      ["passes on texts of requests without calls", ["CALL"], { ...TIDE, mayCall: false }, "CALL"],
    ];
  for (const [what, answers, request, result, finish = FINISH] of written) {
    it(what, async () => {
      let asked = 0;
      const model: Model = {
        id: "p/m",
        async *generate() {
          for (const piece of answers[asked++] ?? "") yield { kind: "text", text: piece };
          yield finish;
        },
      };
      const { deps } = failing();
      const hasCall: Deps["hasCall"] = (text, tools) =>
        Promise.resolve(text === "CALL" && tools[0] === "tide");
      const retried = withRetry(model, { ...deps, hasCall });
      const { text, error } = await listen(retried, undefined, { ...QUESTION, ...request });
      assert.equal(error instanceof ModelError ? error.kind : text, result);
    });
  }
});
