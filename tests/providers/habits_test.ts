/** Bad habits of model servers, the same table for each wire format. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { inspect } from "node:util";
import {
  ModelError,
  type ModelErrorKind,
  type ModelMessage,
  type ModelRequest,
} from "../../src/core/model.ts";
import { createModel } from "../../src/providers/models.ts";
import type { ModelBehaviour } from "../../simulator/model/behaviour.ts";
import { listen, modelAt, settingsFor, withModelServer } from "../support/model/model_server.ts";

const KINDS = ["openai-compatible", "openai-responses", "anthropic", "google"] as const;
const PNG = new Uint8Array([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);

const ASKED: ModelRequest = {
  system: "Be kind.",
  messages: [{ role: "user", text: "When is high tide?" }],
  tools: [{
    name: "tide",
    description: "Tells the tide.",
    parameters: { type: "object", properties: { port: { type: "string" } } },
  }],
};

/** Habits after which there is no answer. */
const BREAKING: readonly [ModelBehaviour, ModelErrorKind][] = [
  ["cut", "server_error"],
  ["html", "web_page"],
  ["hang", "timeout"],
  ["stall", "timeout"],
  ["huge_token", "not_an_answer"],
  ["garbage", "not_an_answer"],
];

for (const kind of KINDS) {
  describe(`[L3] bad habits of ${kind}`, () => {
    for (const [behaviour, failure] of BREAKING) {
      it(`${behaviour} is a failure: ${failure}`, async () => {
        await withModelServer({ behaviour }, async (server) => {
          // Only the time-outs are waited for: a busy machine takes seconds for 10 MB.
          const ms = failure === "timeout" ? 400 : 60_000;
          const { error } = await listen(modelAt(server, { kind, silenceSec: ms / 1_000 }));
          assert.ok(error instanceof ModelError && error.kind === failure, inspect(error));
        });
      });
    }

    it("replaces bytes that are no UTF-8", async () => {
      await withModelServer({ behaviour: "invalid_utf8" }, async (server) => {
        const { text, error } = await listen(modelAt(server, { kind }));
        assert.equal(error, undefined, inspect(error));
        assert.match(text, /^Well, \uFFFD.*and on\.$/);
      });
    });

    it("passes arguments on that are no JSON, or takes the call as none", async () => {
      await withModelServer({ behaviour: "bad_arguments" }, async (server) => {
        const { parts, error } = await listen(modelAt(server, { kind }), undefined, ASKED);
        const last = parts.at(-1);
        if (error) assert.ok(error instanceof ModelError && error.kind === "not_an_answer");
        else assert.ok(last?.kind === "finish" && last.calls?.[0]?.name === "tide", inspect(parts));
      });
    });

    it("gives parallel calls without ids an id each", async () => {
      await withModelServer({ behaviour: "no_call_ids" }, async (server) => {
        const { parts, error } = await listen(modelAt(server, { kind }), undefined, ASKED);
        assert.equal(error, undefined, inspect(error));
        const last = parts.at(-1);
        assert.ok(last?.kind === "finish");
        const ids = last.calls?.map(({ id }) => id) ?? [];
        assert.equal(ids.length, 2);
        assert.equal(new Set(ids).size, 2);
        assert.ok(ids.every((id) => id !== ""));
      });
    });

    it("ends an endless loop of calls once the request forbids them", async () => {
      await withModelServer({ behaviour: "endless_calls" }, async (server) => {
        const model = modelAt(server, { kind });
        const messages: ModelMessage[] = [...ASKED.messages];
        for (let step = 1; step <= 3; step++) {
          const { parts } = await listen(model, undefined, { ...ASKED, messages });
          const last = parts.at(-1);
          assert.ok(last?.kind === "finish" && last.calls, inspect(parts));
          messages.push({ role: "assistant", text: "", calls: last.calls });
          for (const call of last.calls) messages.push({ role: "tool", call, text: "high" });
        }
        const { text } = await listen(model, undefined, { ...ASKED, messages, mayCall: false });
        assert.equal(text, "I give up.");
      });
    });

    it("[H7] sends images as bytes, never as an address", async () => {
      await withModelServer({}, async (server) => {
        const images = [{ mediaType: "image/png", data: PNG }];
        const { error } = await listen(modelAt(server, { kind }), undefined, {
          system: "",
          messages: [{ role: "user", text: "What is this?", images }],
        });
        assert.equal(error, undefined, inspect(error));
        const body = server.requests[0]?.body ?? "";
        const base64 = "iVBORw0KGgo=";
        assert.ok(body.includes(base64), body);
        assert.match(body, /image\/png/);
        assert.doesNotMatch(body, /https?:/);
      });
    });
  });
}

it("[L3] signed calls › go back to Google with their signature", async () => {
  await withModelServer({}, async (server) => {
    const model = modelAt(server, { kind: "google" });
    const asked = "call: tide {}";
    const first = await listen(model, undefined, {
      ...ASKED,
      messages: [{ role: "user", text: asked }],
    });
    const last = first.parts.at(-1);
    assert.ok(last?.kind === "finish" && last.calls);
    await listen(model, undefined, {
      ...ASKED,
      messages: [
        { role: "user", text: asked },
        { role: "assistant", text: "", calls: last.calls, carried: last.carried },
        ...last.calls.map((call) => ({ role: "tool" as const, call, text: "high" })),
      ],
    });
    assert.match(server.requests[1]?.body ?? "", /"thoughtSignature":"signed-tide"/);
  });
});

it("[L4] createModel() › sends the configured maximum of an answer on each wire", async () => {
  await withModelServer({}, async (server) => {
    for (const kind of KINDS) {
      const settings = { ...settingsFor(server, { kind }), maxOutputTokens: 77 };
      await listen(createModel(settings));
    }
    for (const { body } of server.requests) {
      assert.match(body, /"(?:max_tokens|max_output_tokens|maxOutputTokens|maxTokens)":77/);
    }
    assert.equal(server.requests.length, KINDS.length);
  });
});
