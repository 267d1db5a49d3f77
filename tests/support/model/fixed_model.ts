/**
 * A model server with a test's own answers.
 *
 * The simulator's model repeats the asker's words. This one gives other answers: silence on
 * purpose, a mention of another person, two thousand lines.
 */

import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import {
  openAiFormat,
  parseWireRequest,
  type WireCall,
  type WireRequest,
} from "../../../simulator/model/wire.ts";
import { listening } from "../network/listening.ts";

export interface FixedModel extends AsyncDisposable {
  /** For `OPENAI_BASE_URL`. */
  readonly baseUrl: string;
  /** Keys of the config of a bot that asks it. */
  readonly config: Readonly<Record<string, unknown>>;
  readonly requests: readonly WireRequest[];
  /** The same as the client sent them: JSON. */
  readonly bodies: readonly string[];
}

/** An answer that calls tools. */
export interface SaidCalls {
  readonly calls: readonly WireCall[];
}

/** The answer: at once, after a while, or piece by piece; or calls of tools. */
export type Said =
  | string
  | SaidCalls
  | Promise<string | SaidCalls>
  | AsyncIterable<string>;

/**
 * @param answer The answer to the text of the newest message, or to the whole request.
 * @param thinking Sent separately before each answer that calls no tools; empty: none.
 */
export async function startFixedModel(
  answer: (asked: string, request: WireRequest) => Said,
  thinking = "",
): Promise<FixedModel> {
  const requests: WireRequest[] = [];
  const bodies: string[] = [];
  const format = openAiFormat("fixed");
  const server = createServer((incoming, response) => {
    response.on("error", () => response.destroy()); // the client has left
    // The client may leave before it has sent everything, and a model may break off in its answer.
    void reply(incoming, response).catch(() => response.destroy());
  });

  async function reply(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await bodyOf(incoming);
    const request = parseWireRequest(body);
    if (!request) return void response.writeHead(404).end();
    requests.push(request);
    bodies.push(body);
    response.writeHead(200, { "Content-Type": "text/event-stream" });
    response.write(format.open());
    const given = answer(request.messages.at(-1)?.text ?? "", request);
    const reply = given instanceof Promise ? await given : given;
    if (typeof reply === "object" && "calls" in reply) {
      const { calls } = reply;
      return void response.end(
        calls.map(format.toolCall).join("") + format.finish("tool_calls", 1),
      );
    }
    if (thinking !== "") {
      const delta = { reasoning_content: thinking };
      response.write(`data: ${JSON.stringify({ choices: [{ index: 0, delta }] })}\n\n`);
    }
    if (typeof reply === "string") response.write(format.text(reply));
    else for await (const piece of reply) response.write(format.text(piece));
    response.end(format.finish("stop", 1));
  }

  const port = await listening(server);
  const baseUrl = `http://127.0.0.1:${port}/v1`;
  return {
    baseUrl,
    config: {
      models: { providers: { fixed: { kind: "openai-compatible", baseUrl } } },
      agents: { defaults: { model: "fixed/answers" } },
    },
    requests,
    bodies,
    async [Symbol.asyncDispose]() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      await closed;
    },
  };
}

async function bodyOf(incoming: IncomingMessage): Promise<string> {
  let text = "";
  for await (const chunk of incoming.setEncoding("utf8")) text += chunk;
  return text;
}
