import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  CLEARED,
  conversationOf,
  cutResult,
  newCuts,
  nextStep,
  stepsWithin,
  transcriptOf,
} from "../../../src/core/step.ts";
import type { ModelMessage, ToolCall } from "../../../src/core/model.ts";
import type { Step } from "../../../src/core/step.ts";
import { messageId } from "../../support/discord/builders.ts";

/** Calls of the tool `read` may run twice, those of `post` must not. */
const call = (id: string): ToolCall => ({
  id,
  name: id.startsWith("r") ? "read" : "post",
  arguments: "{}",
});
const isIdempotent = ({ name }: ToolCall) => name === "read";
const answer = (...ids: readonly string[]): Step => ({
  kind: "answer",
  text: "",
  calls: ids.map(call),
  at: 0,
});
const begun = (callId: string): Step => ({ kind: "begun", callId, at: 0 });
const result = (callId: string, text = "ok"): Step => ({
  kind: "result",
  callId,
  end: "done",
  text,
  at: 0,
});

/** The next step in short: `"ask 1"`, `"run r1 r2"`. */
function shortNext(steps: readonly Step[]): string {
  const next = nextStep(steps, isIdempotent);
  switch (next.kind) {
    case "ask":
      return `ask ${next.answers}`;
    case "run":
      return `run ${next.calls.map(({ id }) => id).join(" ")}`;
    case "run_once":
    case "unknown":
    case "too_many":
    case "same_id":
      return `${next.kind} ${next.call.id}`;
  }
}

