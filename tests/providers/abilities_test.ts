/**
 * Reads what servers tell about a model, in their recorded forms.
 *
 * @module
 */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Abilities } from "../../src/core/model.ts";
import { askAbilities } from "../../src/providers/abilities.ts";
import { createKnownAbilities } from "../../src/providers/models.ts";
import type { ProviderSettings } from "../../src/providers/settings.ts";
import { sameData } from "../support/same_data.ts";

const LOCAL: ProviderSettings = {
  id: "local",
  kind: "openai-compatible",
  baseUrl: "http://127.0.0.1:8000/v1",
};

/** Asks a server with these paths; all others are 404. */
async function ask(
  provider: ProviderSettings,
  name: string,
  paths: Readonly<Record<string, unknown>>,
) {
  const asked: string[] = [];
  const told = await askAbilities({ provider, name }, {
    fetch: (input) => {
      const { pathname } = new URL(String(input));
      asked.push(pathname);
      return Promise.resolve(
        pathname in paths ? Response.json(paths[pathname]) : Response.json({}, { status: 404 }),
      );
    },
    timeoutMs: 5_000,
    now: () => 0,
  });
  return { told, asked };
}

const list = (...data: readonly object[]) => ({ "/v1/models": { object: "list", data } });

const SERVERS: readonly (readonly [
  string,
  Partial<ProviderSettings>,
  string,
  Readonly<Record<string, unknown>>,
  Abilities | undefined,
])[] = [
  ["vLLM", {}, "q", list({ id: "q", owned_by: "vllm", max_model_len: 40_960 }), {
    contextWindow: 40_960,
  }],
  [
    "OpenRouter",
    { baseUrl: "https://openrouter.ai/api/v1" },
    "meta/llama",
    {
      "/api/v1/models": {
        data: [{
          id: "meta/llama",
          context_length: 131_072,
          architecture: { input_modalities: ["text", "image"] },
          supported_parameters: ["tools", "temperature"],
          top_provider: { context_length: 65_536, max_completion_tokens: 8_192 },
        }],
      },
    },
    { contextWindow: 65_536, maxOutput: 8_192, images: true, tools: true },
  ],
  ["Groq", {}, "l", list({ id: "l", context_window: 131_072, max_completion_tokens: 32_768 }), {
    contextWindow: 131_072,
    maxOutput: 32_768,
  }],
  [
    "Mistral",
    {},
    "m",
    list({
      id: "m",
      max_context_length: 32_768,
      capabilities: { vision: false, function_calling: true },
    }),
    { contextWindow: 32_768, images: false, tools: true },
  ],
  [
    "Ollama with a running model",
    { baseUrl: "http://127.0.0.1:11434/v1" },
    "llama3.2",
    {
      ...list({ id: "llama3.2:latest", owned_by: "library" }),
      "/api/show": {
        capabilities: ["completion", "tools", "vision"],
        parameters: 'stop "<x>"',
        model_info: { "llama.context_length": 131_072 },
      },
      "/api/ps": { models: [{ name: "llama3.2:latest", context_length: 4_096 }] },
    },
    { contextWindow: 4_096, images: true, tools: true },
  ],
  [
    "Ollama with a written num_ctx",
    { baseUrl: "http://127.0.0.1:11434/v1" },
    "q",
    {
      ...list({ id: "q:latest", owned_by: "library" }),
      "/api/show": { capabilities: ["completion"], parameters: "num_ctx      16384" },
      "/api/ps": { models: [] },
    },
    { contextWindow: 16_384, images: false, tools: false },
  ],
  [
    "llama.cpp",
    { baseUrl: "http://127.0.0.1:8080/v1" },
    "any",
    {
      ...list({ id: "/models/q.gguf", owned_by: "llamacpp", meta: { n_ctx_train: 40_960 } }),
      "/props": {
        default_generation_settings: { n_ctx: 8_192 },
        modalities: { vision: false },
        chat_template_caps: { supports_tools: true },
      },
    },
    { contextWindow: 8_192, images: false, tools: true },
  ],
  [
    "LM Studio",
    { baseUrl: "http://127.0.0.1:1234/v1" },
    "q",
    {
      ...list({ id: "q", owned_by: "organization_owner" }, { id: "r" }),
      "/api/v0/models": {
        data: [{
          id: "q",
          type: "vlm",
          max_context_length: 131_072,
          loaded_context_length: 4_096,
          capabilities: ["tool_use"],
        }],
      },
    },
    { contextWindow: 4_096, images: true, tools: true },
  ],
  [
    "Google",
    { kind: "google", baseUrl: "https://generativelanguage.googleapis.com/v1beta" },
    "gemini",
    {
      "/v1beta/models/gemini": {
        name: "models/gemini",
        inputTokenLimit: 1_048_576,
        outputTokenLimit: 65_536,
      },
    },
    { contextWindow: 1_048_576, maxOutput: 65_536 },
  ],
  [
    "Anthropic",
    { kind: "anthropic", baseUrl: "https://api.anthropic.com/v1" },
    "claude",
    {
      "/v1/models/claude": {
        id: "claude",
        max_input_tokens: 200_000,
        max_tokens: 64_000,
        capabilities: { image_input: { supported: true } },
      },
    },
    { contextWindow: 200_000, maxOutput: 64_000, images: true },
  ],
  ["OpenAI, which tells nothing", {}, "gpt", list({ id: "gpt", owned_by: "openai" }), {}],
  ["a server that lies", {}, "q", list({ id: "q", max_model_len: "many", context_length: -1 }), {}],
  ["OpenAI", { baseUrl: "https://api.openai.com/v1" }, "gpt-5", list({ id: "gpt-5" }), {
    contextWindow: 128_000,
  }],
  [
    "OpenAI's old models",
    { baseUrl: "https://api.openai.com/v1" },
    "gpt-4",
    list({ id: "gpt-4" }),
    {
      contextWindow: 8_192,
    },
  ],
  ["a server without an answer", {}, "q", {}, undefined],
];

