import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { ModelErrorKind, ModelRequest } from "../../../src/core/model.ts";
import { nextAfter } from "../../../src/providers/refused/refusals.ts";
import { refusalOf } from "../../../src/providers/failures.ts";

const toolsOf = (...names: readonly string[]) =>
  names.map((name) => ({ name, description: "", parameters: { type: "object" } }));

const PLAIN: ModelRequest = {
  system: "",
  messages: [{ role: "user", text: "hi" }],
  tools: toolsOf("ask", "memory", "mcp__crm__find", "mcp__crm__find_all"),
};

const REQUESTS: Readonly<Record<string, ModelRequest>> = {
  calls: {
    ...PLAIN,
    messages: [{
      role: "assistant",
      text: "",
      calls: ["1", "2"].map((id) => ({ id, name: "ask", arguments: "{}" })),
    }],
  },
  system: { ...PLAIN, system: "Be kind." },
  schema: {
    ...PLAIN,
    tools: [{ name: "a", description: "", parameters: { additionalProperties: false } }],
  },
  tools: PLAIN,
  many: { ...PLAIN, tools: toolsOf(...Array.from({ length: 217 }, (_, at) => `t${at}`)) },
  none: { ...PLAIN, tools: undefined },
  whole: {
    ...PLAIN,
    messages: [{
      role: "user",
      text: "hi",
      images: [{ mediaType: "image/png", data: new Uint8Array(1) }],
    }],
    thinking: "low",
  },
  lean: PLAIN,
  responses: { ...PLAIN, byResponses: true },
};

/** Server, status, the refused request, the decision, and the server's message or its whole body. */
const SENTENCES = String.raw`
OpenAI | 400 | whole | not the tool mcp__crm__find | Invalid schema for function 'mcp__crm__find': In context=(), object schema missing properties.
OpenAI | 400 | tools | not the tool mcp__crm__find_all | Invalid 'tools[3].function.name': string does not match pattern.
OpenAI | 400 | many | not the tools beyond the first 128 | Invalid 'tools': array too long. Expected an array with maximum length 128, but got an array with length 217 instead.
OpenAI | 400 | whole | not the field max_tokens | Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.
OpenAI | 400 | whole | not chat completions | Function tools with reasoning_effort are not supported for gpt-5.4 in /v1/chat/completions. Please use /v1/responses instead.
OpenAI | 404 | tools | not chat completions | This model is only supported in v1/responses and not in v1/chat/completions.
OpenAI | 400 | responses | tools | Tools are not supported by gpt-5.4 in /v1/responses.
OpenAI | 400 | tools | not the field include | {"error":{"message":"Encrypted content is not supported with this model.","param":"include"}}
OpenAI | 400 | whole | thinking | Unsupported value: 'reasoning_effort' does not support 'none' with this model.
Azure | 400 | whole | not the field stream_options | Unrecognized request argument supplied: stream_options
Azure | 400 | whole | thinking | Unrecognized request argument supplied: reasoning_effort
Azure | 400 | tools | not the field store | Validation error at #/store: Extra inputs are not permitted
Mistral | 422 | whole | not the field stream_options | {"object":"Error","message":[{"type":"extra_forbidden","loc":["body","stream_options"],"msg":"Extra inputs are not permitted"}]}
Mistral | 422 | tools | not the tool memory | {"detail":[{"loc":["body","tools",1,"function","parameters"],"msg":"Invalid schema"}]}
Fireworks | 400 | whole | not the field stream_options | Extra inputs are not permitted, field: 'stream_options'
Groq | 400 | whole | again | {"error":{"message":"Failed to call a function. Please adjust your prompt.","code":"tool_use_failed"}}
Groq | 400 | tools | again | {"error":{"message":"Tool call validation failed: attempted to call tool 'memory'","code":"tool_use_failed"}}
Groq | 400 | tools | again | Tool call validation failed: parameters for tool memory did not match schema: errors: []
Groq | 400 | tools | tools | tool calling is not supported with this model
Gemini | 400 | tools | not the tools mcp__crm__find, mcp__crm__find_all | * GenerateContentRequest.tools[0].function_declarations[2].parameters.properties[a].items: missing field. * GenerateContentRequest.tools[0].function_declarations[3].parameters.properties[b].items: missing field.
Gemini | 400 | whole | images | Unable to process input image.
Gemini | 400 | whole | thinking | Budget 0 is invalid. This model only works in thinking mode.
Anthropic | 400 | tools | not the tool mcp__crm__find | tools.2.custom.input_schema: JSON schema is invalid. It must match JSON Schema draft 2020-12
OpenAI | 404 | whole | not chat completions | This is not a chat model and thus not supported in the v1/chat/completions endpoint. Did you mean to use v1/completions?
OpenAI | 400 | tools | not the field strict | Unknown parameter: 'tools[0].strict'.
Anthropic | 400 | tools | not the field strict | tools.0.custom.strict: Extra inputs are not permitted
Anthropic | 400 | tools | not the tool ask | tools.0.custom.input_schema: unexpected keyword
Gemini | 400 | schema | not the keyword additionalProperties in the schemas of tools | Invalid JSON payload received. Unknown name "additionalProperties" at 'tools[0].function_declarations[3].parameters': Cannot find field.
vLLM | 400 | calls | not several calls in one answer | This model only supports single tool-calls at once!
OpenAI | 400 | tools | not streams of answers | Your organization must be verified to stream this model.
vLLM | 400 | system | not a system prompt of its own | System role not supported
LM Studio | 400 | tools | tools | Error rendering prompt with jinja template: value is null
llama.cpp | 500 | tools | tools | Value is not callable: null at row 1, column 93
NVIDIA | 500 | tools | tools | Tool use has not been enabled, because it is unsupported by this model
Azure | 404 | responses | not thinking with tools | Resource not found
xAI | 400 | whole | thinking | Model grok-4-latest does not support parameter reasoningEffort.
Groq | 400 | whole | images | messages[1].content must be a string
Ollama | 500 | whole | images | Failed to create new sequence: this model is missing data required for image input
Gemini | 400 | whole | not the field maxOutputTokens | Invalid value at 'generation_config.maxOutputTokens'
Anthropic | 400 | whole | images | messages.0.content.1.image.source.base64: image exceeds 5 MB maximum
Anthropic | 400 | tools | tools | messages.3.content.0.tool_use.id: String should match pattern '^[a-zA-Z0-9_-]+$'
DeepSeek | 400 | whole | images | Failed to deserialize the JSON body: messages[1]: unknown variant image_url, expected text
DeepSeek | 400 | tools | not the tool mcp__crm__find_all | Invalid schema for function 'mcp__crm__find_all': schema must be a JSON Schema of 'type: "object"'
OpenRouter | 404 | tools | tools | No endpoints found that support tool use.
OpenRouter | 404 | whole | images | No endpoints found that support image input
OpenRouter | 400 | whole | not the field stream_options | {"error":{"message":"Provider returned error","metadata":{"raw":"Extra inputs are not permitted: stream_options"}}}
llama.cpp | 400 | tools | tools | Failed to initialize samplers: failed to parse grammar
llama.cpp | 500 | tools | tools | tools param requires --jinja flag
llama.cpp | 500 | whole | images | image input is not supported - hint: you may need to provide the mmproj
Ollama | 400 | tools | tools | registry.ollama.ai/library/gemma3:4b does not support tools
Ollama | 400 | whole | thinking | "gemma3:4b" does not support thinking
vLLM | 400 | tools | tools | "auto" tool choice requires --enable-auto-tool-choice and --tool-call-parser to be set
a server that is down | 500 | whole | nothing | internal error in the tool router
a proxy | 502 | whole | nothing | <html>Webmaster tools</html>
Ollama | 404 | whole | nothing | model 'tool-llama' not found, try pulling it first
a limit | 429 | whole | nothing | too many tool calls
a key | 401 | whole | nothing | This key may not use tools
a filter | 400 | whole | nothing | {"error":{"message":"a picture of tools","code":"content_filter"}}
OpenAI | 400 | whole | nothing | This model's maximum context length is 8192 tokens, with tools.
OpenAI | 400 | lean | nothing | max_tokens is too large: 100000
Ollama | 400 | none | nothing | does not support tools
Azure | 400 | lean | nothing | Unrecognized request argument supplied: stream_options
a common word | 400 | whole | nothing | Please ask again later
`.trim().split("\n").map((line) => line.split(" | "));