describe("[T1] stepsWithin()", () => {
  it("leaves out arguments that would take most of the room, and keeps the result", () => {
    const call = {
      id: "r1",
      name: "read",
      arguments: JSON.stringify({ text: "x".repeat(10_000) }),
    };
    const steps: readonly Step[] = [
      { kind: "answer", text: "", calls: [call], at: 0 },
      result("r1", "Error: the text is too long"),
    ];
    const [asked, told] = stepsWithin(steps, 5_000);
    assert.ok(asked?.role === "assistant" && told?.role === "tool");
    assert.equal(asked.calls?.[0]?.arguments, "{}");
    assert.equal(told.text, "Error: the text is too long");
  });

  it("[L4] shows 600 characters of the newest result, if prompt and tools take all room", () => {
    const steps = [
      answer("r1", "r2"),
      result("r1", "a".repeat(900)),
      result("r2", "b".repeat(900)),
    ];
    const [, old, newest] = stepsWithin(steps, 0);
    assert.ok(old?.role === "tool" && newest?.role === "tool");
    assert.match(old.text, /^\[cleared/);
    assert.match(newest.text, /^b{150,}[^]*b{150,}\n\[cut for room: you see 450 of the 900/);
    const [, only] = stepsWithin([answer("r1"), result("r1", "short")], 0);
    assert.equal(only?.role === "tool" && only.text, "short");
  });
});

describe("[T1] nextStep()", () => {
  const cases: readonly [name: string, steps: readonly Step[], next: string][] = [
    ["asks in a new turn", [], "ask 0"],
    ["runs neighbours together that may run twice", [answer("r1", "r2")], "run r1 r2"],
    ["runs no further than to a call that must not", [answer("r1", "p1", "r2")], "run r1"],
    ["runs a call alone that must not run twice", [answer("p1", "p2")], "run_once p1"],
    [
      "runs what a crash has cut, if it may run twice",
      [answer("r1", "r2"), result("r1")],
      "run r2",
    ],
    [
      "does not repeat a call that had begun before a crash",
      [answer("p1"), begun("p1")],
      "unknown p1",
    ],
    [
      "[T13] goes on with a call that waited for a person",
      [answer("p1"), begun("p1"), { kind: "waits", callId: "p1", at: 0 }],
      "run_once p1",
    ],
    [
      "[T13] does not repeat a call that went on before a crash",
      [answer("p1"), begun("p1"), { kind: "waits", callId: "p1", at: 0 }, begun("p1")],
      "unknown p1",
    ],
    [
      "does not repeat such a call if the turn has lost its tool",
      [answer("r1"), begun("r1")], // a missing tool counts as one that may run twice
      "unknown r1",
    ],
    [
      "runs the call after one that ended",
      [answer("p1", "p2"), begun("p1"), result("p1")],
      "run_once p2",
    ],
    ["asks again with all results", [answer("r1"), result("r1")], "ask 1"],
    [
      "uses only the calls of the newest answer, also if an id came before",
      [answer("r1"), result("r1"), answer("r1")],
      "run r1",
    ],
    ["counts the answers", [answer("r1"), result("r1"), answer("r2"), result("r2")], "ask 2"],
  ];
  for (const [name, steps, next] of cases) {
    it(name, () => assert.equal(shortNext(steps), next));
  }
});

describe("[T1] conversationOf()", () => {
  it("shows the images of results after all results of their answer", () => {
    const withImages = (id: string, ...images: readonly string[]): Step => ({
      kind: "result",
      callId: id,
      end: "done",
      text: "ok",
      images,
      at: 0,
    });
    const image = (id: string) => ({ mediaType: id, data: new Uint8Array() });
    const steps = [
      answer("r1", "r2"),
      withImages("r1", "1", "2"),
      withImages("r2", "3"),
      answer("r3"),
      withImages("r3", "gone"),
    ];
    const shown = conversationOf(
      steps,
      Infinity,
      undefined,
      (ids) => ids.filter((id) => id !== "gone").map(image),
    );
    assert.deepEqual(shown.map(({ role }) => role), [
      "assistant",
      "tool",
      "tool",
      "user",
      "assistant",
      "tool",
    ]);
    const [, , , images] = shown;
    assert.deepEqual(images?.role === "user" && images.images, ["1", "2", "3"].map(image));
    assert.match(images?.text ?? "", /data/);
  });

  it("never clears the newest result, also with a message after it", () => {
    const steps: readonly Step[] = [
      answer("r1"),
      result("r1", "a".repeat(50)),
      { kind: "joined", messageIds: [messageId("7")], at: 0 },
    ];
    const [, kept] = conversationOf(steps, 10, () => ({ text: "and this?" }));
    assert.match(kept?.text ?? "", /^a/);
  });

  it("clears the oldest results if they do not fit, and never the newest", () => {
    const steps = ["r1", "r2", "r3"].flatMap((id) => [answer(id), result(id, id.repeat(50))]);
    const texts = (maxChars: number) =>
      conversationOf(steps, maxChars).flatMap(({ role, text }) =>
        role === "tool" ? [text.slice(0, 8)] : []
      );
    assert.deepEqual(texts(300), ["r1r1r1r1", "r2r2r2r2", "r3r3r3r3"]);
    assert.deepEqual(texts(200), ["[cleared", "r2r2r2r2", "r3r3r3r3"]);
    assert.deepEqual(texts(100), ["[cleared", "[cleared", "r3r3r3r3"]);
    assert.deepEqual(texts(10).slice(0, 2), ["[cleared", "[cleared"]);
    assert.match(texts(10)[2] ?? "", /^r3r3r3r/);
  });
});

describe("[L4] transcriptOf()", () => {
  it("leaves room for other turns: shorter results, and no long arguments", () => {
    const long = { id: "r2", name: "read", arguments: `{"text":"${"a".repeat(300)}"}` };
    const calls = [call("r1"), long];
    const steps: readonly Step[] = [
      { kind: "answer", text: "Let me look.", calls, at: 0 },
      result("r1", "b".repeat(500)),
      result("r2", "c".repeat(500)),
    ];
    const [asked, ...results] = transcriptOf(steps, 200);
    const short = { ...long, arguments: "{}" };
    assert.deepEqual(asked, {
      role: "assistant",
      text: "Let me look.",
      calls: [call("r1"), short],
    });
    assert.deepEqual(results.map((message) => message.role === "tool" && message.call), [
      call("r1"),
      short,
    ]);
    assert.match(results[0]?.text ?? "", /^\[cleared/);
    assert.match(
      results[1]?.text ?? "",
      /^c+\n\[… 300 characters left out …\]\nc+\n\[cut for room: you see 200 of the 500 characters/,
    );
    const [, , shown] = conversationOf(steps);
    assert.ok(shown?.role === "tool" && shown.call === long, "the turn itself sees all of it");
  });

  it("[T14] keeps no result of a tool that shows things of its asker alone", () => {
    const steps: readonly Step[] = [
      { kind: "answer", text: "", calls: [{ ...call("r1"), name: "memory" }, call("r2")], at: 0 },
      result("r1", "a note about Ada"),
      result("r2", "the weather"),
    ];
    const kept = transcriptOf(steps, 200, undefined, ({ name }) => name === "memory");
    assert.deepEqual(kept.slice(1).map(({ text }) => text), [
      "[not kept: it was for the person who asked]",
      "the weather",
    ]);
  });
});

const shown = (text: string): ModelMessage => ({ role: "tool", call: call("r1"), text });

describe("[T1] cutResult()", () => {
  it("keeps a result that fits, and says how much of another one is shown", () => {
    assert.equal(cutResult("abc", 3), "abc");
    const cut = cutResult("a".repeat(20_000), 8_000);
    assert.match(
      cut,
      /^a+\n\[… 12150 characters left out …\]\na+\n\[cut for room: you see 7850 of the 20000 characters of this result\]$/,
    );
    assert.ok(cut.length <= 8_000);
  });

  it("says it outside of the fence", () => {
    const fenced = `<result boundary="a1b2c3d4">\n${"w".repeat(9_000)}\n</result>`;
    assert.match(cutResult(fenced, 8_000), /w\n<\/result>\n\[cut for room: /);
  });
});

describe("[T1] newCuts()", () => {
  const long = "a".repeat(9_000);
  const steps = [result("1", "first"), result("1", long)];

  it("finds results that are shown in part, beside those of earlier turns", () => {
    const request = [shown("of another turn"), shown("first"), shown(cutResult(long, 8_000))];
    assert.deepEqual(newCuts(steps, request), [{ result: 1, chars: 7_850 }]);
    assert.deepEqual(newCuts(steps, [shown(CLEARED), shown(long)]), [{ result: 0, chars: 0 }]);
  });

  it("finds nothing new twice, nor in whole results, nor without tools", () => {
    const request = [shown("first"), shown(cutResult(long, 8_000))];
    const known: Step = { kind: "cut", results: [{ result: 1, chars: 7_850 }], at: 0 };
    assert.equal(newCuts([...steps, known], request), undefined);
    assert.equal(newCuts(steps, [shown("first"), shown(long)]), undefined);
    assert.equal(newCuts(steps, [{ role: "user", text: "hi" }]), undefined);
    assert.equal(newCuts([], [shown("of another turn")]), undefined);
  });
});
