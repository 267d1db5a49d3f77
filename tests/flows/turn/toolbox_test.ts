import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { z } from "zod";
import {
  boundedResult,
  createToolbox,
  isResult,
  MAX_RESULT_CHARS,
  type Toolbox,
} from "../../../src/flows/turn/toolbox.ts";
import type { ToolResult } from "../../../src/core/step.ts";
import {
  type RefusalReason,
  RefusedCall,
  type Tool,
  UnknownOutcomeError,
  WaitsForPerson,
  withInput,
} from "../../../src/core/turn/tool.ts";
import { guildMessage, sender } from "../../support/discord/builders.ts";
import { withDiscord } from "../../discord/rest/simulated.ts";
import { testAccount } from "../../support/bot/test_account.ts";
import { FakeClock } from "../../support/fake_clock.ts";
import type { Question } from "../../../src/core/people/question.ts";
import { cleanSecrets, toolboxOf, toolContext, toolNamed } from "../../support/model/tools.ts";

const tide: Tool = {
  name: "tide",
  description: "Tells the tide.",
  input: z.object({ port: z.string(), hours: z.int().default(1) }),
  seenAt: "nowhere",
  needs: [],
  isIdempotent: true,
  isReadOnly: true,
  run: (input) => Promise.resolve(JSON.stringify(input)),
};

/** A text with the fences of results as angle brackets. */
const unfenced = (text: string): string =>
  text.replace(/<result[^>]*>\n([^]*?)\n<\/result>/g, "<$1>");

/** The result of a call that waits for no person. */
function ended(result: Awaited<ReturnType<Toolbox["run"]>>): ToolResult {
  assert.ok(isResult(result));
  return result;
}

function setUp(...tools: readonly Tool[]) {
  const clock = new FakeClock();
  const stopping = new AbortController();
  const toolbox = toolboxOf(tools, clock);
  const context = toolContext({ signal: stopping.signal });
  const run = async (name: string, written: string) =>
    ended(await toolbox.run({ id: "call_1", name, arguments: written }, context));
  return { clock, stopping, toolbox, run };
}

