import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Decision } from "../../../src/core/people/question.ts";
import {
  type ToolContext,
  UnknownOutcomeError,
  WaitsForPerson,
} from "../../../src/core/turn/tool.ts";
import {
  type AskingCall,
  createAsking,
  type ElicitationAnswer,
} from "../../../src/mcp/elicitation/asking.ts";
import { createHeldCalls } from "../../../src/mcp/elicitation/held_calls.ts";
import { FakeClock } from "../../support/fake_clock.ts";
import { toolContext } from "../../support/model/tools.ts";

const ABOUT = { server: "reef", tool: "mcp__reef__look" };
const FORM = {
  message: "Which reef?",
  requestedSchema: { type: "object", properties: { reef: { type: "string" } } },
};
const FILLED: Decision = {
  kind: "answered",
  answer: { choice: "form", fields: [{ kind: "text", text: "outer" }] },
};
const DENIED: Decision = { kind: "answered", answer: { choice: "deny" } };

function setUp() {
  const clock = new FakeClock();
  const held = createHeldCalls(clock.schedule);
  let starts = 0;
  /** A call that asks as often as given, and returns the answers. */
  const run = (context: Partial<ToolContext> = {}, questions = 1, mayWait = true) =>
    held.run(
      ABOUT,
      toolContext({ ...mayWait && { mayWait }, ...context }),
      async (signal: AbortSignal, call: AskingCall) => {
        starts++;
        const answers: ElicitationAnswer[] = [];
        const aborted = new Promise<never>((_resolve, reject) =>
          signal.addEventListener("abort", () => reject(signal.reason))
        );
        for (let at = 0; at < questions; at++) {
          answers.push(await Promise.race([call.ask(FORM), aborted]));
        }
        return [...answers, ...call.taken()];
      },
    );
  return { clock, held, run, starts: () => starts };
}

describe("[T13] createHeldCalls()", () => {
  it("waits for a person, and goes on with the same call", async () => {
    const { run, starts, clock } = setUp();
    await assert.rejects(
      run(),
      (error: unknown) =>
        error instanceof WaitsForPerson && /Which reef/.test(error.question.text) &&
        error.question.timeoutMs === 60_000,
    );
    const answers = await run({ decision: FILLED });
    assert.deepEqual(answers, [{ action: "accept", content: { reef: "outer" } }]);
    assert.equal(starts(), 1);
    assert.equal(clock.pending, 0);
  });

  it("waits again for a further question of the call", async () => {
    const { run, starts } = setUp();
    await assert.rejects(run({}, 2), WaitsForPerson);
    await assert.rejects(run({ decision: FILLED }), WaitsForPerson);
    const actions = (await run({ decision: DENIED })).map((one) =>
      typeof one === "string" ? one : one.action
    );
    assert.deepEqual(actions, ["accept", "decline"]);
    assert.equal(starts(), 1);
  });

  for (const kind of ["expired", "withdrawn"] as const) {
    it(`never accepts for a person: a question that is ${kind} is cancelled`, async () => {
      const { run } = setUp();
      await assert.rejects(run(), WaitsForPerson);
      assert.deepEqual(await run({ decision: { kind } }), [{ action: "cancel" }]);
    });
  }

  it("[T1] does not start a call again that another process began", async () => {
    const { run, starts } = setUp();
    await assert.rejects(run({ decision: FILLED }), UnknownOutcomeError);
    assert.equal(starts(), 0);
  });

  it("cancels a question that no turn goes on with", async () => {
    const { run, clock } = setUp();
    await assert.rejects(run(), WaitsForPerson);
    clock.advance(60_000 + 30_000);
    await assert.rejects(run({ decision: FILLED }), UnknownOutcomeError);
    assert.equal(clock.pending, 0);
  });

  it("asks no one beyond 8 waiting calls, or where no call may wait", async () => {
    const { run } = setUp();
    for (let at = 0; at < 8; at++) {
      await assert.rejects(run({ callKey: `1:${at}` }), WaitsForPerson);
    }
    for (const answers of [await run({ callKey: "1:8" }), await setUp().run({}, 1, false)]) {
      assert.deepEqual(answers[0], { action: "cancel" });
      assert.match(String(answers[1]), /"Which reef\?".*no person can be asked now/);
    }
  });

  it("ends calls with the turn's signal, and all of them at the end", async () => {
    const { run, held } = setUp();
    const stop = new AbortController();
    stop.abort(new Error("stopped"));
    await assert.rejects(run({ signal: stop.signal }), /stopped|waits/);
    await assert.rejects(run({ callKey: "1:2" }), WaitsForPerson);
    held.close();
    await assert.rejects(run({ callKey: "1:2", decision: FILLED }), UnknownOutcomeError);
  });
});

describe("[T13] createAsking()", () => {
  it("asks no one if a question may belong to several calls", async () => {
    const asking = createAsking<object>();
    const notes: string[] = [];
    const call = (name: string, isWaiting = false): AskingCall => ({
      isWaiting: () => isWaiting,
      ask: () => Promise.resolve({ action: "accept", content: { name } }),
      unanswered: (message, why) => void notes.push(`${name}: ${message}: ${why}`),
      taken: () => [],
    });
    const connection = {};
    const ask = () => asking.answer(connection, { params: FORM });
    assert.deepEqual(await ask(), { action: "cancel" });
    const waits = Promise.withResolvers<void>();
    const first = asking.during(connection, call("first"), () => waits.promise);
    assert.deepEqual((await ask()).content, { name: "first" });
    const third = asking.during(connection, call("third", true), () => waits.promise);
    assert.deepEqual((await ask()).content, { name: "first" });
    const second = asking.during(connection, call("second"), () => waits.promise);
    assert.deepEqual(await ask(), { action: "cancel" });
    assert.equal(notes.length, 2);
    waits.resolve();
    await Promise.all([first, second, third]);
    assert.deepEqual(await ask(), { action: "cancel" });
  });
});
