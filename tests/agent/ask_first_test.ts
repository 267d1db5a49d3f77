import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { askFirst } from "../../src/agent/toolbox.ts";
import type { Toolbox } from "../../src/agent/toolbox.ts";
import type { Decision, Question } from "../../src/core/people/question.ts";
import { toolContext } from "../support/model/tools.ts";

const QUESTION: Question = {
  kind: "approval",
  tool: "exec",
  text: "May I?",
  facts: [],
  choices: [],
  asked: "anyone",
  where: "channel",
  timeoutMs: 1_000,
};
const DENIED: Decision = { kind: "expired" };
const ANSWERED: Decision = { kind: "answered", answer: { choice: "form" } };

const call = (id: string) => ({
  call: { id, name: id, arguments: "{}" },
  round: 0,
  context: toolContext({ callKey: `1:${id}` }),
});

/** Asks about calls by their names: "asks" has a question, and "breaks" cannot form one. */
const toolbox: Pick<Toolbox, "ask"> = {
  ask({ name }) {
    if (name === "breaks") return Promise.reject(new Error("no"));
    if (name === "asks for all") return Promise.resolve({ ...QUESTION, covers: ["1:covered"] });
    return Promise.resolve(name.startsWith("asks") ? QUESTION : undefined);
  },
};

const decided = (...decisions: readonly (readonly [key: string, Decision])[]) => ({
  decisionOf: (key: string) => Promise.resolve(new Map(decisions).get(key)),
});

describe("[A1] askFirst()", () => {
  it("holds back the calls that people must decide about, and keeps the order of the others", async () => {
    const calls = ["plain", "asks", "other", "asks too"].map(call);
    const { ready, asked } = await askFirst(calls, toolbox, decided());
    assert.deepEqual(ready.map(({ call }) => call.id), ["plain", "other"]);
    assert.deepEqual(asked.map(({ callKey }) => callKey), ["1:asks", "1:asks too"]);
    assert.equal(asked[0]?.question, QUESTION);
  });

  it("holds back a call that the question of another one covers", async () => {
    const calls = ["asks for all", "covered", "plain"].map(call);
    const { ready, asked } = await askFirst(calls, toolbox, decided());
    assert.deepEqual(ready.map(({ call }) => call.id), ["plain"]);
    assert.deepEqual(asked.map(({ callKey }) => callKey), ["1:asks for all"]);
  });

  it("[T13] gives a call that waited the decision about its last question", async () => {
    const again = { ...call("plain"), round: 2 };
    const decisions = decided(["1:plain", DENIED], ["1@1:plain", DENIED], ["2@1:plain", ANSWERED]);
    const { ready } = await askFirst([again], toolbox, decisions);
    assert.deepEqual(ready.map(({ context }) => context.decision), [ANSWERED]);
  });

  it("gives a decided call its decision, and does not ask again", async () => {
    const { ready, asked } = await askFirst(
      [call("asks"), call("plain")],
      toolbox,
      decided(["1:asks", DENIED]),
    );
    assert.deepEqual(asked, []);
    assert.deepEqual(ready.map(({ context }) => context.decision), [DENIED, undefined]);
  });

  it("runs a call whose question cannot be formed: the run itself reports why", async () => {
    const { ready, asked } = await askFirst([call("breaks")], toolbox, decided());
    assert.deepEqual([ready.length, asked.length], [1, 0]);
  });

  it("asks no one where no call waits for people", async () => {
    const calls = [call("asks")];
    assert.deepEqual(await askFirst(calls, toolbox, undefined), { ready: calls, asked: [] });
  });
});
