/** Reads what servers tell about a model, in their recorded forms. */

import assert from "node:assert/strict";
import { afterEach, describe, it } from "node:test";
import { askAbilities, familyWindow } from "../../../src/providers/about/abilities.ts";
import { createKnownAbilities, type ToldAbilities } from "../../../src/providers/models.ts";
import type { ModelRequest } from "../../../src/core/model.ts";
import type { ProviderSettings } from "../../../src/providers/settings.ts";
import { fakeFetch, restoreFetch } from "../../support/model/model_server.ts";
import { sameData } from "../../support/same_data.ts";

afterEach(restoreFetch);

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
  fakeFetch((input) => {
    const { pathname } = new URL(String(input));
    asked.push(pathname);
    return Promise.resolve(
      pathname in paths ? Response.json(paths[pathname]) : Response.json({}, { status: 404 }),
    );
  });
  return { told: await askAbilities({ provider, name }, 60_000), asked };
}

const list = (...data: readonly object[]) => ({ "/v1/models": { object: "list", data } });

const SERVERS: readonly (readonly [
  string,
  Partial<ProviderSettings>,
  string,
  Readonly<Record<string, unknown>>,
  ToldAbilities | undefined,
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
    "Ollama with a model that does not run yet",
    { baseUrl: "http://127.0.0.1:11434/v1" },
    "q",
    {
      ...list({ id: "q:latest", owned_by: "library" }),
      "/api/show": { capabilities: ["tools"], model_info: { "llama.context_length": 131_072 } },
      "/api/ps": { models: [] },
    },
    { images: false, tools: true, isEarly: true },
  ],
  [
    "LM Studio with a model that is not loaded yet",
    { baseUrl: "http://127.0.0.1:1234/v1" },
    "q",
    { ...list({ id: "q" }), "/api/v0/models": { data: [{ id: "q", max_context_length: 4_096 }] } },
    { isEarly: true },
  ],
  ["Novita", {}, "l", list({ id: "l", context_size: 65_536 }), { contextWindow: 65_536 }],
  ["DeepInfra", {}, "l", list({ id: "l", metadata: { context_length: 65_536 } }), {
    contextWindow: 65_536,
  }],
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
    windowFrom: "family",
  }],
  [
    "OpenAI's old models",
    { baseUrl: "https://api.openai.com/v1" },
    "gpt-4",
    list({ id: "gpt-4" }),
    { contextWindow: 8_192, windowFrom: "family" },
  ],
  ["a hosted server without a list", { baseUrl: "https://ai.example/v1" }, "claude-5", {}, {
    contextWindow: 200_000,
    windowFrom: "family",
  }],
  ["a server of one's own without a list", {}, "claude-5", {}, {}],
];

describe("[L4] askAbilities()", () => {
  for (const [server, provider, name, paths, expected] of SERVERS) {
    it(`reads those of ${server}`, async () => {
      const { told } = await ask({ ...LOCAL, ...provider }, name, paths);
      sameData(told, expected);
    });
  }

  it("tells nothing if no server answers", async () => {
    fakeFetch(() => Promise.reject(new TypeError("connection refused")));
    assert.equal(await askAbilities({ provider: LOCAL, name: "q" }, 60_000), undefined);
  });

  it("asks no further path if the list has the window", async () => {
    const { asked } = await ask(LOCAL, "q", list({ id: "q", max_model_len: 40_960 }));
    assert.deepEqual(asked, ["/v1/models"]);
  });
});

const rows: readonly (readonly [string, number | undefined])[] = [
  ["gpt-4", 8_192],
  ["gpt-4-0613", 8_192],
  ["gpt-3.5-turbo", 8_192],
  ["gpt-4.1-mini", 1_000_000],
  ["gpt-4o", 128_000],
  ["openai/gpt-5-mini", 128_000],
  ["o3", 128_000],
  ["anthropic/claude-sonnet-4-5", 200_000],
  ["gemini-2.5-pro", 1_000_000],
  ["deepseek-chat", 64_000],
  ["meta-llama/Llama-3.3-70B-Instruct", 128_000],
  ["meta-llama-3-8b", undefined],
  ["mistral-large-latest", 128_000],
  ["kimi-k2", 128_000],
  ["glm-4.6", 128_000],
  ["my-own-gpt-4", undefined],
];
for (const [name, tokens] of rows) {
  it(`[L4] familyWindow() › knows ${name}: ${tokens}`, () =>
    assert.equal(familyWindow(name), tokens));
}

