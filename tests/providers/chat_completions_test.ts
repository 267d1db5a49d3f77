/** Asks servers that write answers and end connections in any order, over real sockets. */

import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { describe, it } from "node:test";
import { type ModelMessage, type ModelPart } from "../../src/core/model.ts";
import { API_KEY, listen, modelAt, QUESTION } from "../support/model/model_server.ts";
import { sameData } from "../support/same_data.ts";
import { listening } from "../support/network/listening.ts";

const data = (value: unknown) => `data: ${JSON.stringify(value)}\n\n`;
const says = (content: string) => data({ choices: [{ delta: { content } }] });
const STOP = data({ choices: [{ delta: {}, finish_reason: "stop" }] });
const COUNTS = data({ choices: [], usage: { prompt_tokens: 2, completion_tokens: 1 } });
const DONE = "data: [DONE]\n\n";
const HELLO: readonly ModelPart[] = [
  { kind: "text", text: "Hello" },
  { kind: "finish", reason: "stop" },
];

interface Served {
  readonly request: IncomingMessage;
  readonly body: string;
  readonly response: ServerResponse;
}

interface Server {
  readonly baseUrl: string;
  /** All connections so far. */
  readonly sockets: readonly Socket[];
}

/** Runs a test with a server that calls `answer` for each request. */
async function withServer(
  answer: (served: Served) => unknown,
  test: (server: Server) => Promise<void>,
): Promise<void> {
  const sockets: Socket[] = [];
  const server = createServer((request, response) => {
    response.on("error", () => response.destroy());
    let body = "";
    request.setEncoding("utf8");
    request.on("data", (text: string) => body += text);
    request.on("end", () => answer({ request, body, response }));
  });
  server.on("connection", (socket) => {
    sockets.push(socket);
    socket.on("error", () => socket.destroy()); // the client may close it
  });
  const port = await listening(server);
  try {
    await test({ baseUrl: `http://127.0.0.1:${port}/v1`, sockets });
  } finally {
    for (const socket of sockets) socket.destroy();
    server.close();
    await once(server, "close");
  }
}

/** Resolves once the client has closed the connection. */
async function closed(socket: Socket | undefined): Promise<void> {
  assert.ok(socket);
  if (!socket.destroyed) {
    await new Promise<void>((resolve) => socket.once("close", () => resolve()));
  }
}

function stream({ response }: Served, text: string): ServerResponse {
  response.writeHead(200, { "Content-Type": "text/event-stream" });
  response.write(text);
  return response;
}

describe("[L3] createChatAsk()", () => {
  it("requests a stream with token counts", async () => {
    const bodies: string[] = [];
    await withServer((served) => {
      bodies.push(served.body);
      assert.equal(served.request.url, "/v1/chat/completions");
      assert.equal(served.request.headers["content-type"], "application/json");
      stream(served, says("Hello") + STOP + DONE).end();
    }, async (server) => {
      const request = {
        system: 'Be "kind".\n',
        messages: [
          { role: "user" as const, text: "one\u2028 🐚 \ud800" },
          { role: "assistant" as const, text: "" },
          { role: "user" as const, text: "three" },
        ],
      };
      const { error } = await listen(modelAt(server), undefined, request);
      assert.equal(error, undefined);
      assert.deepEqual(JSON.parse(bodies[0] ?? ""), {
        model: "barnacle-script",
        stream: true,
        stream_options: { include_usage: true },
        messages: [
          { role: "system", content: request.system },
          ...request.messages.map(({ role, text }) => ({ role, content: text })),
        ],
      });
    });
  });

  it("sends a configured header in place of its own, in any spelling", async () => {
    let sent: IncomingMessage["headers"] = {};
    await withServer((served) => {
      sent = served.request.headers;
      stream(served, says("Hello") + STOP + DONE).end();
    }, async (server) => {
      await listen(modelAt(server));
      assert.equal(sent.authorization, `Bearer ${API_KEY}`);
      await listen(modelAt(server, { headers: { AUTHORIZATION: "Basic abc", "X-Team": "crew" } }));
      assert.equal(sent.authorization, "Basic abc");
      assert.equal(sent["x-team"], "crew");
    });
  });

  it("sends simultaneous requests of one session whole, though they share their bytes", async () => {
    const first: ModelMessage = { role: "user", text: "krill ".repeat(50_000) };
    const texts = ["one", "two", "three", "four"];
    await withServer((served) => {
      const own = JSON.parse(served.body).messages.at(-1).content;
      stream(served, says(own) + STOP + DONE).end();
    }, async (server) => {
      const model = modelAt(server);
      await listen(model); // loads the code, so that the requests begin together
      const heard = await Promise.all(texts.map((text) => {
        const messages: ModelMessage[] = [first, { role: "assistant", text }];
        return listen(model, undefined, {
          system: "",
          messages: [...messages, first, { role: "assistant", text }, { role: "user", text }],
        });
      }));
      assert.deepEqual(heard.map(({ text }) => text), texts);
    });
  });

  it("does not wait for the end of the connection after [DONE], and reuses it", async () => {
    const used = new Set<Socket>();
    let endFirst: (() => void) | undefined;
    let isUsedAgain = false;
    await withServer((served) => {
      isUsedAgain = used.has(served.request.socket);
      used.add(served.request.socket);
      const response = stream(served, says("Hello") + STOP + DONE);
      if (endFirst) response.end();
      else endFirst = () => response.end();
    }, async (server) => {
      const model = modelAt(server);
      sameData((await listen(model)).parts, HELLO);
      endFirst?.();
      while (!isUsedAgain) sameData((await listen(model)).parts, HELLO);
      assert.equal(server.sockets[0]?.destroyed, false);
    });
  });

  it("closes a connection that does not end within a second after [DONE]", async () => {
    await withServer((served) => stream(served, says("Hello") + STOP + DONE), async (server) => {
      sameData((await listen(modelAt(server))).parts, HELLO);
      assert.equal(server.sockets[0]?.destroyed, false);
      await closed(server.sockets[0]);
    });
  });

  it("waits for the token counts after the reason", async () => {
    await withServer((served) => {
      const response = stream(served, says("Hello") + STOP);
      setTimeout(() => response.end(COUNTS + DONE), 50);
    }, async (server) => {
      const { parts } = await listen(modelAt(server));
      sameData(parts.at(-1), {
        kind: "finish",
        reason: "stop",
        usage: { inputTokens: 2, outputTokens: 1 },
      });
    });
  });

  it("accepts an answer if the connection breaks after the reason", async () => {
    let response: ServerResponse | undefined;
    await withServer((served) => {
      response = stream(served, says("Hello") + STOP);
    }, async (server) => {
      const parts: ModelPart[] = [];
      for await (const part of modelAt(server).generate(QUESTION, new AbortController().signal)) {
        parts.push(part);
        response?.destroy(); // not before: the end of a connection may overtake its last bytes
      }
      sameData(parts, HELLO);
    });
  });

  it("rejects with the signal's reason, even if the rest has arrived", async () => {
    await withServer(
      (served) => stream(served, says("Hello") + STOP + DONE).end(),
      async (server) => {
        const stop = new AbortController();
        const reason = new Error("/stop");
        const kinds: string[] = [];
        await assert.rejects(async () => {
          for await (const part of modelAt(server).generate(QUESTION, stop.signal)) {
            kinds.push(part.kind);
            stop.abort(reason);
          }
        }, (thrown) => thrown === reason);
        assert.deepEqual(kinds, ["text"]);
      },
    );
  });
});
