/** Tests how a turn asks its model and runs tools, with a whole account; and plays its crash table. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { z } from "zod";
import { wakeTurns } from "../../../src/account/per_account.ts";
import type { Question } from "../../../src/core/people/question.ts";
import {
  type Model,
  ModelError,
  type ModelPart,
  type ModelRequest,
  type ToolCall,
} from "../../../src/core/model.ts";
import type { Step } from "../../../src/core/step.ts";
import { type Tool, type ToolContext, WaitsForPerson } from "../../../src/core/turn/tool.ts";
import { cards } from "../../../src/flows/questions/cards.ts";
import { queuesOf } from "../../../src/flows/deliver/deliver.ts";
import { type Given, type TestAccount, testAccount } from "../../support/bot/test_account.ts";
import { ACCOUNT, messageId } from "../../support/discord/builders.ts";
import { messageData } from "../../support/discord/payloads.ts";
import { FakeClock } from "../../support/fake_clock.ts";
import { cases } from "../../support/long_form.ts";
import { png } from "../../support/files/samples.ts";
import { toolNamed } from "../../support/model/tools.ts";
import { seeded } from "../../support/seeded.ts";
import { mortals } from "../../support/mortal.ts";

const OPEN = { dm: { policy: "open", allowFrom: ["*"] } };
const USAGE = { inputTokens: 10, outputTokens: 1 };
const FINISH = { kind: "finish", reason: "stop", usage: USAGE } as const;
const words = (text: string): ModelPart => ({ kind: "text", text });

/** A call by its id: those with "r" may run twice, those with "p" must not. */
const callOf = (id: string): ToolCall => ({
  id,
  name: id.startsWith("r") ? "web_fetch" : "remind",
  arguments: "{}",
});
const calls = (ids: readonly string[], more: object = {}): ModelPart => ({
  kind: "finish",
  reason: "tool_calls",
  calls: ids.map(callOf),
  usage: USAGE,
  ...more,
});
const stepName = (step: Step) => "callId" in step ? `${step.kind} ${step.callId}` : step.kind;
/** The end of a call's key, without the id of the message. */
const keyOf = ({ callKey }: ToolContext) => callKey.replace(/^\d+:/, "");

/** Answers of a model, one after the other: words, ids of calls, or the parts of an answer. */
type Answers = readonly (string | readonly string[] | readonly ModelPart[])[];

interface Facts extends Given {
  /** Members of both tools. */
  readonly tool?: (name: string, scene: () => TestAccount) => Partial<Tool>;
  readonly addSteps?: TestAccount["store"]["turns"]["addSteps"];
  /** Steps of an attempt that a crash has cut. */
  readonly stored?: readonly Step[];
}

