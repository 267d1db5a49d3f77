/**
 * A model that answers at once, and records the times of requests and answers.
 *
 * The scripted model of the simulator parses and keeps each request, and its own cost would be in
 * the figures. This one does neither. `Deno.serve` costs a third of `node:http`. It streams if the
 * request asks for a stream, and answers in one piece otherwise.
 *
 * @module
 */

export interface InstantModel {
  readonly baseUrl: string;
  /** By `performance.now()`, one for each request. */
  readonly askedAt: readonly number[];
  /** Times at which each answer went to the HTTP server. */
  readonly answeredAt: readonly number[];
  forget(): void;
  /** From now on, each turn calls a tool that does not exist, so many times, before it answers. */
  callTools(steps: number): void;
  /** From now on, no request is answered. */
  hang(): void;
  close(): Promise<void>;
}

export const MODEL_NAME = "instant";
const ANSWER = "Krill are small, and there are many of them. Ask me about whales.";

export function startInstantModel(): InstantModel {
  const askedAt: number[] = [];
  const answeredAt: number[] = [];
  let steps = 0;
  const ending = Promise.withResolvers<Response>();
  let isHanging = false;
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, async (request) => {
    askedAt.push(performance.now());
    const body = await request.text();
    const isStream = body.includes('"stream":true');
    if (isHanging) return await ending.promise;
    if (steps > 0 && stepsTaken(body) < steps) {
      answeredAt.push(performance.now());
      return isStream ? new Response(STREAMED_CALL, AS_STREAM) : new Response(CALL, AS_JSON);
    }
    answeredAt.push(performance.now());
    return isStream ? new Response(STREAMED, AS_STREAM) : new Response(WHOLE, AS_JSON);
  });
  return {
    baseUrl: `http://127.0.0.1:${server.addr.port}/v1`,
    askedAt,
    answeredAt,
    forget() {
      askedAt.length = 0;
      answeredAt.length = 0;
    },
    callTools: (count) => void (steps = count),
    hang: () => void (isHanging = true),
    close() {
      ending.resolve(new Response(null, { status: 503 }));
      return server.shutdown();
    },
  };
}

const AS_STREAM = { headers: { "content-type": "text/event-stream" } };
const AS_JSON = { headers: { "content-type": "application/json" } };
const USAGE = { prompt_tokens: 11, completion_tokens: 15, total_tokens: 26 };
const HEAD = { id: "chatcmpl-bench", created: 0, model: MODEL_NAME };

const WHOLE = JSON.stringify({
  ...HEAD,
  object: "chat.completion",
  choices: [{
    index: 0,
    message: { role: "assistant", content: ANSWER },
    finish_reason: "stop",
  }],
  usage: USAGE,
});

const STREAMED = [
  ...ANSWER.split(/(?<= )/).map((content) => choice({ role: "assistant", content })),
  choice({}, "stop"),
  { ...HEAD, object: "chat.completion.chunk", choices: [], usage: USAGE },
].map((chunk) => `data: ${JSON.stringify(chunk)}\n\n`).join("") + "data: [DONE]\n\n";

const TOOL_CALL = {
  index: 0,
  id: "call_1",
  type: "function",
  function: { name: "unknown_tool", arguments: "{}" },
};

const CALL = JSON.stringify({
  ...HEAD,
  object: "chat.completion",
  choices: [{
    index: 0,
    message: { role: "assistant", content: "", tool_calls: [TOOL_CALL] },
    finish_reason: "tool_calls",
  }],
  usage: USAGE,
});

const STREAMED_CALL = [
  choice({ role: "assistant", tool_calls: [TOOL_CALL] }),
  choice({}, "tool_calls"),
  { ...HEAD, object: "chat.completion.chunk", choices: [], usage: USAGE },
].map((chunk) => `data: ${JSON.stringify(chunk)}\n\n`).join("") + "data: [DONE]\n\n";

/** Number of tool results after the last message of a person. */
function stepsTaken(body: string): number {
  const { messages }: { messages: readonly { readonly role: string }[] } = JSON.parse(body);
  const last = messages.findLastIndex(({ role }) => role === "user");
  return messages.slice(last).filter(({ role }) => role === "tool").length;
}

function choice(delta: object, finish_reason: string | null = null): object {
  return {
    ...HEAD,
    object: "chat.completion.chunk",
    choices: [{ index: 0, delta, finish_reason }],
  };
}
