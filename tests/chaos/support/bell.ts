/**
 * An MCP server with one tool that must not run twice: each call rings a bell, and the bell counts.
 */

import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import { listening } from "../../support/network/listening.ts";

export interface Bell extends AsyncDisposable {
  /** For `mcp.servers`. */
  readonly url: string;
  /** How often each key was rung. */
  readonly rings: ReadonlyMap<string, number>;
  /**
   * Calls `listener` once a bell has rung, before its caller learns of it.
   *
   * @returns Removes the listener.
   */
  subscribe(listener: (key: string) => void): () => void;
}

const requestSchema = z.looseObject({
  id: z.union([z.number(), z.string()]).optional(),
  method: z.string(),
  params: z.looseObject({
    protocolVersion: z.string().optional(),
    arguments: z.looseObject({ key: z.string() }).optional(),
  }).optional(),
});

const RING = {
  name: "ring",
  description: "Rings the bell.",
  inputSchema: { type: "object", properties: { key: { type: "string" } }, required: ["key"] },
} as const;

/** @param delayMs Milliseconds between a ring and its result. */
export async function startBell(delayMs: () => number): Promise<Bell> {
  const rings = new Map<string, number>();
  const listeners = new Set<(key: string) => void>();

  /** @returns `undefined` for a method that the server does not have. */
  async function resultOf(
    { method, params }: z.infer<typeof requestSchema>,
  ): Promise<object | undefined> {
    switch (method) {
      case "initialize":
        return {
          protocolVersion: params?.protocolVersion,
          capabilities: { tools: {} },
          serverInfo: { name: "bell", version: "1" },
        };
      case "tools/list":
        return { tools: [RING] };
      case "tools/call": {
        const key = params?.arguments?.key ?? "";
        rings.set(key, (rings.get(key) ?? 0) + 1);
        for (const listener of listeners) listener(key);
        await sleep(delayMs());
        return { content: [{ type: "text", text: `Rung ${key}.` }] };
      }
      default:
        return undefined;
    }
  }

  async function respond(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    let body = "";
    for await (const part of incoming.setEncoding("utf8")) body += part;
    if (incoming.method !== "POST") return void response.writeHead(405).end();
    const request = requestSchema.parse(JSON.parse(body));
    if (request.id === undefined) return void response.writeHead(202).end();
    const result = await resultOf(request);
    response.writeHead(200, { "content-type": "application/json" });
    const error = { code: -32_601, message: "there is no such method" };
    response.end(
      JSON.stringify({ jsonrpc: "2.0", id: request.id, ...result ? { result } : { error } }),
    );
  }

  const server = createServer((incoming, response) => {
    response.on("error", () => response.destroy()); // its client was killed
    respond(incoming, response).catch(() => response.destroy());
  });
  const port = await listening(server);
  return {
    url: `http://127.0.0.1:${port}/mcp`,
    rings,
    subscribe(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}
