/**
 * A server of the Model Context Protocol with odd answers, over HTTP on this machine or as a program.
 *
 * Run it with its answers as JSON: by method, one after the other, and the last one again.
 */

import { once } from "node:events";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import process from "node:process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

/** An answer; without members, none comes. */
export interface OddAnswer {
  readonly result?: unknown;
  readonly error?: unknown;
  /** The whole message, with `$id` for the request's id. */
  readonly raw?: string;
  /** HTTP status; 200 if it is absent. */
  readonly status?: number;
  /** Content type over HTTP; JSON if it is absent. */
  readonly type?: string;
  readonly sessionId?: string;
  /** A further message over the stream of the session. */
  readonly also?: unknown;
  /** Value of `www-authenticate`. */
  readonly challenge?: string;
}

export type OddAnswers = Readonly<Record<string, readonly OddAnswer[]>>;

interface Asked {
  readonly id?: number;
  readonly method?: string;
  readonly params?: Readonly<Record<string, unknown>>;
}

const READY: OddAnswers = {
  "server/discover": [{ error: { code: -32_601, message: "Method not found" } }],
  initialize: [{
    result: {
      protocolVersion: "2025-11-25",
      capabilities: { tools: {} },
      serverInfo: { name: "odd", version: "1" },
    },
  }],
  "tools/list": [{ result: { tools: [{ name: "look", inputSchema: { type: "object" } }] } }],
  "tools/call": [{ result: { content: [{ type: "text", text: "ahoy" }] } }],
};

/** @returns A function that gives the answer to a message; absent: it gets none. */
function createOddAnswers(answers: OddAnswers) {
  const asked = new Map<string, number>();
  return ({ id, method = "" }: Asked): (OddAnswer & { readonly text?: string }) | undefined => {
    const list = answers[method] ?? READY[method];
    if (id === undefined || !list) return undefined;
    const at = asked.get(method) ?? 0;
    asked.set(method, at + 1);
    const answer = list[Math.min(at, list.length - 1)] ?? {};
    const { raw, result, error } = answer;
    if (raw !== undefined) return { ...answer, text: raw.replaceAll("$id", `${id}`) };
    if (result === undefined && error === undefined) return answer;
    return { ...answer, text: JSON.stringify({ jsonrpc: "2.0", id, result, error }) };
  };
}

export function oddProgram(answers: OddAnswers) {
  const { execPath, env: { DENO_DIR }, versions } = process;
  const entry = fileURLToPath(import.meta.url);
  const run = versions.deno ? ["run", "-A", "--no-check", "-q"] : [];
  return {
    command: execPath,
    args: [...run, entry, JSON.stringify(answers)],
    env: (DENO_DIR === undefined ? {} : { DENO_DIR }) as Record<string, string>,
  };
}

export async function startOddServer(answers: OddAnswers) {
  const answerTo = createOddAnswers(answers);
  const asked: Asked[] = [];
  const hasStream = Object.values(answers).flat().some((one) => one.also);
  let stream: ServerResponse | undefined;
  const server = createServer(async (request, response) => {
    let body = "";
    for await (const piece of request.setEncoding("utf8")) body += piece;
    if (request.method === "GET" && hasStream) {
      stream = response.writeHead(200, { "content-type": "text/event-stream" });
      return void response.write(":\n\n");
    }
    if (request.method !== "POST") return void response.writeHead(405).end();
    const message: Asked = JSON.parse(body);
    asked.push(message);
    if (message.id === undefined) return void response.writeHead(202).end();
    const answer = answerTo(message);
    if (!answer) return void response.writeHead(500).end();
    if (answer.also !== undefined) stream?.write(`data: ${JSON.stringify(answer.also)}\n\n`);
    const { text, status = 200, type = "application/json", sessionId, challenge } = answer;
    if (text === undefined && status === 200) return; // it says nothing
    if (sessionId !== undefined) response.setHeader("mcp-session-id", sessionId);
    if (challenge !== undefined) response.setHeader("www-authenticate", challenge);
    response.writeHead(status, type === "" ? {} : { "content-type": type });
    response.end(type === "text/event-stream" ? `data: ${text}\n\n` : text);
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`,
    /** All messages that it got. */
    asked,
    [Symbol.dispose]() {
      server.closeAllConnections();
      server.close();
    },
  };
}

if (import.meta.main) {
  const answerTo = createOddAnswers(JSON.parse(process.argv[2] ?? "{}"));
  createInterface({ input: process.stdin }).on("line", (line) => {
    const text = answerTo(JSON.parse(line))?.text;
    if (text !== undefined) process.stdout.write(`${text}\n`);
  });
}
