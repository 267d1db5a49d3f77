/**
 * Opens a tunnel through an HTTP proxy with `CONNECT`.
 *
 * Neither runtime does this for plain sockets (G15). Errors name the proxy, because the operator
 * fixes them elsewhere than an outage of Discord.
 *
 * @see {@link https://www.rfc-editor.org/rfc/rfc9110#name-connect}
 * @module
 */

import { Buffer } from "node:buffer";
import type net from "node:net";

/** Bytes; a longer answer of a proxy is an error. */
const MAX_ANSWER_BYTES = 16_384;

/** The result of a tunnel request; exactly one method is called. */
export interface TunnelEvents {
  /** From now on the stream reaches the target. */
  onOpen(): void;
  /** The proxy refused: `"the proxy asks for a user and password (407)"`. */
  onRefused(reason: string): void;
}

/**
 * Asks a proxy for a tunnel.
 *
 * @param socket An open connection to the proxy.
 * @param proxy `http://user:pw@host:3128`. User and password appear only in the request.
 * @param target `"host:port"` to reach through the proxy.
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
    // The target speaks only after our request, so these bytes cannot be its own.
    if (answer.length > length + 4) {
      return finish(() => onRefused("the proxy sends data out of turn"));
    }
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

/** Decodes a user or password of a URL. A text with a lone `%` stays as it is. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text; // malformed escapes: only a `URIError` is possible here
  }
}

/** @returns Why the proxy refused; `undefined` if it opened the tunnel. */
function refusalIn(head: string): string | undefined {
  const status = /^HTTP\/1\.[01] (\d{3})/.exec(head)?.[1];
  if (status === undefined) return "the proxy is no HTTP proxy";
  if (status.startsWith("2")) return undefined;
  if (status === "407") return "the proxy asks for a user and password (407)";
  return `the proxy refused (HTTP ${status})`;
}
