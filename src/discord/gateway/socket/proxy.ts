/**
 * A way through an HTTP proxy: `CONNECT`, and from then on the bytes are ours.
 *
 * Neither runtime does this for a socket of one's own (G15). What a proxy can do
 * wrong is told apart, since it is mended elsewhere than Discord's outages are.
 *
 * @see {@link https://www.rfc-editor.org/rfc/rfc9110#name-connect}
 * @module
 */

import { Buffer } from "node:buffer";
import type net from "node:net";

/** Bytes; the longest answer of a proxy that is read. */
const MAX_ANSWER_BYTES = 16_384;

export interface TunnelEvents {
  /** The bytes that follow are the other end's. */
  onOpen(): void;
  /** `"the proxy asks for a user and password (407)"`. */
  onRefused(reason: string): void;
}

/**
 * Asks for the way to `host:port`, over a connection to the proxy.
 *
 * @param proxy `http://user:pw@host:3128`; user and password go nowhere but into the request.
 */
export function requestTunnel(
  socket: net.Socket,
  proxy: URL,
  target: string,
  { onOpen, onRefused }: TunnelEvents,
): void {
  let answer: Buffer = Buffer.alloc(0);
  const onData = (data: Buffer) => {
    answer = Buffer.concat([answer, data]);
    const length = answer.indexOf("\r\n\r\n");
    if (length < 0) {
      if (answer.length > MAX_ANSWER_BYTES) finish(() => onRefused("the proxy is no HTTP proxy"));
      return;
    }
    const reason = refusalIn(answer.subarray(0, length).toString("latin1"));
    if (reason !== undefined) return finish(() => onRefused(reason));
    // A server speaks only once it is spoken to, so nothing of its own can be here.
    if (answer.length > length + 4) return finish(() => onRefused("the proxy speaks out of turn"));
    finish(onOpen);
  };
  const finish = (then: () => void) => {
    socket.off("data", onData);
    then();
  };
  socket.on("data", onData);
  socket.write(connectRequest(proxy, target));
}

function connectRequest({ username, password }: URL, target: string): string {
  const user = Buffer.from(`${decoded(username)}:${decoded(password)}`);
  return [
    `CONNECT ${target} HTTP/1.1`,
    `Host: ${target}`,
    ...(username === "" ? [] : [`Proxy-Authorization: Basic ${user.toString("base64")}`]),
    "\r\n",
  ].join("\r\n");
}

/** What stands in a URL for a name or a password; who wrote a lone `%` there meant just that. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text; // no escapes: only a `URIError` can come of it
  }
}

/** Why a proxy's answer opens no way; `undefined` if it does. */
function refusalIn(head: string): string | undefined {
  const status = /^HTTP\/1\.[01] (\d{3})/.exec(head)?.[1];
  if (status === undefined) return "the proxy is no HTTP proxy";
  if (status.startsWith("2")) return undefined;
  if (status === "407") return "the proxy asks for a user and password (407)";
  return `the proxy refused (HTTP ${status})`;
}
