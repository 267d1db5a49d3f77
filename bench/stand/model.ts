/**
 * A model that answers at once, and records the times of requests and answers.
 *
 * The scripted model of the simulator parses and keeps each request, and its own cost would be in
 * the figures. This one does neither. `Deno.serve` costs a third of `node:http`. It streams if the
 * request asks for a stream, and answers in one piece otherwise.
 */

export interface InstantModel {
  readonly baseUrl: string;
  /** By `performance.now()`, one for each request. */
  readonly askedAt: readonly number[];
  /** Times at which each answer went to the HTTP server. */
  readonly answeredAt: readonly number[];
  forget(): void;
  /**
   * From now on, each turn calls a tool so many times before it answers; by default, one that does
   * not exist.
   */
  callTools(steps: number, call?: Call): void;
  /** From now on, no request is answered. */
  hang(): void;
  /** From now on, new requests are answered again; the others never are. */
  recover(): void;
  close(): Promise<void>;
}

/** A call of a tool, with its arguments as JSON. */
export interface Call {
  readonly name: string;
  readonly arguments: string;
}

export const MODEL_NAME = "instant";
const ANSWER = "Krill are small, and there are many of them. Ask me about whales.";

export function startInstantModel(): InstantModel {
  const askedAt: number[] = [];
  const answeredAt: number[] = [];
  let steps = 0;
  let calling = callOf(NO_TOOL);
  const ending = Promise.withResolvers<Response>();
  let isHanging = false;
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, async (request) => {
    askedAt.push(performance.now());
    const body = await request.text();
    const isStream = body.includes('"stream":true');
    if (isHanging) return await ending.promise;
    if (steps > 0 && stepsTaken(body) < steps) {
      answeredAt.push(performance.now());
      return isStream
        ? new Response(calling.streamed, AS_STREAM)
        : new Response(calling.whole, AS_JSON);
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
    callTools(count, call = NO_TOOL) {
      steps = count;
      calling = callOf(call);
    },
    hang: () => void (isHanging = true),
    recover: () => void (isHanging = false),
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

const NO_TOOL: Call = { name: "unknown_tool", arguments: "{}" };

/** Answers that make a call. */
function callOf(call: Call): { readonly whole: string; readonly streamed: string } {
  const toolCall = { index: 0, id: "call_1", type: "function", function: call };
  const whole = JSON.stringify({
    ...HEAD,
    object: "chat.completion",
    choices: [{
      index: 0,
      message: { role: "assistant", content: "", tool_calls: [toolCall] },
      finish_reason: "tool_calls",
    }],
    usage: USAGE,
  });
  const streamed = [
    choice({ role: "assistant", tool_calls: [toolCall] }),
    choice({}, "tool_calls"),
    { ...HEAD, object: "chat.completion.chunk", choices: [], usage: USAGE },
  ].map((chunk) => `data: ${JSON.stringify(chunk)}\n\n`).join("") + "data: [DONE]\n\n";
  return { whole, streamed };
}

/** Number of tool results after the last message of a person; questions about models have none. */
function stepsTaken(body: string): number {
  if (!body.includes('"messages"')) return Infinity;
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
