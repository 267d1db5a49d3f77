import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { Buffer } from "node:buffer";
import { z } from "zod";
import { defineTool, type Tool, USE_TOOL, withSmallTools } from "../../../src/core/turn/tool.ts";
import { isResult } from "../../../src/flows/turn/toolbox.ts";
import type { Model, ModelMessage, ModelRequest, ToolCall } from "../../../src/core/model.ts";
import { audienceOf, openGates } from "../../../src/core/tool_names.ts";
import { isRecord } from "../../../src/lib/text/quoted.ts";
import { systemPromptOf } from "../../../src/render/prompt/prompt.ts";
import { TOOLS } from "../../../src/tools/registry.ts";
import { FakeClock } from "../../support/fake_clock.ts";
import { toolboxOf, toolContext } from "../../support/model/tools.ts";

/** All tools of an owner, or of a member, with the default gates. */
function toolsOf(isOwner: boolean): readonly Tool[] {
  return TOOLS.filter(({ name }) => isOwner || audienceOf(name) === "everyone")
    .flatMap((tool) => tool.withGates ? tool.withGates(openGates({})) ?? [] : [tool]);
}

function boxOf(tools: readonly Tool[], isSmall = true) {
  return toolboxOf(tools, new FakeClock(), isSmall ? { isSmall } : {});
}

const mcpTool = (name: string): Tool =>
  defineTool({
    name,
    description: `Does ${name}. It has a long second sentence.`,
    input: z.object({ id: z.string() }),
    seenAt: "nowhere",
    needs: [],
    isIdempotent: true,
    run: ({ id }) => Promise.resolve(`${name} ${id}`),
  });

/** A model that keeps what it was asked, and answers with calls. */
function modelWith(...calls: readonly ToolCall[]) {
  const asked: ModelRequest[] = [];
  const model: Model = {
    id: "local/pi",
    async *generate(request) {
      asked.push(request);
      yield { kind: "finish", reason: "tool_calls", calls };
    },
  };
  return { model: withSmallTools(model), asked };
}

async function callsOf(model: Model, request: ModelRequest): Promise<readonly ToolCall[]> {
  const parts = [];
  for await (const part of model.generate(request, new AbortController().signal)) parts.push(part);
  const last = parts.at(-1);
  return last?.kind === "finish" ? last.calls ?? [] : [];
}

const REQUEST = (tools: ModelRequest["tools"], messages: readonly ModelMessage[] = []) => ({
  system: "s",
  messages: [{ role: "user", text: "hi" } as const, ...messages],
  tools,
});
const call = (name: string, args: string): ToolCall => ({ id: "1", name, arguments: args });
const tokens = (...parts: readonly string[]) => Buffer.byteLength(parts.join("")) / 4;

