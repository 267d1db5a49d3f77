import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { AlertRecord } from "../../../src/core/alerts.ts";
import { modelProblemOf } from "../../../src/core/model_problem.ts";
import type { TurnOutcome } from "../../../src/core/turn/turn_outcome.ts";
import { tellModelProblem } from "../../../src/flows/owners/model_notices.ts";
import { ModelError, type ModelErrorKind, type RefusedPart } from "../../../src/core/model.ts";
import { FakeClock } from "../../support/fake_clock.ts";
import { testAccount } from "../../support/bot/test_account.ts";

/** The clock of the account. */
const ANSWERED_AT = new FakeClock().now();
const REPLY: TurnOutcome = { kind: "reply", text: "hello" };

function failed(kind: ModelErrorKind, modelId = "p/m"): TurnOutcome {
  const error = new ModelError("p/m answered 401: bad key sk-secret", { kind, modelId });
  return { kind: "failed", why: "unexpected", reason: error.message, error };
}

/** The notices of runs that share a store; each run is a new process. */
async function createRuns(
  alerts: readonly AlertRecord[] = [],
  refused: readonly RefusedPart[] = [],
) {
  const { account, store, quiet, posted, lines } = await testAccount();
  Object.assign(store.settings, { alerts: () => Promise.resolve(alerts) });
  Object.assign(account.settings.models, { refused: () => refused });
  const run = async (...outcomes: readonly TurnOutcome[]): Promise<void> => {
    account.live.clear();
    for (const outcome of outcomes) tellModelProblem(account, outcome);
    await quiet();
    assert.deepEqual(lines, []);
  };
  return { run, told: posted };
}

/** The notices after these turns. */
async function toldAfter(...outcomes: readonly TurnOutcome[]): Promise<readonly string[]> {
  const { run, told } = await createRuns();
  await run(...outcomes);
  return told();
}

describe("[L3] tellModelProblem()", () => {
  it("names model, problem and fix, and repeats nothing that the server said", async () => {
    const [text = "", ...more] = await toldAfter(failed("unauthorized"));
    assert.match(
      text,
      /my model `p\/m` fails, because its server refuses the API key.* To fix it, check the API key/,
    );
    assert.doesNotMatch(text, /sk-secret/);
    assert.deepEqual(more, []);
  });

  const lawful: readonly (readonly [what: string, count: number, ...TurnOutcome[]])[] = [
    ["the same problem once", 1, failed("quota"), failed("quota")],
    ["another problem, too", 2, failed("quota"), failed("unauthorized"), failed("quota")],
    ["the same problem of another model, too", 2, failed("quota"), failed("quota", "p/n")],
    ["a problem that returns after an answer again", 2, failed("quota"), REPLY, failed("quota")],
    [
      "a problem once if only a temporary failure came between",
      1,
      failed("quota"),
      failed("unavailable"),
      { kind: "interrupted" },
      failed("quota"),
    ],
    ["no temporary failure", 0, failed("rate_limited"), failed("timeout"), failed("unavailable")],
    ["no failure of Barnacle", 0, {
      kind: "failed",
      why: "unexpected",
      reason: "x",
      error: new Error("x"),
    }],
  ];
  for (const [what, count, ...outcomes] of lawful) {
    it(`tells ${what}`, async () => {
      assert.equal((await toldAfter(...outcomes)).length, count);
    });
  }

  it("tells a problem once over restarts, and again after an answer in between", async () => {
    const { run, told } = await createRuns();
    await run(failed("quota"));
    await run(failed("quota"), failed("unauthorized"));
    assert.equal(told().length, 2);
    await run(REPLY);
    await run(failed("quota"));
    assert.equal(told().length, 3);
  });

  it("tells a refused part once, whatever the reasons", async () => {
    const part = {
      modelId: "p/m",
      part: "the tool `x`",
      fix: "deny it",
      reason: "request 1",
      at: 0,
    };
    const { run, told } = await createRuns([], [part, { ...part, reason: "request 2" }]);
    await run(REPLY, REPLY);
    assert.deepEqual(told(), [
      "The server of my model `p/m` refuses the tool `x`. I leave that out. To fix it, deny it.",
    ]);
  });

  it("tells the server's own words", async () => {
    const { run, told } = await createRuns();
    const details = { kind: "quota", modelId: "p/m", said: "no `credit`" } as const;
    const error = new ModelError("p/m answered 402", details);
    await run({ kind: "failed", why: "quota", reason: "", error });
    assert.match(told()[0] ?? "", /used up; its server says: `no 'credit'`. To fix it, add credit/);
  });

  const why = modelProblemOf(new ModelError("x", { kind: "quota", modelId: "p/m" }))?.why ?? "";
  const lasting: AlertRecord = {
    kind: "model",
    about: "p/m",
    cause: why,
    since: ANSWERED_AT - 1_000,
    toldAt: ANSWERED_AT - 1_000,
    returns: 0,
  };
  const alerted: readonly (readonly [what: string, count: number, alert: AlertRecord])[] = [
    ["nothing while the alert about it lasts", 1, lasting],
    ["it if the alert has ended", 2, { ...lasting, endedAt: ANSWERED_AT - 500 }],
    ["it if the alert has begun after the answer", 2, { ...lasting, since: ANSWERED_AT + 1 }],
    ["it if the alert is about another model", 2, { ...lasting, about: "p/n" }],
    ["it if the alert has another cause", 2, { ...lasting, cause: "x" }],
    ["it if no owner knows of the alert", 2, { ...lasting, toldAt: undefined }],
  ];
  for (const [what, count, alert] of alerted) {
    it(`tells ${what}, of a problem that comes and goes [O12]`, async () => {
      const { run, told } = await createRuns([alert]);
      await run(failed("quota"), REPLY, failed("quota"));
      assert.equal(told().length, count);
    });
  }
});
