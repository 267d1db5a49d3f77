import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import type { ModelMessage, ModelRequest, ToolDefinition } from "../../src/core/model.ts";
import { createChatBodies } from "../../src/providers/chat_completions.ts";
import { EFFORTS } from "../../src/providers/thinking.ts";
import { cases } from "../support/long_form.ts";

const OPTIONS = { model: "m", stream: true };

type Write = ReturnType<typeof createChatBodies>;

const textOf = (write: Write, request: ModelRequest) => new TextDecoder().decode(write(request));

/** What a body says, written without regard to its cost. */
function meaningOf({ system, messages, tools, thinking, mayCall }: ModelRequest): unknown {
  const all = [
    ...(system === "" ? [] : [{ role: "system", content: system }]),
    ...messages.map(meaningOfMessage),
  ];
  return {
    ...OPTIONS,
    ...(tools && tools.length > 0 && {
      tools: tools.map((tool) => ({ type: "function", function: tool })),
      ...(mayCall === false && { tool_choice: "none" }),
    }),
    messages: all,
    ...(thinking && { reasoning_effort: EFFORTS[thinking] }),
  };
}

function meaningOfMessage(message: ModelMessage): unknown {
  const { role, text } = message;
  if (role === "tool") return { role, tool_call_id: message.call.id, content: text };
  if (role === "assistant" && message.calls) {
    const calls = message.calls.map(({ id, name, arguments: written }) => ({
      id,
      type: "function",
      function: { name, arguments: written },
    }));
    return { role, content: text === "" ? null : text, tool_calls: calls };
  }
  if (role !== "user" || !message.images) return { role, content: text };
  const images = message.images.map(({ mediaType, data }) => ({
    type: "image_url",
    image_url: { url: `data:${mediaType};base64,${btoa(String.fromCharCode(...data))}` },
  }));
  return { role, content: [...(text === "" ? [] : [{ type: "text", text }]), ...images] };
}

const toolOf = (name: string): ToolDefinition => ({ name, description: "…", parameters: {} });
const CALL = { id: "c", name: "tide", arguments: '{"at":"noon"}' };
const IMAGE = { mediaType: "image/png", data: new Uint8Array([1, 2, 3]) };

const text = fc.constantFrom("", "a", 'b"', "c\n", "🐚", "\ud83d", "é…", "long ".repeat(99));
const message: fc.Arbitrary<ModelMessage> = fc.oneof(
  fc.record({ role: fc.constant("user" as const), text }),
  fc.record({ role: fc.constant("user" as const), text, images: fc.constant([IMAGE]) }),
  fc.record({ role: fc.constant("assistant" as const), text }),
  fc.record({ role: fc.constant("assistant" as const), text, calls: fc.constant([CALL]) }),
  fc.record({ role: fc.constant("tool" as const), call: fc.constant(CALL), text }),
);
/** What becomes of a session before its next request. */
const change = fc.oneof(
  fc.record({ kind: fc.constant("add" as const), messages: fc.array(message, { maxLength: 5 }) }),
  fc.record({ kind: fc.constant("fold" as const), count: fc.nat({ max: 6 }) }),
  fc.record({ kind: fc.constant("replace" as const), at: fc.nat({ max: 9 }), message }),
  fc.record({ kind: fc.constant("clone" as const), at: fc.nat({ max: 9 }) }),
  fc.record({ kind: fc.constant("again" as const) }),
);
const fixed = fc.record({
  system: text,
  tools: fc.constantFrom(undefined, [], [toolOf("tide")], [toolOf("tide"), toolOf("wave")]),
  thinking: fc.constantFrom(undefined, "off" as const, "high" as const),
  mayCall: fc.constantFrom(undefined, false),
});

describe("[L1] the body of a request for chat completions", () => {
  it("is that of a request without earlier ones, whatever becomes of the session", () =>
    fc.assert(
      fc.property(
        fc.array(fc.record({ change, fixed }), { maxLength: 12 }),
        fc.array(message, { minLength: 1, maxLength: 3 }),
        (requests, questions) => {
          const write = createChatBodies(OPTIONS);
          let session: readonly ModelMessage[] = [];
          for (const [number, { change: one, fixed }] of requests.entries()) {
            if (one.kind === "add") session = [...session, ...one.messages];
            if (one.kind === "fold") session = session.slice(one.count);
            if (one.kind === "replace" || one.kind === "clone") {
              session = session.map((before, at) => {
                if (at !== one.at) return before;
                return one.kind === "clone" ? structuredClone(before) : one.message;
              });
            }
            const question = questions[number % questions.length];
            const messages = question ? [...session, question] : session;
            const request = { ...fixed, messages };
            const body = textOf(write, request);
            assert.equal(body, textOf(createChatBodies(OPTIONS), structuredClone(request)));
            assert.deepEqual(JSON.parse(body), meaningOf(request));
          }
        },
      ),
      { numRuns: cases(300, 5_000) },
    ));

  it("gives the memory of a long request back", () => {
    const write = createChatBodies(OPTIONS);
    const first: ModelMessage = { role: "user", text: "Hello." };
    const long: ModelMessage = { role: "assistant", text: "word ".repeat(100_000) };
    const sizeOf = (...messages: ModelMessage[]) =>
      write({ system: "", messages }).buffer.byteLength;
    assert.ok(sizeOf(first, long) > 500_000);
    assert.ok(sizeOf(first) < 1_000);
  });

  it("keeps 5 MiB of requests, those of the sessions that asked last", () => {
    const write = createChatBodies(OPTIONS);
    const sessions = Array.from({ length: 120 }, (_, at): ModelMessage[] => [
      { role: "user", text: `${at} ${"word ".repeat(20_000)}` }, // 100 KB
    ]);
    const bufferOf = (messages: readonly ModelMessage[]) => write({ system: "", messages }).buffer;
    const before = sessions.map(bufferOf);
    const isKept = (at: number) => bufferOf(sessions[at]!) === before[at];
    assert.ok(isKept(119) && isKept(80));
    assert.ok(!isKept(0) && !isKept(40));
    const [first = []] = sessions;
    assert.equal(bufferOf(first), bufferOf(first), "it is the newest now");
  });

  it("keeps no image for the next request", () => {
    const write = createChatBodies(OPTIONS);
    const first: ModelMessage = { role: "user", text: "Hello." };
    const shown = { role: "user" as const, text: "Look.", images: [IMAGE] };
    const before = write({ system: "", messages: [first, shown] }).buffer;
    assert.notEqual(write({ system: "", messages: [first, shown] }).buffer, before);
  });
});