/** Ada asks something directly, and the turn goes as far as it can. */
async function play(
  answers: Answers,
  { tool = () => ({}), stored = [], addSteps: refuses, ...given }: Facts = {},
) {
  const events: string[] = [];
  const requests: ModelRequest[] = [];
  const contexts: ToolContext[] = [];
  const left = [...answers];
  const model: Model = {
    id: "test/model",
    async *generate(request) {
      await Promise.resolve();
      events.push("ask");
      requests.push(request);
      const said = left.shift() ?? "nothing more to say";
      if (typeof said === "string") yield* [words(said), FINISH];
      else for (const part of said) yield typeof part === "string" ? calls(said as string[]) : part;
    },
  };
  const tools = ["web_fetch", "remind"].map((name): Tool => ({
    ...toolNamed(name),
    input: z.looseObject({}),
    isIdempotent: name === "web_fetch",
    run(_input, context) {
      events.push(keyOf(context));
      contexts.push(context);
      return Promise.resolve(`result of ${keyOf(context)}`);
    },
    ...tool(name, () => scene),
  }));
  const scene: TestAccount = await testAccount({
    ...{ discord: OPEN, model, toolServices: { tools: () => tools } },
    ...given,
    beside: { messages: { receipts: "off" }, ...given.beside },
  });
  const { store, rows } = scene;
  const { addSteps } = store.turns;
  const noted: typeof addSteps = (claim, steps, waits, charges) => {
    events.push(`${waits ? "sync" : "store"} ${steps.map(stepName).join()}`);
    return addSteps(claim, steps, waits, charges);
  };
  const { claimNext } = store.inbox;
  if (stored.length > 0) {
    Object.assign(store.inbox, { claimNext: () => Promise.resolve(undefined) });
    await scene.dm("well?");
    Object.assign(store.inbox, { claimNext });
    const claim = await claimNext(ACCOUNT, scene.clock.now(), []);
    assert.ok(claim);
    await addSteps(claim, stored, false);
    await store.inbox.voidClaims();
  }
  Object.assign(store.turns, { addSteps: refuses ?? noted });
  if (stored.length > 0) wakeTurns(scene.account);
  else await scene.dm("well?");
  await scene.quiet();
  const [{ id: first, state, failure } = {}] = rows(
    "SELECT message_id AS id, state, failure FROM inbox",
  );
  const id = messageId(String(first));
  const shown = requests.at(-1)?.messages ?? [];
  return {
    ...{ ...scene, events, requests, contexts, id },
    ends: [state, failure],
    /** Steps of the store. */
    steps: await store.turns.stepsOf(id),
    /** Results that the last request shows, by their calls. */
    results: shown.flatMap((one) => one.role === "tool" ? [`${one.call.id} ${one.text}`] : []),
  };
}

const unfenced = (text: string) => text.replace(/<\/?result[^>]*>\n?|\n(?=<)/g, "");

describe("[L3] a turn that asks its model", () => {
  it("answers with the last of the answers that broke off", async () => {
    const { posted } = await play([[words("Well, "), { kind: "again" }, words("hello"), FINISH]]);
    assert.deepEqual(posted(), ["hello"]);
  });

  const failing = (error: Error): Model => ({
    id: "test/model",
    // deno-lint-ignore require-yield -- a model that breaks off says nothing
    async *generate() {
      await Promise.reject(error);
    },
  });
  const notFound = new ModelError("no such model", { kind: "not_found", modelId: "test/x" });
  const failures: readonly [
    what: string,
    answer: readonly ModelPart[],
    model?: Model,
    reason?: RegExp,
  ][] = [
    ["an answer without text", [FINISH]],
    ["white space only", [words(" \n"), FINISH]],
    ["an answer that ends early", [words("hel")], undefined, /ended early/],
    ["silence", [], undefined, /ended early/],
    ["a refusal of the provider", [], failing(notFound), /^not_found: no such model$/],
    ["an unexpected error", [], failing(new TypeError("secret")), /^unexpected$/],
  ];
  for (const [what, answer, model, reason = /empty \(stop\)/] of failures) {
    it(`fails on ${what}, without another request`, async () => {
      const { ends: [state, why], requests } = await play([answer], model && { model });
      assert.deepEqual([state, requests.length], ["failed", model ? 0 : 1]);
      assert.match(String(why), reason);
    });
  }
});

