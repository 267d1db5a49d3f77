/** Bad habits of model servers, the same table for each wire format. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { inspect } from "node:util";
import { ModelError, type ModelRequest } from "../../src/core/model.ts";
import { createModel } from "../../src/providers/models.ts";
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

for (const kind of KINDS) {
  describe(`[L3] bad habits of ${kind}`, () => {
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
        assert.match(body, /What is this\?/);
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