/** Optional fields of the requests; "lean" has none. */
const FIELDS = {
  ...{ stream: true, stream_options: {}, max_tokens: 9, store: false, include: [] },
  tools: [{ strict: false, parameters: { x: 1 }, input_schema: {} }],
  generationConfig: { maxOutputTokens: 9 },
};

/** The decision in one line. */
function decided(status: number, body: string, refused: string, request: ModelRequest): string {
  const sent = JSON.stringify(refused === "lean" ? {} : FIELDS);
  const next = nextAfter(
    refusalOf({ status, headers: new Headers(), body, sent }, "p/m", [], 0),
    request,
  );
  return next === undefined
    ? "nothing"
    : typeof next === "string"
    ? next
    : `not ${next.part}`.replaceAll("`", "").replace(/: .*/, "");
}

describe("[L3] nextAfter()", () => {
  for (const [who, status, refused = "", next, said = ""] of SENTENCES) {
    it(`answers ${status} of ${who} with “${next}”: ${said.slice(0, 90)}`, () => {
      const body = said.startsWith("{") ? said : JSON.stringify({ error: { message: said } });
      const request = REQUESTS[refused];
      assert.ok(request);
      assert.equal(decided(Number(status), body, refused, request), next);
    });
  }

  it("changes nothing after any other kind of failure, whatever its words", () => {
    const kinds: readonly ModelErrorKind[] = [
      ...["unauthorized", "quota", "web_page", "context_length", "redirected", "filtered"] as const,
      ...["rate_limited", "timeout", "not_an_answer"] as const,
    ];
    for (const kind of kinds) {
      const words = "tools, images, thinking and stream_options are not supported";
      assert.equal(nextAfter({ kind, words }, REQUESTS["whole"] ?? PLAIN), undefined);
    }
  });
});