describe("[L4] askAbilities()", () => {
  for (const [server, provider, name, paths, expected] of SERVERS) {
    it(`reads those of ${server}`, async () => {
      const { told } = await ask({ ...LOCAL, ...provider }, name, paths);
      sameData(told, expected);
    });
  }

  it("asks no further path if the list has the window", async () => {
    const { asked } = await ask(LOCAL, "q", list({ id: "q", max_model_len: 40_960 }));
    assert.deepEqual(asked, ["/v1/models"]);
  });
});

describe("[L4] createKnownAbilities()", () => {
  it("assumes 8,192 tokens until the server has answered, and asks once", async () => {
    let asked = 0;
    const known = createKnownAbilities({
      ask: () => Promise.resolve({ contextWindow: 40_960, tools: true, images: (asked++, true) }),
      written: { images: false },
      now: () => 0,
    });
    assert.equal(asked, 0, "it asked before anyone looked");
    const assumed = { contextWindow: 8_192, maxOutput: 1_024, isPending: true };
    assert.deepEqual(known.window(), assumed);
    await known.asked();
    assert.deepEqual(known.window(), { contextWindow: 40_960, maxOutput: 4_096 });
    assert.deepEqual(known.now(), { contextWindow: 40_960, tools: true, images: false });
    assert.equal(asked, 1);
  });

  it("asks again a minute after a question without answer", async () => {
    let now = 0;
    let asked = 0;
    const known = createKnownAbilities({
      ask: () => Promise.resolve(void asked++),
      now: () => now,
    });
    for (const [at, times] of [[0, 1], [59_999, 1], [60_000, 2]] as const) {
      now = at;
      known.now();
      await known.asked();
      assert.equal(asked, times);
    }
  });

  it("asks nothing if the config says all", () => {
    const known = createKnownAbilities({
      written: { contextWindow: 2_048, images: false, tools: false },
      ask: () => Promise.reject(new Error("asked")),
      now: () => 0,
    });
    assert.deepEqual(known.window(), { contextWindow: 2_048, maxOutput: 512 });
  });
});
