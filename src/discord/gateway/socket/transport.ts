/**
 * Opens the stream under the WebSocket: TCP, an optional proxy, and TLS.
 *
 * It uses `node:net` and `node:tls`, because TCP keepalive must be set on the kernel's socket,
 * below the proxy and TLS. Neither runtime opens tunnels through a proxy for plain sockets (G15).
 * Errors name the proxy, because the operator fixes them elsewhere than an outage of Discord.
 *
 * @see {@link https://www.rfc-editor.org/rfc/rfc9110#name-connect}
 */

import net from "node:net";
import tls from "node:tls";
import { Buffer } from "node:buffer";
import { codeOf } from "../../../lib/errors.ts";
import { hostOf, portOf } from "../../../lib/network/addresses.ts";

export interface ConnectionOptions {
  /** A URL with `wss:`; with `ws:` only for this machine, and only without a proxy. */
  readonly url: URL;
  /** Idle seconds before the kernel probes the peer; 0 disables the probes. */
  readonly tcpKeepaliveSec: number;
  /** The proxy to use, such as `"http://user:pw@host:3128"`; absent for a direct connection. */
  readonly proxy?: string;
  /** Milliseconds from the name look-up to the 101 response. */
  readonly connectTimeoutMs: number;
  /** User-Agent of the upgrade, in the form that Discord requires of bots. */
  readonly userAgent: string;
  /** Whether Discord compresses its payloads with `zlib-stream`. */
  readonly compress: boolean;
}

/** Milliseconds between attempts with different address families (RFC 8305). */
const ADDRESS_FAMILY_DELAY_MS = 250;

/** Starts connecting; the result arrives in `events`. */
export function openTransport(
  { url, tcpKeepaliveSec, proxy }: Pick<ConnectionOptions, "url" | "tcpKeepaliveSec" | "proxy">,
  events: {
    /** Called once, with the stream for the upgrade request. */
    onConnected(stream: net.Socket): void;
    /** The stream failed or ended, before or after `onConnected`. May be called more than once. */
    onEnd(reason: string): void;
  },
) {
  const streams: net.Socket[] = [];
  const keepalive = {
    keepAlive: tcpKeepaliveSec > 0,
    keepAliveInitialDelay: tcpKeepaliveSec * 1_000,
  };
  let step = "no connection";

  /** Reports the stream's end; `prefix` is put before the reason. */
  const track = (stream: net.Socket, prefix: () => string = () => ""): net.Socket => {
    streams.unshift(stream);
    stream.on("error", (error) => events.onEnd(prefix() + nameOf(error)));
    stream.on("close", () => events.onEnd(`${prefix()}connection broke`));
    stream.on("end", () => events.onEnd(`${prefix()}connection broke`));
    return stream;
  };
  const connected = (stream: net.Socket) => {
    step = "no answer to the upgrade";
    events.onConnected(stream);
  };

  function connectDirectly(): void {
    const target = { ...keepalive, ...addressOf(url) };
    if (url.protocol !== "wss:") {
      const socket = track(net.connect(target));
      return void socket.once("connect", () => connected(socket));
    }
    const secure = track(tls.connect({ ...target, ...identityOf(url) }));
    secure.once("connect", () => step = "no TLS");
    secure.once("secureConnect", () => connected(secure));
  }

  function connectThroughProxy(proxyUrl: URL): void {
    let isTunnelOpen = false;
    const prefix = () => isTunnelOpen ? "" : "the proxy: ";
    const tunnel = (stream: net.Socket) => {
      step = "no answer of the proxy";
      requestTunnel(stream, proxyUrl, `${url.hostname}:${portOf(url)}`, {
        onOpen() {
          isTunnelOpen = true;
          if (url.protocol !== "wss:") return connected(stream);
          step = "no TLS";
          const secure = track(tls.connect({ socket: stream, ...identityOf(url) }));
          secure.once("secureConnect", () => connected(secure));
        },
        onRefused: events.onEnd,
      });
    };
    step = "no connection to the proxy";
    const target = { ...keepalive, ...addressOf(proxyUrl) };
    if (proxyUrl.protocol !== "https:") {
      const socket = track(net.connect(target), prefix);
      return void socket.once("connect", () => tunnel(socket));
    }
    const secure = track(tls.connect({ ...target, ...identityOf(proxyUrl) }), prefix);
    secure.once("secureConnect", () => tunnel(secure));
  }

  if (proxy === undefined) connectDirectly();
  else connectThroughProxy(new URL(proxy));
  return {
    /** The step that has not succeeded yet, for time-out errors: `"no answer of the proxy"`. */
    get step(): string {
      return step;
    },
    /** Applies `how` to the outermost stream. Destroys the streams below once that one is closed. */
    end(how: (stream: net.Socket) => void): void {
      const [outermost, ...below] = streams;
      if (outermost) how(outermost);
      for (const stream of below) outermost?.once("close", () => stream.destroy());
    },
  };
}

function addressOf(url: URL): net.TcpNetConnectOpts {
  return {
    host: hostOf(url),
    port: portOf(url),
    noDelay: true,
    autoSelectFamily: true,
    autoSelectFamilyAttemptTimeout: ADDRESS_FAMILY_DELAY_MS,
  };
}

/** TLS options to check a host's certificate. */
function identityOf(url: URL): tls.ConnectionOptions {
  const host = hostOf(url);
  return { host, servername: net.isIP(host) ? "" : host, ALPNProtocols: ["http/1.1"] };
}

/** Returns an error's code, such as `"ECONNREFUSED"`; without one its message or name. */
export function nameOf(error: Error): string {
  return codeOf(error) ?? (error.message || error.name);
}

/** Bytes; a longer answer of a proxy is an error. */
const MAX_ANSWER_BYTES = 16_384;

/**
 * Asks a proxy for a tunnel.
 *
 * @param socket An open connection to the proxy.
 * @param proxy `http://user:pw@host:3128`. User and password appear only in the request.
 * @param target `"host:port"` to reach through the proxy.
 */
function requestTunnel(
  socket: net.Socket,
  proxy: URL,
  target: string,
  { onOpen, onRefused }: {
    /** From now on the stream reaches the target. */
    onOpen(): void;
    /** The proxy refused: `"the proxy asks for a user and password (407)"`. */
    onRefused(reason: string): void;
  },
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
