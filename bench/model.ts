/**
 * A model that answers at once, and says when it was asked and when it was done.
 *
 * The scripted model of the simulator reads and remembers each request; here its
 * own cost would be in the figures, so this one does neither. It streams where a
 * stream is asked for, and answers in one piece otherwise.
 *
 * @module
 */

import { createServer } from "node:http";

export interface InstantModel {
  readonly baseUrl: string;
  /** By `performance.now()`, one each request. */
  readonly askedAt: readonly number[];
  /** When the last byte of each answer was handed to the kernel. */
  readonly answeredAt: readonly number[];
  forget(): void;
  close(): Promise<void>;
}

export const MODEL_NAME = "instant";
const ANSWER = "Krill are small, and there are many of them. Ask me about whales.";

export async function startInstantModel(): Promise<InstantModel> {
  const askedAt: number[] = [];
  const answeredAt: number[] = [];
  const server = createServer((request, response) => {
    askedAt.push(performance.now());
    let body = "";
    request.setEncoding("utf8");
    request.on("data", (text: string) => body += text);
    request.on("end", () => {
      const isStream = body.includes('"stream":true');
      const type = isStream ? "text/event-stream" : "application/json";
      response.writeHead(200, { "content-type": type }).end(isStream ? STREAMED : WHOLE);
      answeredAt.push(performance.now());
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", resolve);
  });
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  return {
    baseUrl: `http://127.0.0.1:${port}/v1`,
    askedAt,
    answeredAt,
    forget() {
      askedAt.length = 0;
      answeredAt.length = 0;
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

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

function choice(delta: object, finish_reason: string | null = null): object {
  return {
    ...HEAD,
    object: "chat.completion.chunk",
    choices: [{ index: 0, delta, finish_reason }],
  };
}
