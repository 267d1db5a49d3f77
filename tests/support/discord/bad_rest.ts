/**
 * A server between the bot and the simulated Discord that is bad on purpose.
 *
 * The simulator's own faults are those of Discord and of proxies that mean well. This one may do
 * with a request whatever a server can, and passes on all that it is not told to spoil.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { createServer, type IncomingMessage, request, type ServerResponse } from "node:http";

/** What is done with one request in place of passing it on. */
export type Misdeed = (outgoing: ServerResponse, discord: Discord) => void | Promise<void>;

export interface Discord {
  /** Has Discord do what the request asks, and gives its answer. */
  ask(): Promise<Passed>;
}

export interface Passed {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Uint8Array;
}

export interface BadRest extends AsyncDisposable {
  /** For `DISCORD_API_URL`. */
  readonly url: string;
  /** From now on, messages to this channel meet this. */
  spoil(channelId: string, misdeed: Misdeed): void;
  /** From now on all is well. */
  recover(): void;
  /** Requests that were spoilt since the last {@link BadRest.spoil}. */
  spoilt(): number;
  /** Paths that belong to no API: where a redirect led. */
  readonly strayed: readonly string[];
}

/** @param target Base of the simulated API. */
export async function startBadRest(target: string): Promise<BadRest> {
  let bad: { readonly path: RegExp; readonly misdeed: Misdeed } | undefined;
  let spoilt = 0;
  const strayed: string[] = [];

  const server = createServer((incoming, outgoing) => {
    outgoing.on("error", () => outgoing.destroy()); // who asked has gone
    void treat(incoming, outgoing).catch(() => outgoing.destroy());
  });

  async function treat(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const { method = "GET", url = "/" } = incoming;
    if (!url.startsWith("/api/")) strayed.push(url);
    const body = await bodyOf(incoming);
    const ask = () => pass(new URL(url, target), method, incoming.headers, body);
    if (bad && method === "POST" && bad.path.test(url)) {
      spoilt += 1;
      return await bad.misdeed(outgoing, { ask });
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

/** Headers that are about one connection, not about the answer. */
function withoutHops(headers: IncomingMessage["headers"]): Passed["headers"] {
  const hops = new Set(["connection", "keep-alive", "transfer-encoding", "content-length"]);
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !hops.has(name)));
}

async function bodyOf(incoming: IncomingMessage): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of incoming) chunks.push(chunk);
  return Buffer.concat(chunks);
}