const REQUEST: ModelRequest = {
  system: "x".repeat(10_000),
  messages: [{ role: "user", text: "y".repeat(30_000) }],
};

describe("[L4] createKnownAbilities()", () => {
  const refusals: readonly (readonly [string, number | undefined, number | undefined, number])[] = [
    ["the tokens that it names", undefined, 16_384, 16_384],
    ["half of the estimated tokens, if it names none", undefined, undefined, 6_000],
    ["no larger window than the known one", 8_192, 100_000, 8_192],
    ["no window without room for prompt and tools", undefined, 300, 2_048],
  ];
  for (const [what, known, named, tokens] of refusals) {
    it(`learns from a refusal because of the length: ${what}`, async () => {
      const ask = () => Promise.resolve({ contextWindow: known });
      const abilities = createKnownAbilities({ ask, now: () => 0 });
      abilities.window();
      await abilities.asked();
      abilities.refused({ contextWindow: named }, REQUEST);
      assert.equal(abilities.window().contextWindow, tokens);
      assert.equal(abilities.window().from, tokens === known ? "server" : "refusal");
    });
  }

  const guesses: readonly (readonly [told: number | undefined, later: number, window: number])[] = [
    [131_072, 599_999, 6_000],
    [131_072, 600_000, 131_072],
    [undefined, 600_000, 6_000],
  ];
  for (const [told, later, window] of guesses) {
    const which = told === undefined ? "an unknown window" : "a window that the server tells";
    it(`guesses ${window} tokens ${later} ms after a refusal that names none: ${which}`, async () => {
      let now = 0;
      const ask = () => Promise.resolve({ contextWindow: told });
      const known = createKnownAbilities({ ask, now: () => now });
      known.window();
      await known.asked();
      known.refused({}, REQUEST);
      now = later;
      assert.equal(known.window().contextWindow, window);
    });
  }

  it("asks again about a model that did not run yet, at most ten times", async () => {
    let now = 0;
    let asked = 0;
    const known = createKnownAbilities({
      ask: () => Promise.resolve({ tools: true, isEarly: (asked++, true as const) }),
      now: () => now,
    });
    for (; now < 20 * 60_000; now += 60_000) {
      assert.equal(known.window().contextWindow, 32_768);
      await known.asked();
    }
    assert.equal(asked, 10);
    assert.deepEqual(known.now(), { tools: true });
  });

  it("assumes 32,768 tokens until the server has answered, and asks once", async () => {
    let asked = 0;
    const known = createKnownAbilities({
      ask: () => Promise.resolve({ contextWindow: 40_960, tools: true, images: (asked++, true) }),
      written: { images: false },
      now: () => 0,
    });
    assert.equal(asked, 0, "it asked before anyone looked");
    const assumed = { contextWindow: 32_768, maxOutput: 4_096, from: "assumed", isPending: true };
    const { asked: asking, ...pending } = known.window();
    assert.deepEqual(pending, assumed);
    await asking;
    assert.deepEqual(known.window(), { contextWindow: 40_960, maxOutput: 4_096, from: "server" });
    assert.deepEqual(known.now(), { contextWindow: 40_960, tools: true, images: false });
    assert.equal(asked, 1);
  });

  it("asks again a minute after a question without answer", async () => {
    let now = 0;
    let asked = 0;
    const ask = () => Promise.resolve(void asked++);
    const known = createKnownAbilities({ ask, now: () => now });
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
    assert.deepEqual(known.window(), { contextWindow: 2_048, maxOutput: 512, from: "config" });
  });

  it("tells that a window is usual for the model's family", async () => {
    const ask = () => Promise.resolve({ contextWindow: 128_000, windowFrom: "family" as const });
    const known = createKnownAbilities({ ask, now: () => 0 });
    known.window();
    await known.asked();
    assert.equal(known.window().from, "family");
  });
});
