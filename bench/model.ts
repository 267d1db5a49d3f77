/**
 * A model that answers at once, and records the times of requests and answers.
 *
 * The scripted model of the simulator parses and keeps each request, and its own cost would be in
 * the figures. This one does neither. `Deno.serve` costs a third of `node:http`. It streams if the
 * request asks for a stream, and answers in one piece otherwise.
 */

export const MODEL_NAME = "instant";
const ANSWER = "Krill are small, and there are many of them. Ask me about whales.";

export function startInstantModel() {
  const askedAt: number[] = [];
  const answeredAt: number[] = [];
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, async (request) => {
    askedAt.push(performance.now());
    const body = await request.text();
    answeredAt.push(performance.now());
    return body.includes('"stream":true')
      ? new Response(STREAMED, { headers: { "content-type": "text/event-stream" } })
      : new Response(WHOLE, { headers: { "content-type": "application/json" } });
  });
  return {
    baseUrl: `http://127.0.0.1:${server.addr.port}/v1`,
    /** By `performance.now()`, one for each request. */
    askedAt,
    /** Times at which each answer went to the HTTP server. */
    answeredAt,
    forget() {
      askedAt.length = 0;
      answeredAt.length = 0;
    },
    close: () => server.shutdown(),
  };
}

const USAGE = { prompt_tokens: 11, completion_tokens: 15, total_tokens: 26 };
const HEAD = { id: "chatcmpl-bench", created: 0, model: MODEL_NAME };

const WHOLE = JSON.stringify({
  ...HEAD,
  object: "chat.completion",
  choices: [{ index: 0, message: { role: "assistant", content: ANSWER }, finish_reason: "stop" }],
  usage: USAGE,
});

const STREAMED = [
  ...ANSWER.split(/(?<= )/).map((content) => choice({ role: "assistant", content })),
  choice({}, "stop"),
  { ...HEAD, object: "chat.completion.chunk", choices: [], usage: USAGE },
].map((chunk) => `data: ${JSON.stringify(chunk)}\n\n`).join("") + "data: [DONE]\n\n";

function choice(delta: object, finish_reason: string | null = null): object {
  return {
    ...HEAD,
    object: "chat.completion.chunk",
    choices: [{ index: 0, delta, finish_reason }],
  };
}
