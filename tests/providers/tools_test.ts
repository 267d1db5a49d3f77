/** Tests the tools of a conversation over real sockets, in each wire format. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { ModelRequest, ToolCall } from "../../src/core/model.ts";
import { listen, modelAt, withModelServer } from "../support/model/model_server.ts";

const KINDS = ["openai-compatible", "anthropic", "google"] as const;

const TIDE = {
  name: "tide",
  description: "Tells the tide.",
  parameters: { type: "object", properties: { port: { type: "string" } }, required: ["port"] },
};

const asked = (words: string, fields: Partial<ModelRequest> = {}): ModelRequest => ({
  system: "Be kind.",
  messages: [{ role: "user", text: words }],
  tools: [TIDE],
  ...fields,
});

const CALLS: readonly ToolCall[] = [
  { id: "call_1_1", name: "tide", arguments: '{"port":"Hull"}' },
  { id: "call_1_2", name: "tide", arguments: '{"port":"Dover"}' },
];
const WORDS = 'call: tide {"port":"Hull"}\ncall: tide {"port":"Dover"}';

for (const kind of KINDS) {
  describe(`[T1] the tools of ${kind}`, () => {
    it("are called, several in one answer", async () => {
      await withModelServer({}, async (server) => {
        const { parts, error } = await listen(modelAt(server, { kind }), undefined, asked(WORDS));
        assert.equal(error, undefined);
        const last = parts.at(-1);
        assert.ok(last?.kind === "finish");
        assert.equal(last.reason, "tool_calls");
        if (kind === "google") { // its servers give no ids, and want their signatures back
          const called = last.calls?.map(({ id: _, ...call }) => call);
          assert.deepEqual(called, CALLS.map(({ id: _, ...call }) => call));
          assert.match(last.carried ?? "", /(?:.*"thoughtSignature":"signed-tide"){2}/);
          assert.equal(new Set(last.calls?.map(({ id }) => id)).size, 2);
        } else assert.deepEqual(last.calls, CALLS);
      });
    });

    it("answer in the next request, call by call", async () => {
      await withModelServer({}, async (server) => {
        const request = asked(WORDS, {
          messages: [
            { role: "user", text: WORDS },
            { role: "assistant", text: "Let me look.", calls: CALLS },
            ...CALLS.map((call, at) => ({ role: "tool", call, text: `tide ${at}` }) as const),
          ],
        });
        const { text, error } = await listen(modelAt(server, { kind }), undefined, request);
        assert.equal(error, undefined);
        assert.match(text, /The tools returned:\n\n> tide 0\n\n> tide 1$/);
        const roles = server.requests[0]?.messages.map(({ role }) => role);
        assert.deepEqual(roles, ["user", "assistant", "tool", "tool"]);
      });
    });

    it("are sent as JSON even if the model's own arguments were none", async () => {
      await withModelServer({}, async (server) => {
        for (const written of ['{"port":', "[1]", "", "null", '"Hull"']) {
          const call = { id: "call_1", name: "tide", arguments: written };
          const request = asked("hello", {
            messages: [
              { role: "user", text: "hello" },
              { role: "assistant", text: "", calls: [call] },
              { role: "tool", call, text: "Error: the arguments are not JSON" },
            ],
          });
          const { error } = await listen(modelAt(server, { kind }), undefined, request);
          assert.equal(error, undefined, written);
          const body = server.requests.at(-1)?.body ?? "";
          const empty = {
            "openai-compatible": /"arguments":"\{\}"/,
            anthropic: /"input":\{\}/,
            google: /"args":\{\}/,
          }[kind];
          assert.match(body, empty, written);
        }
      });
    });

    it("may have names and ids of other servers in the conversation", async () => {
      await withModelServer({}, async (server) => {
        const turn = (id: string): ModelRequest["messages"] => {
          const call = { id, name: "functions.tide<|channel|>", arguments: "{}" };
          return [
            { role: "user", text: "hello" },
            { role: "assistant", text: "", calls: [call] },
            { role: "tool", call, text: "high" },
            { role: "assistant", text: "high" },
          ];
        };
        const messages: ModelRequest["messages"] = [
          ...turn("functions.tide:0"),
          ...turn("functions.tide:0"),
          { role: "user", text: "hello" },
        ];
        const { error } = await listen(
          modelAt(server, { kind }),
          undefined,
          asked("", { messages }),
        );
        assert.equal(error, undefined);
        const body = server.requests[0]?.body ?? "";
        const all = (pattern: RegExp) => [...body.matchAll(pattern)].map(([, found]) => found);
        const names = all(/"name":"([^"]*functions[^"]*)"/g);
        assert.deepEqual([...new Set(names)], ["functions_tide__channel__"]);
        if (kind === "anthropic") {
          const ids = all(/"type":"tool_use","id":"([a-z0-9]*)"/g);
          assert.equal(new Set(ids).size, 2);
          assert.deepEqual(all(/"tool_use_id":"([^"]*)"/g), ids);
        }
      });
    });

    it("are seen but not called in a request that forbids calls", async () => {
      await withModelServer({}, async (server) => {
        const request = asked(WORDS, { mayCall: false });
        const { parts, text } = await listen(modelAt(server, { kind }), undefined, request);
        assert.notEqual(text, "");
        const last = parts.at(-1);
        assert.equal(last?.kind === "finish" && last.reason, "stop");
      });
    });

    it("are not in a request without tools", async () => {
      await withModelServer({}, async (server) => {
        const { tools: _, ...request } = asked(WORDS);
        await listen(modelAt(server, { kind }), undefined, request);
        assert.doesNotMatch(server.requests[0]?.body ?? "", /"tools"|tool_choice/);
      });
    });
  });
}
