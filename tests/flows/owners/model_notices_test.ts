import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { AlertRecord } from "../../../src/core/alerts.ts";
import { modelProblemOf } from "../../../src/core/model_problem.ts";
import type { TurnOutcome } from "../../../src/core/turn/turn_outcome.ts";
import { createModelNotices } from "../../../src/flows/owners/model_notices.ts";
import { ModelError, type ModelErrorKind, type RefusedPart } from "../../../src/core/model.ts";
import { recordingLog } from "../../support/recording_log.ts";
import { settle } from "../../support/settle.ts";

const REPLY: TurnOutcome = { kind: "reply", text: "hello" };

function failed(kind: ModelErrorKind, modelId = "p/m"): TurnOutcome {
  const error = new ModelError("p/m answered 401: bad key sk-secret", { kind, modelId });
  return { kind: "failed", why: "unexpected", reason: error.message, error };
}

/** Records of the store, and the notices of runs that use it. */
function createRuns(alerts: readonly AlertRecord[] = [], refused: readonly RefusedPart[] = []) {
  const stored = new Set<string>();
  const told: string[] = [];
  const run = async (...outcomes: readonly TurnOutcome[]): Promise<void> => {
    const { log, lines } = recordingLog();
    const notices = createModelNotices({
      log,
      now: () => 2_000,
    }, {
      tell: (text) => Promise.resolve(void told.push(text)),
      refused: () => refused,
      problems: {
        load: () => Promise.resolve([...stored]),
        note: (problem) => Promise.resolve(void stored.add(problem)),
        forget: () => Promise.resolve(stored.clear()),
      },
      alerts: () => Promise.resolve(alerts),
    });
    for (const outcome of outcomes) notices.turnEnded(outcome);
    await settle();
    assert.deepEqual(lines, []);
  };
  return { run, told };
}

/** The notices after these turns. */
async function toldAfter(...outcomes: readonly TurnOutcome[]): Promise<readonly string[]> {
  const { run, told } = createRuns();
  await run(...outcomes);
  return told;
}

describe("[L3] createModelNotices()", () => {
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
    const { run, told } = createRuns();
    await run(failed("quota"));
    await run(failed("quota"), failed("unauthorized"));
    assert.equal(told.length, 2);
    await run(REPLY);
    await run(failed("quota"));
    assert.equal(told.length, 3);
  });

  it("tells a refused part once, whatever the reasons", async () => {
    const part = {
      modelId: "p/m",
      part: "the tool `x`",
      fix: "deny it",
      reason: "request 1",
      at: 0,
    };
    const { run, told } = createRuns([], [part, { ...part, reason: "request 2" }]);
    await run(REPLY, REPLY);
    assert.deepEqual(told, [
      "The server of my model `p/m` refuses the tool `x`. I leave that out. To fix it, deny it.",
    ]);
  });

  it("tells the server's own words", async () => {
    const { run, told } = createRuns();
    const details = { kind: "quota", modelId: "p/m", said: "no `credit`" } as const;
    const error = new ModelError("p/m answered 402", details);
    await run({ kind: "failed", why: "quota", reason: "", error });
    assert.match(told[0] ?? "", /used up; its server says: `no 'credit'`. To fix it, add credit/);
  });

  const why = modelProblemOf(new ModelError("x", { kind: "quota", modelId: "p/m" }))?.why ?? "";
  const lasting: AlertRecord = {
    kind: "model",
    about: "p/m",
    cause: why,
    since: 1_000, // the answer comes at 2,000
    toldAt: 1_000,
    returns: 0,
  };
  const alerted: readonly (readonly [what: string, count: number, alert: AlertRecord])[] = [
    ["nothing while the alert about it lasts", 1, lasting],
    ["it if the alert has ended", 2, { ...lasting, endedAt: 1_500 }],
    ["it if the alert has begun after the answer", 2, { ...lasting, since: 2_001 }],
    ["it if the alert is about another model", 2, { ...lasting, about: "p/n" }],
    ["it if the alert has another cause", 2, { ...lasting, cause: "x" }],
    ["it if no owner knows of the alert", 2, { ...lasting, toldAt: undefined }],
  ];
  for (const [what, count, alert] of alerted) {
    it(`tells ${what}, of a problem that comes and goes [O12]`, async () => {
      const { run, told } = createRuns([alert]);
      await run(failed("quota"), REPLY, failed("quota"));
      assert.equal(told.length, count);
    });
  }
});