describe("[T1] a turn with tools", () => {
  it("runs the calls, and asks again with their results", async () => {
    const { posted, requests, steps, lines } = await play([["r1"], "done"]);
    assert.deepEqual(posted(), ["done"]);
    const { fields } = lines.find(({ event }) => event === "The model answered") ?? {};
    assert.deepEqual([fields?.inputTokens, fields?.outputTokens], [20, 2]);
    const [first, second] = requests;
    const more = (second?.messages ?? []).slice(first?.messages.length);
    assert.deepEqual(more.map((one) => [one.role, unfenced(one.text)]), [
      ...[["assistant", ""], ["tool", "result of 1:r1"]],
    ]);
    assert.deepEqual(steps.map(stepName), ["answer", "result r1"]);
  });

  it("[L3] goes on with the fallback that made the calls, also in another process", async () => {
    const replaced = { model: "test/model", why: "quota", since: 0 } as const;
    const by = { modelId: "b/y", replaced };
    const answers = [[calls(["r1"], by)], [calls(["r2"], by)], [words("done"), {
      ...FINISH,
      ...by,
    }]];
    const { requests, steps: [first, result] } = await play(answers);
    assert.deepEqual(requests.map(({ prefers }) => prefers), [undefined, "b/y", "b/y"]);
    assert.ok(first?.kind === "answer" && result);
    assert.deepEqual([first.modelId, first.replaced], ["b/y", replaced]);
    const again = await play(["done"], { stored: [first, result] });
    assert.deepEqual(again.requests.map(({ prefers }) => prefers), ["b/y"]);
  });

  it("[S5] takes in messages between two steps, and stores them with the results", async () => {
    const { requests, rows, steps } = await play([["r1"], ["r2"], "done"], {
      tool: (_, scene) => ({
        async run(_input, context) {
          if (keyOf(context) === "2:r2") await scene().dm("and the ebb?");
          return "";
        },
      }),
    });
    assert.deepEqual(steps.map(stepName), ["answer", "result r1", "answer", "result r2", "joined"]);
    assert.match(JSON.stringify(requests[2]?.messages.at(-1)), /and the ebb\?/);
    const states = rows("SELECT state FROM inbox").map(({ state }) => state);
    assert.deepEqual(states, ["answered", "answered"]);
  });

  const orders: readonly (readonly [what: string, Answers, events: readonly string[]])[] = [
    ["each answer before its calls, with one commit for calls that may run twice", [
      ...[["r1", "r2"], ["r3"], "done"],
    ], [
      "ask",
      "store answer",
      "1:r1",
      "1:r2",
      "ask",
      "store result r1,result r2,answer",
      "2:r3",
      "ask",
    ]],
    ["[D1] a call that must not run twice on the disk before it runs, and its result", [
      ...[["p1", "p2"], "done"],
    ], [
      ...["ask", "sync answer,begun p1", "1:p1", "store result p1"],
      ...["sync begun p2", "1:p2", "store result p2", "ask"],
    ]],
  ];
  for (const [what, answers, expected] of orders) {
    it(`stores ${what}`, async () => {
      assert.deepEqual((await play(answers)).events, expected);
    });
  }

  it("lets the last step answer without a call, and says if that has no words", async () => {
    const beside = { agents: { maxSteps: 3 } };
    const { requests, posted } = await play([["r1"], ["r2"], "done"], { beside });
    assert.deepEqual(requests.map(({ mayCall }) => mayCall), [undefined, undefined, false]);
    assert.deepEqual(posted(), ["done"]);
    const { ends: [, reason], requests: { length } } = await play(
      [["r1"], ["r2"], ["r3"], ["r4"]],
      { beside },
    );
    assert.match(String(reason), /^no words after 3 steps: .* empty \(tool_calls\)$/);
    assert.equal(length, 4, "one more for words");
  });

  it("[L3] asks once for words if an answer after tools has none", async () => {
    for (const silence of ["", "<think>I posted it</think>"]) {
      const { posted, requests, events } = await play([["p1"], silence, "I posted it."]);
      assert.deepEqual(posted(), ["I posted it."]);
      assert.equal(events.filter((event) => event === "1:p1").length, 1);
      const last = requests.at(-1);
      assert.equal(last?.mayCall, false);
      assert.match(last.messages.at(-1)?.text ?? "", /^\[Your last answer had no text/);
    }
    const { ends: [, reason], steps, requests } = await play([["p1"], "", " "]);
    assert.match(String(reason), /^not_an_answer/);
    assert.deepEqual(steps.map(stepName), ["answer", "begun p1", "result p1"]);
    assert.equal(requests.length, 3);
  });

  it("runs no call whose id another call of the answer has, and tells the model", async () => {
    const twins = ["r1", "p2", "p3", "r4"].map((id) =>
      ["p2", "p3"].includes(id) ? { ...callOf(id), sharesId: true as const } : callOf(id)
    );
    const { events, results, steps } = await play([[calls([], { calls: twins })], "done"]);
    assert.deepEqual(events.filter((event) => event.includes(":")), ["1:r1", "1:r4"]);
    assert.match(results[1] ?? "", /^p2 Error: two calls of your answer had the same id/);
    assert.match(results[2] ?? "", /^p3 Error: two calls/);
    assert.ok(steps.every(({ kind }) => kind !== "begun"));
  });

  it("runs at most 32 calls of one answer, eight at a time, and shows them to each other", async () => {
    const ids = Array.from({ length: 40 }, (_, at) => `r${at}`);
    const { events, results, contexts } = await play([ids, "done"]);
    const counts = events.join(" ").split(/ask|store/).map((part) => part.split(":r").length - 1);
    assert.deepEqual(counts.filter((count) => count > 0), [8, 8, 8, 8]);
    assert.equal(results.length, 33);
    const refused = results.filter((text) => /may have 32 calls\. This one did not/.test(text));
    assert.deepEqual(refused.map((one) => one.split(" ")[0]), ["r32"]);
    assert.deepEqual(contexts.map(({ open }) => open?.length).slice(7, 9), [32, 24]);
    assert.ok(contexts.every(({ mayWait }) => mayWait));
    assert.deepEqual(new Set(contexts.map(({ callKey }) => callKey)).size, 32);
  });

  it("gives each call a key of its own, also if ids repeat", async () => {
    const { contexts } = await play([["p1"], ["p1"], "done"]);
    assert.deepEqual(contexts.map(keyOf), ["1:p1", "2:p1"]);
  });

  it("[SEC-R9] stores and sends no secret of an answer with calls", async () => {
    const leak = calls([], { calls: [{ ...callOf("r1"), arguments: '{"a":"hunter2"}' }] });
    const { requests, rows } = await play([[words("hunter2 "), leak], "done"]);
    const stored = JSON.stringify([rows("SELECT step FROM step"), requests]);
    assert.match(stored, /redacted/);
    assert.doesNotMatch(stored, /hunter2/);
  });

  it("[L1] stores and sends carried fields with their answer, and none with a secret", async () => {
    const long = "tides".repeat(100_000); // the transcript has no room for it
    const rows = [["thought", 3], ["hunter2", 0], [long, 1]] as const;
    for (const [carried, count] of rows) {
      const { requests, rows } = await play([
        [words("High."), calls(["r1"], { carried })],
        [words("High."), { ...FINISH, carried }],
      ]);
      const [sent] = requests[1]?.messages.filter(({ role }) => role === "assistant") ?? [];
      assert.equal(sent?.role === "assistant" && sent.carried, count > 0 ? carried : undefined);
      const stored = JSON.stringify([rows("SELECT step FROM step"), rows("SELECT * FROM entry")]);
      assert.equal(stored.split(carried).length - 1, count);
    }
  });

  it("ignores calls if it has no tools", async () => {
    const toolServices = { tools: () => [] };
    const { requests, ends } = await play([["r1"]], { toolServices });
    assert.deepEqual([requests[0]?.tools, ends[0]], [undefined, "failed"]);
  });

  it("[G12] stores no result of a call that the stop of the process cut", async () => {
    const { steps, ends } = await play([["p1"], "done"], {
      tool: (_, scene) => ({
        run(_input, { signal }) {
          scene().account.endGrace();
          return new Promise((_, reject) => {
            if (signal.aborted) reject(signal.reason);
            signal.addEventListener("abort", () => reject(signal.reason));
          });
        },
      }),
    });
    assert.deepEqual([steps.map(stepName), ends[0]], [["answer", "begun p1"], "running"]);
  });

  it("runs nothing if the store cannot keep a step", async () => {
    const { events, ends } = await play([["p1"], "done"], {
      addSteps: () => Promise.reject(new Error("refused")),
    });
    assert.deepEqual([events, ends[0]], [["ask"], "failed"]);
  });
});

const QUESTION: Question = {
  kind: "approval",
  tool: "web_fetch",
  text: "May I?",
  facts: [],
  choices: [],
  asked: "anyone",
  where: "channel",
  timeoutMs: 1_000,
};

describe("[A1] calls that people must decide about", () => {
  /** Asks about calls by the ends of their keys, or waits in their first run. */
  const asking = (
    asks: (key: string, context: ToolContext) => Question | undefined,
    isWaiting = false,
  ) => ({
    tool: (): Partial<Tool> => ({
      asks: (_, context) => {
        assert.equal(context.decision, undefined);
        return Promise.try(() => asks(keyOf(context), context));
      },
      ...(isWaiting && {
        run: (_, { decision }) =>
          decision
            ? Promise.resolve(`${decision.kind} once`)
            : Promise.reject(new WaitsForPerson(QUESTION)),
      }),
    }),
  });
  const waiting = (rows: TestAccount["rows"]) =>
    rows("SELECT call_key AS key FROM question ORDER BY id").map(({ key }) =>
      String(key).replace(/\d{3,}:/, "")
    );

  type Going = Pick<TestAccount, "account" | "clock" | "quiet" | "store">;
  async function expires({ account, clock, quiet, store }: Going, afterMs = 1_000) {
    await store.questions.expire(ACCOUNT, clock.now() + afterMs);
    wakeTurns(account);
    await quiet();
  }

  it("are held back, and the others run in their order, also if they cannot ask", async () => {
    const { rows, contexts } = await play([["r1", "r2", "r3", "r4"]], {
      ...asking((key) => {
        if (key === "1:r3") throw new Error("no question");
        return ["1:r2", "1:r4"].includes(key) ? QUESTION : undefined;
      }),
    });
    assert.deepEqual([contexts.map(keyOf), waiting(rows)], [["1:r1", "1:r3"], ["1:r2", "1:r4"]]);
  });

  it("are held back by the question of another one that covers them", async () => {
    const { rows, contexts } = await play([["r1", "r2", "r3"]], {
      ...asking((key, { open = [] }) =>
        key === "1:r1"
          ? { ...QUESTION, covers: open.slice(1, 2).map(({ callKey }) => callKey) }
          : undefined
      ),
    });
    assert.deepEqual([contexts.map(keyOf), waiting(rows)], [["1:r3"], ["1:r1"]]);
  });

  it("[T4] are asked about once in a turn if they have their effect at the same place", async () => {
    const at = { kind: "everyone" } as const;
    const scene = await play([["p1"], ["p2"], "done"], {
      tool: () => ({ seenAt: () => ({ at }) }),
    });
    assert.deepEqual([waiting(scene.rows), scene.contexts], [["1:p1"], []]);
    await expires(scene, 86_400_000);
    assert.deepEqual([waiting(scene.rows), scene.contexts], [["1:p1"], []]);
    const told = scene.requests.at(-1)?.messages.filter(({ role }) => role === "tool") ?? [];
    assert.equal(told.length, 2);
    for (const { text } of told) assert.match(text, /^Error: .*\nnot everyone who would see/);
  });

  it("[X4] run once they are decided, also if the budget is spent by then", async () => {
    const beside = { budgets: { total: { tokensPerDay: 10 } } };
    const scene = await play([["p1"], "done"], { ...asking(() => QUESTION), beside });
    await expires(scene);
    assert.deepEqual(scene.contexts.map(({ decision }) => decision?.kind), ["expired"]);
    assert.equal(scene.requests.length, 1);
  });

  it("[S5] [S6] go on with the same request, and with messages that have joined", async () => {
    await Promise.all([import("file-type"), import("image-size")]); // of the picture
    const scene = await play([["r1"], ["r2"], "done"], {
      tool: (_, scene) => ({
        asks: (_, context) => Promise.resolve(keyOf(context) === "2:r2" ? QUESTION : undefined),
        async run(_input, context) {
          if (keyOf(context) === "1:r1") {
            cards.start(scene().account);
            await scene().dm("and the ebb?");
            await context.showImage?.(png(1, 1, "IDAT"));
          }
          return "low";
        },
      }),
    });
    const { requests, rows } = scene;
    assert.match(JSON.stringify(rows("SELECT message FROM outbox")), /May I\?/, "a card");
    await expires(scene);
    const [, second, third] = requests.map(({ messages }) => messages);
    assert.deepEqual(third?.slice(0, second?.length), second);
    assert.ok(second?.some((one) => "images" in one && one.images?.length === 1));
    const entries = rows("SELECT role FROM entry ORDER BY id").map(({ role }) => role);
    assert.deepEqual(entries.join(), "user,assistant,tool,user,assistant,tool,assistant");
  });

  it("[T13] get the decision about their last question, and ask no second time", async () => {
    for (const isWaiting of [false, true]) {
      const scene = await play([["p1"], "done"], {
        ...asking(() => isWaiting ? undefined : QUESTION, isWaiting),
      });
      const { contexts, posted, requests, rows, steps } = scene;
      assert.deepEqual([waiting(rows), steps.length], [
        [isWaiting ? "1@1:p1" : "1:p1"],
        isWaiting ? 3 : 1,
      ]);
      await expires(scene);
      assert.deepEqual([rows("SELECT 1 FROM question").length, posted().at(-1)], [1, "done"]);
      if (isWaiting) assert.match(JSON.stringify(requests[1]?.messages.at(-1)), /expired once/);
      else assert.deepEqual(contexts.map(({ decision }) => decision?.kind), ["expired"]);
    }
  });
});

/** The calls of each answer of the crash table. */
const PLAN: readonly (readonly string[])[] = [["r1", "p1", "r2", "r3"], ["p2"]];

/** A process ends before one of its steps, or the message gets another text there. */
interface Cut {
  readonly at: number;
  readonly kind: "crash" | "edit";
}

/** Plays a turn with its cuts. @returns The broken rules. */
async function playCuts(cuts: readonly Cut[], loses?: Step["kind"]) {
  const lives = mortals();
  const broken = new Set<string>();
  const effects = new Map<string, number>();
  const results = new Map<string, string>();
  const clock = new FakeClock();
  let version = 1;
  let steps = 0;
  let scene: TestAccount | undefined;
  const isOver = () =>
    lives.rows("SELECT 1 FROM inbox WHERE state = 'answered'").length > 0 &&
    lives.rows("SELECT 1 FROM outbox WHERE state IN ('pending', 'sending')").length === 0;
  const left = [...cuts];
  for (let process = 0; process < 4 && !isOver(); process++) {
    const { before, step, isDead } = await lives.next();
    if (loses) {
      const { turns } = before.store;
      const stepsOf: typeof turns.stepsOf = async (id) =>
        (await turns.stepsOf(id)).filter(({ kind }) => kind !== loses);
      Object.assign(before.store, { turns: { ...turns, stepsOf } });
    }
    const model: Model = {
      id: "test/model",
      async *generate({ messages }) {
        yield* await step(() => {
          const asked = messages.findLastIndex(({ role, text }) =>
            role === "user" && /version/.test(text)
          );
          const answered = messages.filter(({ role }) => role === "assistant").length;
          const stored = lives.rows("SELECT 1 FROM step WHERE step ->> '$.kind' = 'answer'").length;
          if (answered < stored) broken.add("asked again for a stored answer");
          for (const one of messages) {
            if (one.role === "tool") results.set(one.call.id, unfenced(one.text));
          }
          const ids = PLAN[answered];
          const of = /version \d+/.exec(messages[asked]?.text ?? "")?.[0] ?? "";
          return ids ? [calls(ids)] : [words(of), FINISH];
        });
      },
    };
    const tools = ["web_fetch", "remind"].map((name): Tool => ({
      ...toolNamed(name),
      isIdempotent: name === "web_fetch",
      run: (_, context) =>
        step(() => {
          const [, id = ""] = keyOf(context).split(":");
          effects.set(id, (effects.get(id) ?? 0) + 1);
          return `done: ${id}`;
        }),
    }));
    scene = await testAccount({
      ...{ discord: OPEN, beside: { messages: { receipts: "off" } } },
      ...{ before, clock, model, toolServices: { tools: () => tools } },
    });
    const { receive, dm, account, pass } = scene;
    const edited = () => {
      const edited_timestamp = new Date(Date.UTC(2026, 0, version)).toISOString();
      const direct = { guild_id: undefined, member: undefined, channel_type: 1 };
      const of = { ...direct, id: ID, content: `version ${version}`, edited_timestamp };
      return receive("MESSAGE_UPDATE", messageData(of));
    };
    const begun = lives.steps();
    const next = () => {
      const cut = left.shift();
      if (!cut) return lives.diesIn(Infinity);
      if (cut.kind === "crash") return lives.diesIn(cut.at);
      lives.diesIn(cut.at, () => {
        next();
        version++;
        queueMicrotask(() => void edited()); // as events arrive, by itself
      });
    };
    next();
    wakeTurns(account);
    queuesOf(account).wake();
    await dm("version 1", { id: ID });
    if (version > 1) await edited(); // a RESUME brings it again
    for (let round = 0; round < 20 && !isDead() && !isOver(); round++) await pass(1_000);
    steps = lives.steps() - begun;
  }
  const [{ text, change } = {}] = lives.rows(
    "SELECT message ->> '$.text' AS text, change FROM inbox",
  );
  // An edit after the answer is noted, and gets no other answer.
  const wanted = change === "edited" ? text : `version ${version}`;
  const posted = scene?.posted().at(-1);
  if (posted !== wanted) broken.add(`the reply is to ${posted}, not to ${wanted}`);
  for (const id of PLAN.flat()) {
    const result = results.get(id) ?? "none";
    const isUnknown = id.startsWith("p") && result.startsWith("Unknown");
    if (!result.startsWith("done") && !isUnknown) broken.add(`${id} has the result ${result}`);
    if (result.startsWith("done") && !effects.has(id)) broken.add(`${id} seems done`);
    if (id.startsWith("p") && (effects.get(id) ?? 0) > 1) broken.add(`${id} ran twice`);
  }
  return { broken: [...broken], steps, results };
}

const ID = "1400000000000000001";
const KINDS = ["crash", "edit"] as const;

describe("[D1] [T1] [H6] the crash table of a turn with tools", () => {
  it("runs no call twice that must not, keeps answers, and replies to the newest text", async () => {
    const { steps, broken } = await playCuts([]);
    assert.deepEqual(broken, []);
    assert.ok(steps > 30, `${steps} steps`);
    let unknown = 0;
    const check = async (...cuts: readonly Cut[]) => {
      const { broken, results } = await playCuts(cuts);
      assert.deepEqual(broken, [], JSON.stringify(cuts));
      if ([...results.values()].some((text) => text.startsWith("Unknown"))) unknown++;
    };
    for (let at = 1; at <= steps; at++) for (const kind of KINDS) await check({ at, kind });
    assert.ok(unknown > 0 && unknown < steps);
    const { upTo } = seeded(20_261_130);
    const some = (): Cut => ({ at: 1 + upTo(steps), kind: KINDS[upTo(2)] ?? "edit" });
    for (let round = 0; round < cases(150, 4_000); round++) await check(some(), some());
  });

  for (const [loses, shows] of [["begun", /p1 ran twice/], ["answer", /asked again/]] as const) {
    it(`[negative control] shows that a store loses steps of the kind "${loses}"`, async () => {
      const { steps } = await playCuts([]);
      const found: string[] = [];
      for (let at = 1; at <= steps; at++) {
        found.push(...(await playCuts([{ at, kind: "crash" }], loses)).broken);
      }
      assert.match(found.join("\n"), shows);
    });
  }
});
