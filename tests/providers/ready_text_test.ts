import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import type { ModelMessage } from "../../src/core/model.ts";
import { createChatAsk } from "../../src/providers/chat_completions.ts";
import { cases } from "../support/long_form.ts";

const ANSWER = { message: { content: "hello" }, finish_reason: "stop" };

/** Asks a model, and returns the body of the request. */
async function bodyOf(messages: readonly ModelMessage[]): Promise<string> {
  let body = "";
  const provider = { id: "p", kind: "openai-compatible", baseUrl: "http://model.example" } as const;
  const ask = createChatAsk({ provider, name: "m" }, {
    fetch: (_url, init) => {
      body = String(init?.body);
      return Promise.resolve(Response.json({ choices: [ANSWER] }));
    },
    timeouts: { firstByteMs: 5_000, betweenBytesMs: 5_000 },
    now: () => 0,
  });
  const request = { system: "Be kind.", messages };
  for await (const _ of ask(request, new AbortController().signal));
  return body;
}

const text = fc.constantFrom("a", 'b"', "c\n", "🐚");
const message: fc.Arbitrary<ModelMessage> = fc.oneof(
  fc.record({ role: fc.constant("user" as const), text }),
  fc.record({ role: fc.constant("assistant" as const), text }),
);
/** What becomes of a session before its next request. */
const change = fc.oneof(
  fc.record({ kind: fc.constant("add" as const), messages: fc.array(message, { maxLength: 5 }) }),
  fc.record({ kind: fc.constant("fold" as const), count: fc.nat({ max: 6 }) }),
  fc.record({ kind: fc.constant("replace" as const), at: fc.nat({ max: 9 }), message }),
  fc.record({ kind: fc.constant("again" as const) }),
);

describe("[L1] the ready text of a session", () => {
  it("has the bytes of a request without it, whatever becomes of the session", () =>
    fc.assert(
      fc.asyncProperty(
        fc.array(change, { maxLength: 12 }),
        fc.array(message, { minLength: 1, maxLength: 3 }),
        async (changes, questions) => {
          let session: readonly ModelMessage[] = [];
          for (const [number, one] of changes.entries()) {
            if (one.kind === "add") session = [...session, ...one.messages];
            if (one.kind === "fold") session = session.slice(one.count);
            if (one.kind === "replace") {
              session = session.map((before, at) => at === one.at ? one.message : before);
            }
            const question = questions[number % questions.length];
            const messages = question ? [...session, question] : session;
            assert.equal(await bodyOf(messages), await bodyOf(structuredClone(messages)));
          }
        },
      ),
      { numRuns: cases(200, 5_000) },
    ));
});