describe("[T1] createToolbox()", () => {
  it("[R15a] notes which calls may have changed something, unless the tool has words for them", async () => {
    const effect = () => ({ object: "x", did: "y" });
    const rows: readonly (readonly [Partial<Tool>, true | undefined])[] = [
      [{ isReadOnly: true }, undefined],
      [{ isReadOnly: () => true }, undefined],
      [{ isReadOnly: () => false }, true],
      [{ isReadOnly: undefined }, true],
      [{ isReadOnly: undefined, effect }, undefined],
      [{ isReadOnly: undefined, run: () => Promise.reject(new Error("x")) }, true],
    ];
    for (const [parts, mayLast] of rows) {
      const { run } = setUp({ ...tide, ...parts });
      assert.equal((await run("tide", '{"port":"Husum"}')).mayLast, mayLast);
    }
  });

  it("[T2b] runs no tool that the model only sees, also by the opener of small machines", async () => {
    const secret = { ...tide, name: "exec", run: () => assert.fail("it ran") };
    const offered = [tide, secret];
    for (const isSmall of [false, true]) {
      const boxOf = (tools: readonly Tool[]) =>
        toolboxOf(tools, new FakeClock(), { offered, ...(isSmall && { isSmall }) });
      const [member, owner] = [boxOf([tide]), boxOf([tide, secret])];
      assert.equal(member.definitions, owner.definitions);
      const call = { id: "1", name: "exec", arguments: '{"port":"Husum"}' };
      const { refused } = ended(await member.run(call, toolContext({})));
      assert.equal(refused, "closed_tool");
      assert.equal(await member.ask(call, toolContext({})), undefined);
    }
  });

  it("defines each tool for the model, with the schema of its input", () => {
    const { toolbox } = setUp(tide);
    assert.deepEqual(toolbox.definitions, [{
      name: "tide",
      description: "Tells the tide.",
      parameters: {
        type: "object",
        properties: {
          port: { type: "string" },
          hours: {
            type: "integer",
            default: 1,
            minimum: Number.MIN_SAFE_INTEGER,
            maximum: Number.MAX_SAFE_INTEGER,
          },
        },
        required: ["port"],
      },
    }]);
  });

  it("[B9] builds no input of a tool that has its schema for the model", () => {
    const { name, description, seenAt } = tide;
    const own = { name, description, seenAt, parameters: {}, needs: [], isIdempotent: true };
    const unused = { ...own, input: () => assert.fail("built"), run: () => Promise.resolve("") };
    assert.equal(toolboxOf([withInput(unused)], new FakeClock()).definitions.length, 1);
  });

  it("defines the same tools as the same array, which a provider caches", () => {
    const tools = [tide];
    const clock = new FakeClock();
    assert.equal(toolboxOf(tools, clock).definitions, toolboxOf(tools, clock).definitions);
  });

  it("runs a tool with its checked input", async () => {
    const { run, clock } = setUp(tide);
    assert.deepEqual(await run("tide", '{"port":"Hull"}'), {
      end: "done",
      text: '{"port":"Hull","hours":1}',
    });
    assert.equal(clock.pending, 0);
  });

  it("[T13] [SEC-R9] tells that a call waits for a person, without secrets in the exact text", async () => {
    const exact = "https://example.org/?key=hunter2";
    const question = { kind: "ask", tool: "tide", text: "?", exact } as unknown as Question;
    const run = () => Promise.reject(new WaitsForPerson(question));
    const call = { id: "call_1", name: "tide", arguments: '{"port":"Hull"}' };
    const waiting = await setUp({ ...tide, run }).toolbox.run(call, toolContext());
    assert.ok(waiting.end === "waits");
    assert.equal(waiting.question.exact, "https://example.org/?key=[redacted]");
  });

  it("[H4] puts a fence around each result and each reason of a failure", async () => {
    const sink: Tool = { ...tide, name: "sink", run: () => Promise.reject(new Error("a leak")) };
    const toolbox = toolboxOf([tide, sink], new FakeClock(), {}, { boundary: "abcd1234" });
    const run = async (name: string, written: string) =>
      unfenced(
        ended(await toolbox.run({ id: "1", name, arguments: written }, toolContext())).text,
      );
    assert.equal(await run("tide", '{"port":"Hull"}'), '<{"port":"Hull","hours":1}>');
    assert.equal(await run("sink", '{"port":"Hull"}'), "Error: <a leak>");
    assert.equal(await run("tide", "no"), "Error: <the arguments are not JSON>");
    assert.match(await run("tide", '{"port":1}'), /^Error: <the arguments do not fit[^]*>$/);
    assert.match(await run("sail", "{}"), /^Error: <there is no tool [^]*>$/);
  });

  it("bounds a result, with a note behind the fence, and a failure", async () => {
    const long = "x".repeat(1_000_001);
    const write: Tool = { ...tide, name: "write", run: () => Promise.resolve(long) };
    const fail: Tool = { ...tide, name: "fail", run: () => Promise.reject(new Error(long)) };
    const { run } = setUp(write, fail);
    const note = "\n[This result had 1000001 characters. Only the first 1000000 were kept.]";
    assert.equal((await run("write", '{"port":"Hull"}')).text, long.slice(1) + note);
    assert.equal((await run("fail", '{"port":"Hull"}')).text, `Error: ${long.slice(1)}${note}`);
  });

  const refusing: Tool = {
    ...tide,
    name: "refusing",
    run: () => Promise.reject(new RefusedCall("owners_only", "only an owner may do it")),
  };
  const throwing: Tool = {
    ...tide,
    name: "throwing",
    run() {
      throw new Error("no such port");
    },
  };
  const [fits, told] = ['{"port":"Hull"}', "there are: tide, refusing, throwing$"];
  const refusals: readonly [string, string, string, why: RegExp, reason?: RefusalReason][] = [
    [
      "an unknown tool",
      "sail",
      "{}",
      new RegExp(`^Error: there is no tool "sail" here; ${told}`),
      "unknown_tool",
    ],
    [
      "a tool that the turn does not have",
      "exec",
      "{}",
      new RegExp(`^Error: exec cannot be used here; ${told}`),
      "closed_tool",
    ],
    [
      "arguments that are not JSON",
      "tide",
      '{"port":',
      /^Error: the arguments are not JSON$/,
      "bad_arguments",
    ],
    [
      "arguments that do not fit",
      "tide",
      '{"port":1}',
      /^Error: the arguments do not fit:\n.*port/s,
      "bad_arguments",
    ],
    ["no arguments", "tide", "", /^Error: the arguments do not fit:/, "bad_arguments"],
    ["a refusal of the tool", "refusing", fits, /^Error: only an owner/, "owners_only"],
    ["a tool that throws at once", "throwing", fits, /^Error: no such port$/],
  ];
  for (const [what, name, written, why, reason] of refusals) {
    it(`tells the model about ${what}, and the record its reason`, async () => {
      const { end, text, refused } = await setUp(tide, refusing, throwing).run(name, written);
      assert.equal(end, "failed");
      assert.match(text, why);
      assert.equal(refused, reason);
    });
  }

  it("[SEC-R9] returns no secret, in a result or a failure", async () => {
    const spy: Tool = { ...tide, run: () => Promise.resolve("it is hunter2") };
    const fails: Tool = { ...spy, run: () => Promise.reject(new Error("not hunter2")) };
    for (
      const [tool, text] of [[spy, "it is [redacted]"], [fails, "Error: not [redacted]"]] as const
    ) {
      assert.equal((await setUp(tool).run("tide", '{"port":"Hull"}')).text, text);
    }
  });

  it("does not know the outcome of a call that must not repeat and loses its connection", async () => {
    const run = () => Promise.reject(new UnknownOutcomeError("the connection was lost"));
    const { run: call } = setUp({ ...tide, isIdempotent: false, run });
    const { end, text } = await call("tide", '{"port":"Hull"}');
    assert.equal(end, "unknown");
    assert.match(text, /^Unknown: the connection was lost\nIt may have happened, or not\./);
    const { run: again } = setUp({ ...tide, run });
    assert.equal((await again("tide", '{"port":"Hull"}')).end, "failed");
  });

  it("[T7a] calls other tools within a call: unfenced, as the same person, and without a question", () =>
    withDiscord(async ({ api, sim, demo: { people: { grace }, channels: { help }, krill } }) => {
      const { account, clock } = await testAccount({ api });
      sim.setRoles({ who: "grace", roles: [] });
      const asker = guildMessage({
        ...{ channelId: help.id, guildId: krill.id, sender: sender({ id: grace.id }) },
      });
      const seen: unknown[] = [];
      const outer = (name: string, input: unknown = {}): Tool => ({
        ...toolNamed("outer"),
        run: (_, { callTool }) => callTool?.(name, input) ?? assert.fail("no callTool"),
      });
      const inner: Tool = {
        ...tide,
        run: (input, { callKey, decision, mayWait, message }) => {
          seen.push([input, callKey, decision, mayWait, message.sender.id]);
          return Promise.resolve("flood hunter2");
        },
      };
      const question = { kind: "ask", tool: "asks", text: "?" } as unknown as Question;
      const asks: Tool = { ...toolNamed("asks"), asks: () => Promise.resolve(question) };
      const waits = {
        ...toolNamed("waits"),
        run: () => Promise.reject(new WaitsForPerson(question)),
      };
      const lacks: Tool = { ...toolNamed("lacks"), needs: ["Ban Members"] };
      const writes: Tool = { ...toolNamed("writes"), run: () => Promise.resolve("a hunter2") };
      const effect = () => ({ object: "note", did: "saved" });
      const saves: Tool = { ...toolNamed("saves"), isReadOnly: true, effect };
      const hangs: Tool = { ...toolNamed("hangs"), run: () => new Promise(() => {}) };
      const rows: readonly [Tool, string, inner?: string][] = [
        [outer("tide", { port: "Kiel" }), "<flood [redacted]>"],
        [outer("writes"), "<a [redacted]>", "done a [redacted]"],
        [outer("hangs"), "Error: <no result within 1 s>", "unknown "],
        [outer("saves"), "<>", "done "],
        [outer("tide", { port: 5 }), "Error: <Error: the arguments do not fit:"],
        [outer("asks"), "Error: <asks needs a person's decision: call it yourself>", "failed "],
        [outer("waits"), "Error: <waits needs a person's decision: call it yourself>", "failed "],
        [
          outer("lacks"),
          "Error: <Error: the asker may not do this here: Ban Members is missing>",
          "failed Error: the asker may not do this here: Ban Members is missing",
        ],
        [outer("absent"), 'Error: <Error: there is no tool "absent" here'],
      ];
      for (const [tool, text, lasting] of rows) {
        const tools = [tool, inner, asks, waits, lacks, writes, saves, hangs];
        const askers = () => [asker];
        const rules = { tools, toolTimeoutMs: 1_000, cleanSecrets };
        const toolbox = createToolbox(account, rules, { boundary: "abcd1234", askers });
        const context = toolContext({ mayWait: true, decision: { kind: "expired" } });
        const call = { id: "call_1", name: "outer", arguments: "{}" };
        const running = toolbox.run(call, context);
        clock.advance(tool === rows[2]?.[0] ? 1_000 : 0);
        const result = ended(await running);
        assert.ok(unfenced(result.text).startsWith(text), result.text);
        const inners = result.inner?.map(([, { end, text }]) => `${end} ${text}`);
        assert.deepEqual(inners, lasting === undefined ? undefined : [lasting]);
      }
      const { sender: by } = toolContext().message;
      assert.deepEqual(seen, [[
        { port: "Kiel", hours: 1 },
        "1:call_1:1",
        undefined,
        undefined,
        by.id,
      ]]);
    }));

  it("ends a call after its time limit, also if the tool ignores its signal", async () => {
    const unknown = /^Unknown: no result within 1 s\nIt may have happened, or not\./;
    const cases = [[true, "failed", /^Error: no result within 1 s$/], [
      false,
      "unknown",
      unknown,
    ]] as const;
    for (const [isIdempotent, end, told] of cases) {
      const { run, clock } = setUp({ ...tide, isIdempotent, run: () => new Promise(() => {}) });
      const running = run("tide", '{"port":"Hull"}');
      clock.advance(1_000);
      const ended = await running;
      assert.deepEqual([ended.end, clock.pending], [end, 0]);
      assert.match(ended.text, told);
    }
  });

  it("aborts a running tool if the turn ends", async () => {
    const reasons: unknown[] = [];
    const listening: Tool = {
      ...tide,
      run: (_input, { signal }) =>
        new Promise((_, reject) =>
          signal.addEventListener("abort", () => {
            reasons.push(signal.reason);
            reject(signal.reason);
          })
        ),
    };
    const { run, stopping } = setUp(listening);
    const ended = run("tide", '{"port":"Hull"}');
    stopping.abort(new Error("stop"));
    assert.equal((await ended).end, "failed");
    assert.deepEqual(reasons, [new Error("stop")]);
  });

  it("lets only calls run twice whose tool allows it, and those that fail before they begin", () => {
    const post: Tool = { ...tide, name: "post", isIdempotent: false };
    const { toolbox } = setUp(tide, post);
    const isIdempotent = (name: string) => toolbox.isIdempotent({ id: "1", name, arguments: "" });
    assert.deepEqual(["tide", "post", "sail"].map(isIdempotent), [true, false, true]);
  });
});

