import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { z } from "zod";
import { runTurn, type TurnPorts } from "../../src/agent/turn.ts";
import type { ParkedTurn, Step, TurnOutcome } from "../../src/core/step.ts";
import {
  type Model,
  ModelError,
  type ModelImage,
  type ModelPart,
  type ModelRequest,
  type ToolCall,
} from "../../src/core/model.ts";
import type { Tool } from "../../src/core/turn/tool.ts";
import { messageId } from "../support/discord/builders.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { cleanSecrets, toolboxOf, toolContext } from "../support/model/tools.ts";
import { sameData } from "../support/same_data.ts";

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

interface Facts {
  readonly stopping?: AbortController;
  readonly clock?: FakeClock;
  readonly ports?: Partial<TurnPorts>;
}

function run(
  model: Model,
  { stopping = new AbortController(), clock = new FakeClock(), ports }: Facts = {},
): Promise<TurnOutcome | ParkedTurn> {
  const { schedule } = clock;
  return runTurn(() => ({ request: REQUEST, stepChars: 10_000 }), {
    model,
    toolbox: toolboxOf([], clock),
    contextOf: (key) => toolContext({ callKey: key }),
    steps: [],
    save: () => Promise.resolve(),
    cleanSecrets,
    maxSteps: 16,
    now: clock.now,
    ending: stopping,
    schedule,
    timeoutMs: 600_000,
    isStoreDown: () => false,
    ...ports,
  });
}