describe("[T2a] the prompt of a small machine", () => {
  for (const [who, isOwner, most] of [["member", false, 950], ["owner", true, 1_250]] as const) {
    it(`has at most ${most} tokens for a ${who}, so that a first message fits beside it`, (t) => {
      const tools = [
        ...toolsOf(isOwner),
        ...isOwner
          ? Array.from({ length: 300 }, (_, at) => mcpTool(`mcp__s${at % 40}__t${at}`))
          : [],
      ];
      const system = systemPromptOf({ isSmall: true, hasTools: true });
      const shown = boxOf(tools).definitions
        .map((definition) => JSON.stringify({ type: "function", function: definition }));
      t.diagnostic(`system ${tokens(system)}, ${shown.map((one) => tokens(one)).join(" + ")}`);
      assert.ok(tokens(system, ...shown) <= most, `${tokens(system, ...shown)}`);
    });
  }

  it("keeps only arguments that the tools have, and all that they need", () => {
    for (const { name, short, parameters: { properties, required } = {} } of toolsOf(true)) {
      if (!short) continue;
      const known = isRecord(properties) ? Object.keys(properties) : [];
      assert.deepEqual(short.fields.filter((field) => !known.includes(field)), [], name);
      const needed = Array.isArray(required) ? required : [];
      assert.deepEqual(needed.filter((field) => !short.fields.includes(field)), [], name);
    }
  });

  it("opens each other tool by its name, and lists the tools of an MCP server", async () => {
    const box = boxOf([...toolsOf(true), mcpTool("mcp__git__log"), mcpTool("mcp__git__show")]);
    const open = async (tool: string) => {
      const ended = await box.run(call(USE_TOOL, JSON.stringify({ tool })), toolContext({}));
      return isResult(ended) ? ended.text : "";
    };
    const opener = box.definitions.at(-1);
    assert.match(opener?.description ?? "", /Names: discord, .*mcp__git \(2 tools\)\.$/);
    for (const { name, short } of toolsOf(true)) {
      if (!short) assert.match(await open(name), /\nArguments, as JSON Schema: \{/, name);
    }
    assert.equal(
      await open("mcp__git"),
      "mcp__git__log: Does mcp__git__log.\nmcp__git__show: Does mcp__git__show.",
    );
    assert.match(await open("nothing of the kind"), /^web_fetch|discord: /m);
  });

  it("tells what an opened tool takes, if its arguments do not fit", async () => {
    const ended = await boxOf([...toolsOf(false), mcpTool("mcp__git__log")])
      .run(call("mcp__git__log", "{}"), toolContext({}));
    assert.match(isResult(ended) ? ended.text : "", /do not fit[^]*JSON Schema: \{.*"id"/);
  });
});

describe("[T2a] withSmallTools()", () => {
  const tools = boxOf(toolsOf(false)).definitions;
  const cases: readonly (readonly [what: string, made: ToolCall, meant: ToolCall])[] = [
    [
      "a call of the opener",
      call(USE_TOOL, '{"tool": "recall", "arguments": {"words": "tide"}}'),
      call("recall", '{"words":"tide"}'),
    ],
    [
      "arguments as text",
      call(USE_TOOL, '{"tool":"recall","arguments":"{\\"words\\":\\"tide\\"}"}'),
      call("recall", '{"words":"tide"}'),
    ],
    [
      "arguments beside the name",
      call(USE_TOOL, '{"tool":"recall","words":"tide"}'),
      call("recall", '{"words":"tide"}'),
    ],
    ["no arguments", call(USE_TOOL, '{"tool":"recall"}'), call(USE_TOOL, '{"tool":"recall"}')],
    ["no JSON", call(USE_TOOL, "recall"), call(USE_TOOL, "recall")],
    ["a plain call", call("web_fetch", '{"url":"x"}'), call("web_fetch", '{"url":"x"}')],
  ];
  for (const [what, made, meant] of cases) {
    it(`takes ${what} for the call that it means`, async () => {
      assert.deepEqual(await callsOf(modelWith(made).model, REQUEST(tools)), [meant]);
    });
  }

  it("changes nothing for a request with all tools", async () => {
    const { model, asked } = modelWith(call(USE_TOOL, '{"tool":"recall","words":"tide"}'));
    const request = REQUEST(boxOf(toolsOf(false), false).definitions);
    assert.equal((await callsOf(model, request))[0]?.name, USE_TOOL);
    assert.equal(asked[0]?.messages, request.messages);
  });

  const names = fc.constantFrom(...toolsOf(true).map(({ name }) => name), USE_TOOL, "no_such_tool");
  const args = fc.oneof(fc.json({ maxDepth: 2 }), fc.string({ maxLength: 20 }));
  const steps = fc.array(fc.record({ name: names, args, text: fc.string() }), { maxLength: 4 });
  const turns = fc.array(fc.record({ question: fc.string(), steps }), {
    minLength: 2,
    maxLength: 6,
  });

  it("keeps the bytes of a request as the beginning of the next one, for any turns", () =>
    fc.assert(fc.asyncProperty(turns, async (played) => {
      const { model, asked } = modelWith();
      const messages: ModelMessage[] = [];
      for (const { question, steps } of played) {
        messages.push({ role: "user", text: question });
        await callsOf(model, { system: "s", messages: [...messages], tools });
        for (const { name, args, text } of steps) {
          const made = call(name, args);
          messages.push({ role: "assistant", text, calls: [made] });
          messages.push({ role: "tool", call: made, text });
          await callsOf(model, { system: "s", messages: [...messages], tools });
        }
        messages.push({ role: "assistant", text: "done" });
      }
      const bytes = asked.map(({ messages }) => JSON.stringify(messages).slice(0, -1));
      for (const [at, before] of bytes.slice(0, -1).entries()) {
        assert.ok(bytes[at + 1]?.startsWith(before));
        assert.equal(asked[at + 1]?.tools, tools);
      }
    })));
});
