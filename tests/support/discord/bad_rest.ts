/**
 * A server between the bot and the simulated Discord, with faults of its own.
 *
 * The simulator's own faults are those of Discord and of well-behaved proxies. This server can do
 * anything to a request, and passes on all others.
 */

import { Buffer } from "node:buffer";
import { createServer, type IncomingMessage, request, type ServerResponse } from "node:http";

/** The treatment of one request instead of passing it on. */
export type Misdeed = (outgoing: ServerResponse, discord: Discord) => void | Promise<void>;

export interface Discord {
  /** Passes the request to Discord, and returns the answer. */
  ask(): Promise<Passed>;
  /** The body of the request as text. */
  readonly body: string;
}

export interface Passed {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Uint8Array;
}

export interface BadRest extends AsyncDisposable {
  /** For `DISCORD_API_URL`. */
  readonly url: string;
  /** Sets the treatment of later messages to this channel. */
  spoil(channelId: string, misdeed: Misdeed): void;
  /** Removes all treatments. */
  recover(): void;
  /** Number of treated requests since the last {@link BadRest.spoil}. */
  spoilt(): number;
  /** Paths outside the API: targets of redirects. */
  readonly strayed: readonly string[];
}

/** @param target Base of the simulated API. */
export async function startBadRest(target: string): Promise<BadRest> {
  let bad: { readonly path: RegExp; readonly misdeed: Misdeed } | undefined;
  let spoilt = 0;
  const strayed: string[] = [];

  const server = createServer((incoming, outgoing) => {
    outgoing.on("error", () => outgoing.destroy()); // the client has left
    void treat(incoming, outgoing).catch(() => outgoing.destroy());
  });

  async function treat(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const { method = "GET", url = "/" } = incoming;
    if (!url.startsWith("/api/")) strayed.push(url);
    const body = await bodyOf(incoming);
    const ask = () => pass(new URL(url, target), method, incoming.headers, body);
    if (bad && method === "POST" && bad.path.test(url)) {
      spoilt += 1;
      return await bad.misdeed(outgoing, { ask, body: new TextDecoder().decode(body) });
    }
    const answer = await ask();
    outgoing.writeHead(answer.status, answer.headers).end(answer.body);
  }

  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const port = typeof address === "object" && address ? address.port : 0;
  return {
    url: `http://127.0.0.1:${port}`,
    strayed,
    spoil(channelId, misdeed) {
      bad = { path: new RegExp(`/channels/${channelId}/messages$`), misdeed };
      spoilt = 0;
    },
    recover() {
      bad = undefined;
    },
    spoilt: () => spoilt,
    async [Symbol.asyncDispose]() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      await closed;
    },
  };
}

function pass(
  url: URL,
  method: string,
  headers: IncomingMessage["headers"],
  body: Uint8Array,
): Promise<Passed> {
  return new Promise((resolve, reject) => {
    const passed = request(url, {
      method,
      headers: { ...headers, host: url.host, connection: "close" },
      agent: false,
    }, (answer) => {
      bodyOf(answer).then((read) =>
        resolve({
          status: answer.statusCode ?? 0,
          headers: withoutHops(answer.headers),
          body: read,
        }), reject);
    });
    passed.on("error", reject);
    passed.end(body);
  });
}

/** Headers about one connection, not about the answer. */
function withoutHops(headers: IncomingMessage["headers"]): Passed["headers"] {
  const hops = new Set(["connection", "keep-alive", "transfer-encoding", "content-length"]);
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !hops.has(name)));
}

async function bodyOf(incoming: IncomingMessage): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of incoming) chunks.push(chunk);
  return Buffer.concat(chunks);
}