describe("[L3] runTurn()", () => {
  it("joins the model's stream into one reply", async () => {
    const usage = { inputTokens: 3, outputTokens: 2 };
    const model = scripted([text("hello, "), text("Ada"), { ...FINISH, usage }]);
    sameData(await run(model), { kind: "reply", text: "hello, Ada", usage });
  });

  it("[L3] answers with the last of the answers that broke off", async () => {
    const texts: string[] = [];
    const parts = [text("Well, "), { kind: "again" } as const, text("hello"), FINISH];
    const onText = (soFar: string) => void texts.push(soFar);
    sameData(await run(scripted(parts), { ports: { onText } }), { kind: "reply", text: "hello" });
    assert.deepEqual(texts, ["Well, ", "", "hello"]);
  });

  it("[R8] calls onText with the whole answer so far", async () => {
    const texts: string[] = [];
    const onText = (soFar: string) => void texts.push(soFar);
    await run(scripted([text("hello, "), text("Ada"), FINISH]), { ports: { onText } });
    sameData(texts, ["hello, ", "hello, Ada"]);
  });

  it("keeps the partial answer of a model that reached its token limit", async () => {
    const outcome = await run(scripted([text("half"), { kind: "finish", reason: "length" }]));
    sameData(outcome, { kind: "reply", text: "half", isCut: true });
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

/** A turn with tools: `read` may run twice, `post` must not. */
function withTools(answers: readonly (string | readonly string[])[], stored: readonly Step[] = []) {
  const clock = new FakeClock();
  const events: string[] = [];
  const requests: ModelRequest[] = [];
  const saved: Step[] = [...stored];
  const tool = (name: string, isIdempotent: boolean): Tool => ({
    name,
    description: name,
    input: z.object({}),
    seenAt: "nowhere",
    needs: [],
    isIdempotent,
    run(_input, { callKey }) {
      events.push(`${name} ${callKey}`);
      return Promise.resolve(`result of ${callKey}`);
    },
  });
  const left = [...answers];
  const model: Model = {
    id: "test/tools",
    async *generate(request) {
      await Promise.resolve();
      events.push("ask");
      requests.push(request);
      const said = left.shift() ?? "nothing more to say";
      if (typeof said === "string") {
        yield text(said);
        yield { ...FINISH, usage: { inputTokens: 10, outputTokens: 1 } };
      } else {
        const usage = { inputTokens: 10, outputTokens: 1 };
        yield { kind: "finish", reason: "tool_calls", calls: said.map(callOf), usage };
      }
    },
  };
  const ports: Partial<TurnPorts> = {
    toolbox: toolboxOf([tool("read", true), tool("post", false)], clock),
    steps: stored,
    save(steps, waitsForDisk) {
      events.push(`${waitsForDisk ? "sync" : "store"} ${steps.map(stepName).join()}`);
      saved.push(...steps);
      return Promise.resolve();
    },
  };
  return { model, ports, events, requests, saved, clock };
}

const IMAGE: ModelImage = { mediaType: "image/png", data: new Uint8Array(1) };
const callOf = (id: string): ToolCall => ({
  id,
  name: id.startsWith("r") ? "read" : "post",
  arguments: "{}",
});
const stepName = (step: Step) => "callId" in step ? `${step.kind} ${step.callId}` : step.kind;

describe("[T1] runTurn() with tools", () => {
  it("runs the calls, and asks again with their results", async () => {
    const { model, ports, requests } = withTools([["r1"], "done"]);
    const outcome = await run(model, { ports });
    assert.ok(outcome.kind === "reply");
    assert.equal(outcome.text, "done");
    sameData(outcome.usage, { inputTokens: 20, outputTokens: 2 });
    sameData(requests[1]?.messages, [
      ...REQUEST.messages,
      { role: "assistant", text: "", calls: [callOf("r1")] },
      { role: "tool", call: callOf("r1"), text: "result of 1:r1" },
    ]);
    assert.deepEqual(outcome.taken?.steps.map(stepName), ["answer", "result r1"]);
    assert.deepEqual(outcome.taken?.unsaved.map(stepName), ["result r1"]);
  });

  it("[L3] goes on with the fallback that made the calls, and stores which one it was", async () => {
    const replaced = { model: "test/tools", why: "quota", since: 0 } as const;
    const { model, ports, requests, saved } = withTools([["r1"], ["r2"], "done"]);
    const chain: Model = {
      ...model,
      async *generate(request, signal) {
        for await (const part of model.generate(request, signal)) {
          yield part.kind === "finish" ? { ...part, modelId: "b/y", replaced } : part;
        }
      },
    };
    const outcome = await run(chain, { ports });
    assert.deepEqual(requests.map(({ prefers }) => prefers), [undefined, "b/y", "b/y"]);
    assert.ok(outcome.kind === "reply");
    assert.deepEqual([outcome.modelId, outcome.replaced], ["b/y", replaced]);
    const [first] = saved;
    assert.ok(first?.kind === "answer");
    assert.deepEqual([first.modelId, first.replaced], ["b/y", replaced]);

    // Another process knows it from the stored steps.
    const again = withTools(["done"], saved.slice(0, 2));
    await run(again.model, { ports: again.ports });
    assert.deepEqual(again.requests.map(({ prefers }) => prefers), ["b/y"]);
  });

  it("[S5] takes in messages between two steps, and stores them with the results", async () => {
    const { model, ports, requests } = withTools([["r1"], ["r2"], "done"]);
    const stored: string[] = [];
    const waiting = [undefined, [messageId("7")]];
    let areRead = false;
    const outcome = await run(model, {
      ports: {
        ...ports,
        takeIn(unsaved) {
          const messageIds = waiting.shift();
          if (!messageIds) return Promise.resolve(undefined);
          stored.push([...unsaved.map(stepName), "joined"].join());
          return Promise.resolve({ kind: "joined", messageIds, at: 1 });
        },
        readJoined: () => Promise.resolve(void (areRead = true)),
        showJoined: (id) => ({ text: `the text of ${id}`, ...(areRead && { images: [IMAGE] }) }),
      },
    });
    assert.deepEqual(stored, ["result r2,joined"]);
    const shown = { role: "user", text: "the text of 7", images: [IMAGE] };
    assert.deepEqual(requests[2]?.messages.at(-1), shown);
    assert.ok(outcome.kind === "reply");
    assert.deepEqual(outcome.taken?.unsaved, []);
  });

  it("stores each answer before its calls, with one commit for calls that may run twice", async () => {
    const { model, ports, events } = withTools([["r1", "r2"], ["r3"], "done"]);
    await run(model, { ports });
    assert.deepEqual(events, [
      "ask",
      "store answer",
      "read 1:r1",
      "read 1:r2",
      "ask",
      "store result r1,result r2,answer",
      "read 2:r3",
      "ask",
    ]);
  });

  it("[D1] waits for the disk before a call that must not run twice, and stores its result", async () => {
    const { model, ports, events } = withTools([["p1", "p2"], "done"]);
    await run(model, { ports });
    assert.deepEqual(events, [
      "ask",
      "sync answer,begun p1",
      "post 1:p1",
      "store result p1",
      "sync begun p2",
      "post 1:p2",
      "store result p2",
      "ask",
    ]);
  });

  it("[D1] continues after a crash at any step, and asks for no answer twice", async () => {
    const whole = withTools([["r1", "p1"], ["p2"], "done"]);
    await run(whole.model, { ports: whole.ports });
    for (let cut = 1; cut <= whole.saved.length; cut++) {
      const stored = whole.saved.slice(0, cut);
      const answered = stored.filter(({ kind }) => kind === "answer").length;
      const rest = [["r1", "p1"], ["p2"], "done"].slice(answered);
      const again = withTools(rest, stored);
      const outcome = await run(again.model, { ports: again.ports });
      assert.ok(outcome.kind === "reply", `cut at ${cut}`);
      assert.equal(again.events.filter((event) => event === "ask").length, rest.length);
      const posts = [...whole.saved.slice(0, cut), ...again.saved.slice(cut)];
      for (const id of ["p1", "p2"]) {
        const begun = posts.filter((step) => step.kind === "begun" && step.callId === id);
        assert.equal(begun.length, 1, `${id}, cut at ${cut}`);
      }
      const last = stored.at(-1);
      if (last?.kind !== "begun") continue;
      const result = again.saved.find((step) =>
        step.kind === "result" && step.callId === last.callId
      );
      const told = outcome.taken?.steps.find((step) =>
        step.kind === "result" && step.callId === last.callId
      );
      assert.equal((result ?? told)?.kind === "result" && (result ?? told), told);
      assert.ok(told?.kind === "result" && told.end === "unknown");
    }
  });

  it("lets the last step answer without a call", async () => {
    const { model, ports, requests } = withTools([["r1"], ["r2"], "done"]);
    const outcome = await run(model, { ports: { ...ports, maxSteps: 3 } });
    assert.equal(outcome.kind, "reply");
    assert.deepEqual(requests.map(({ mayCall }) => mayCall), [undefined, undefined, false]);
  });

  it("[L3] asks once for words if an answer after tools has none", async () => {
    for (const silence of ["", "<think>I posted it</think>"]) {
      const { model, ports, requests, events } = withTools([["p1"], silence, "I posted it."]);
      const isBlank = (said: string) => said.trim() === "" || said.startsWith("<think>");
      const outcome = await run(model, { ports: { ...ports, isBlank } });
      assert.ok(outcome.kind === "reply");
      assert.equal(outcome.text, "I posted it.");
      assert.equal(events.filter((event) => event.startsWith("post")).length, 1);
      const last = requests.at(-1);
      assert.equal(last?.mayCall, false);
      assert.match(last.messages.at(-1)?.text ?? "", /^\[Your last answer had no text/);
    }
  });

  it("[L3] fails with its steps if the model stays silent, after one more request", async () => {
    const { model, ports, requests } = withTools([["p1"], "", " "]);
    const outcome = await run(model, { ports });
    assert.ok(outcome.kind === "failed");
    assert.equal(outcome.why, "not_an_answer");
    assert.deepEqual(outcome.taken?.steps.map(stepName), ["answer", "begun p1", "result p1"]);
    assert.equal(requests.length, 3);
  });

  it("[L3] asks for no words after an empty answer without tools", async () => {
    const { model, ports, requests } = withTools([""]);
    assert.equal((await run(model, { ports })).kind, "failed");
    assert.equal(requests.length, 1);
  });

  it("[L3] says that all steps are used if the last of them has no words", async () => {
    const { model, ports } = withTools([["r1"], ["r2"], ["r3"], ["r4"]]);
    const outcome = await run(model, { ports: { ...ports, maxSteps: 3 } });
    assert.ok(outcome.kind === "failed");
    assert.equal(outcome.why, "steps");
    assert.match(outcome.reason, /^no words after 3 steps: /);
  });

  it("[T1] runs no call whose id another call of the answer has, and tells the model", async () => {
    const { ports, events, saved } = withTools([]);
    const requests: ModelRequest[] = [];
    const calls = ["r1", "p2", "p3", "r4"].map((id) =>
      ["p2", "p3"].includes(id) ? { ...callOf(id), sharesId: true as const } : callOf(id)
    );
    const model: Model = {
      id: "test/x",
      async *generate(request) {
        await Promise.resolve();
        requests.push(request);
        if (requests.length > 1) yield* [text("done"), FINISH];
        else yield { kind: "finish", reason: "tool_calls", calls };
      },
    };
    const outcome = await run(model, { ports });
    assert.equal(outcome.kind, "reply");
    assert.deepEqual(events.filter((event) => /^(?:read|post)/.test(event)), [
      "read 1:r1",
      "read 1:r4",
    ]);
    const results = (requests[1]?.messages ?? []).flatMap((message) =>
      message.role === "tool" ? [`${message.call.id} ${message.text}`] : []
    );
    assert.match(results[1] ?? "", /^p2 Error: two calls of your answer had the same id/);
    assert.match(results[2] ?? "", /^p3 Error: two calls/);
    assert.ok(saved.every((step) => step.kind !== "begun"));
  });

  it("runs at most 32 calls of one answer, eight at a time, and refuses the rest", async () => {
    const ids = Array.from({ length: 40 }, (_, at) => `r${at}`);
    const { model, ports, events, requests } = withTools([ids, "done"]);
    await run(model, { ports });
    const counts = events.join(" ").split(/ask|store/).map((part) => part.split("read").length - 1);
    assert.deepEqual(counts.filter((count) => count > 0), [8, 8, 8, 8]);
    const [, asked, ...results] = requests[1]?.messages ?? [];
    assert.ok(asked?.role === "assistant");
    assert.deepEqual([asked.calls?.length, results.length], [33, 33]);
    const refused = results.filter(({ text }) => /may have 32 calls\. This one did not/.test(text));
    assert.deepEqual(refused.map((one) => one.role === "tool" && one.call.id), ["r32"]);
  });

  it("[T3] shows the calls of an answer to each other, without the one that is too many", async () => {
    const open: (number | undefined)[] = [];
    const { model, ports } = withTools([Array.from({ length: 40 }, (_, at) => `r${at}`), "done"]);
    const { toolbox } = ports;
    assert.ok(toolbox);
    await run(model, {
      ports: {
        ...ports,
        toolbox: {
          ...toolbox,
          run(call, context) {
            open.push(context.open?.length);
            return toolbox.run(call, context);
          },
        },
      },
    });
    assert.deepEqual(open.slice(0, 8), Array.from({ length: 8 }, () => 32));
    assert.equal(open.at(-1), 8);
  });

  it("gives each call a key of its own, also if ids repeat", async () => {
    const { model, ports, events } = withTools([["p1"], ["p1"], "done"]);
    await run(model, { ports });
    assert.deepEqual(events.filter((event) => event.startsWith("post")), [
      "post 1:p1",
      "post 2:p1",
    ]);
  });

  it("[SEC-R9] stores and sends no secret of an answer with calls", async () => {
    const { ports, saved } = withTools([]);
    const call = { id: "r1", name: "read", arguments: '{"a":"hunter2"}' };
    const requests: ModelRequest[] = [];
    const model: Model = {
      id: "test/leaky",
      async *generate(request) {
        await Promise.resolve();
        yield text("hunter2 ");
        yield requests.push(request) === 1
          ? { kind: "finish", reason: "tool_calls", calls: [call] }
          : FINISH;
      },
    };
    await run(model, { ports });
    assert.ok(saved.length > 0);
    assert.match(JSON.stringify(saved), /redacted/);
    assert.doesNotMatch(JSON.stringify([saved, requests]), /hunter2/);
  });

  it("[L1] stores and sends carried fields with their answer, and none with a secret", async () => {
    for (const carried of ["thought", "hunter2"]) {
      const { ports, saved } = withTools([]);
      const calls = [{ id: "r1", name: "read", arguments: "{}" }];
      const requests: ModelRequest[] = [];
      const model: Model = {
        id: "test/thinks",
        async *generate(request) {
          await Promise.resolve();
          yield text("High.");
          yield requests.push(request) === 1
            ? { kind: "finish", reason: "tool_calls", calls, carried }
            : { kind: "finish", reason: "stop", carried };
        },
      };
      const outcome = await run(model, { ports });
      const kept = carried === "thought" ? "thought" : undefined;
      const [sent] = requests[1]?.messages.filter(({ role }) => role === "assistant") ?? [];
      assert.equal(sent?.role === "assistant" && sent.carried, kept);
      assert.equal(outcome.kind === "reply" && outcome.carried, kept);
      assert.equal(JSON.stringify(saved).includes(carried), kept !== undefined);
    }
  });

  it("fails if the model calls tools even then", async () => {
    const { model, ports, requests } = withTools([["r1"], ["r2"], ["r3"]]);
    const outcome = await run(model, { ports: { ...ports, maxSteps: 2 } });
    assert.ok(outcome.kind === "failed");
    assert.match(outcome.reason, /^no words after 2 steps: .* empty \(tool_calls\)$/);
    assert.equal(requests.length, 3, "one more for words");
  });

  it("offers no tools if it has none, and ignores calls then", async () => {
    const { model, requests } = withTools([["r1"]]);
    const outcome = await run(model);
    assert.equal(outcome.kind, "failed");
    assert.equal(requests[0]?.tools, undefined);
  });

  it("[G12] stores no result of a call that the stop of the process cut", async () => {
    const stopping = new AbortController();
    const { model, ports, saved } = withTools([["p1"], "done"]);
    const toolbox = toolboxOf([{
      name: "post",
      description: "post",
      input: z.object({}),
      seenAt: "nowhere",
      needs: [],
      isIdempotent: false,
      run(_input, { signal }) {
        stopping.abort(new Error("stop"));
        return hangUntil(signal);
      },
    }], new FakeClock());
    const outcome = await run(model, { stopping, ports: { ...ports, toolbox } });
    assert.equal(outcome.kind, "interrupted");
    assert.deepEqual(saved.map(stepName), ["answer", "begun p1"]);
  });

  it("throws the error of a store that cannot keep a step, and runs nothing", async () => {
    const full = new Error("disk full");
    const { model, ports, events } = withTools([["p1"], "done"]);
    await assert.rejects(
      run(model, { ports: { ...ports, save: () => Promise.reject(full) } }),
      full,
    );
    assert.deepEqual(events, ["ask"]);
  });
});