const SECRET = "hunter2-".repeat(8);
const clean = (text: string) => text.replaceAll(SECRET, "[secret]");

describe("[T1] boundedResult()", () => {
  it("keeps a result of the maximum size as it is", () => {
    const text = "x".repeat(MAX_RESULT_CHARS);
    assert.deepEqual(boundedResult(text, clean), { text, note: "" });
  });

  for (const more of [1, 30_000, 3_000_000]) {
    it(`cuts a result with ${more} characters too many, and says so`, () => {
      const all = MAX_RESULT_CHARS + more;
      const { text, note } = boundedResult("x".repeat(all), clean);
      assert.equal(text.length, MAX_RESULT_CHARS);
      assert.equal(
        note,
        `\n[This result had ${all} characters. Only the first ${MAX_RESULT_CHARS} were kept.]`,
      );
    });
  }

  it("[SEC-R9] leaves no part of a secret that the cut divides", () => {
    for (let from = 0; from <= SECRET.length; from++) {
      const before = "x".repeat(MAX_RESULT_CHARS - from);
      const { text } = boundedResult(before + SECRET + "y".repeat(50_000), clean);
      assert.ok(!text.includes("hunter2"), `${from}`);
    }
  });

  it("[SEC-R9] leaves no part of a secret if secrets before it were removed", () => {
    const secrets = SECRET.repeat(Math.ceil((MAX_RESULT_CHARS + 100_000) / SECRET.length));
    for (const shift of [0, 1, 13, 40]) {
      const { text } = boundedResult("x".repeat(shift) + secrets, clean);
      assert.ok(!text.includes("hunter2"), `${shift}`);
    }
  });

  it("cuts no surrogate pair", () => {
    const { text } = boundedResult("x" + "🦀".repeat(MAX_RESULT_CHARS), clean);
    assert.ok(text.isWellFormed());
  });
});
