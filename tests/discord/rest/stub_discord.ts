/** A Discord on loopback that records every request and its mistakes. */

import { Buffer } from "node:buffer";
import { createServer, type ServerResponse } from "node:http";
import { listening } from "../../support/network/listening.ts";

/** The fields of a request's body that the tests check. */
export interface SentBody {
  readonly content?: string;
  readonly nonce?: string;
  readonly enforce_nonce?: boolean;
  readonly allowed_mentions?: { readonly parse?: readonly string[] };
}

export interface Seen {
  readonly method: string;
  /** From `/` on, without the API's version. */
  readonly path: string;
  readonly body: SentBody | undefined;
  /** Milliseconds by the server's clock, when the request was read. */
  readonly at: number;
}

export const TOKEN = "MTQwMA.abc.def-123";

/** Answers a request; a reply that never ends it leaves it open. */
export type Script = (seen: Seen, response: ServerResponse, index: number) => void | Promise<void>;

export async function startStub(script: Script) {
  const seen: Seen[] = [];
  const problems: string[] = [];

  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk) => chunks.push(chunk));
    request.on("end", () => {
      const at = performance.now();
      const { method = "", url = "", headers } = request;
      const text = Buffer.concat(chunks).toString();
      const expect = (isRight: boolean, problem: string) => {
        if (!isRight) problems.push(`${method} ${url}: ${problem}`);
      };
      expect(url.startsWith("/api/v10/"), "not below /api/v10");
      expect(headers.authorization === `Bot ${TOKEN}`, "wrong authorization");
      expect(/^DiscordBot \(https:\/\/\S+, 1\.2\.3\)$/.test(headers["user-agent"] ?? ""), "agent");
      expect(!url.includes(TOKEN) && !text.includes(TOKEN), "the token is outside its header");
      const body: SentBody | undefined = text === "" ? undefined : JSON.parse(text);
      if (method === "POST" && /\/channels\/\d+\/messages$/.test(url)) {
        expect(headers["content-type"] === "application/json", "content-type");
        expect(typeof body?.nonce === "string" && body.nonce.length <= 25, "no nonce");
        expect(body?.enforce_nonce === true, "no enforce_nonce");
        expect(Array.isArray(body?.allowed_mentions?.parse), "no allowed_mentions");
        expect(body?.allowed_mentions?.parse?.length === 0, "allows pings that it does not list");
      }
      const noted = { method, path: url.replace("/api/v10", ""), body, at };
      void script(noted, response, seen.push(noted) - 1);
    });
  });
  const port = await listening(server);

  return {
    url: `http://127.0.0.1:${port}/api`,
    seen,
    /** The client's violations of Discord's rules. */
    problems,
    async close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      await closed;
    },
  };
}

export function json(
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
): void {
  response.writeHead(status, { "content-type": "application/json", ...headers });
  response.end(JSON.stringify(body));
}

/** Answers with the message of the request, as Discord does. */
export function created({ body, path }: Seen, response: ServerResponse, index: number): void {
  json(response, 200, {
    id: String(1_400_000_000_000_000_000n + BigInt(index)),
    channel_id: path.split("/")[2],
    content: body?.content,
    nonce: body?.nonce,
  });
}

export function limited(
  response: ServerResponse,
  scope: "user" | "global" | "shared",
  seconds: number,
): void {
  json(
    response,
    429,
    { message: "You are being rate limited.", retry_after: seconds, global: scope === "global" },
    {
      "x-ratelimit-scope": scope,
      "retry-after": String(seconds),
      ...(scope === "global" && { "x-ratelimit-global": "true" }),
    },
  );
}
