/**
 * Opens the stream under the WebSocket: TCP, an optional proxy, and TLS.
 *
 * It uses `node:net` and `node:tls`, because TCP keepalive must be set on the kernel's socket,
 * below the proxy and TLS.
 *
 * @module
 */

import net from "node:net";
import tls from "node:tls";
import { codeOf } from "../../../lib/errors.ts";
import { hostOf, portOf } from "../../../lib/network/addresses.ts";
import { requestTunnel } from "./proxy.ts";

/** Where and how to connect. */
export interface TransportOptions {
  /** A URL with `wss:` or `ws:`. */
  readonly url: URL;
  /** Idle seconds before the kernel probes the peer; 0 disables the probes. */
  readonly tcpKeepaliveSec: number;
  /** The proxy to use, such as `"http://user:pw@host:3128"`; absent for a direct connection. */
  readonly proxy?: string;
}

/** The transport's calls to its owner. */
export interface TransportEvents {
  /** Called once, with the stream for the upgrade request. */
  onConnected(stream: net.Socket): void;
  /** The stream failed or ended, before or after `onConnected`. May be called more than once. */
  onEnd(reason: string): void;
}

/** A stream that is connecting or connected. */
export interface Transport {
  /** The step that has not succeeded yet, for time-out errors: `"no answer of the proxy"`. */
  readonly step: string;
  /** Applies `how` to the outermost stream. Destroys the streams below once that one is closed. */
  end(how: (stream: net.Socket) => void): void;
}

/** Milliseconds between attempts with different address families (RFC 8305). */
const ADDRESS_FAMILY_DELAY_MS = 250;

/** Starts connecting; the result arrives in `events`. */
export function openTransport(
  { url, tcpKeepaliveSec, proxy }: TransportOptions,
  events: TransportEvents,
): Transport {
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
    get step() {
      return step;
    },
    end(how) {
      const [outermost, ...below] = streams;
      if (outermost) how(outermost);
      for (const stream of below) outermost?.once("close", () => stream.destroy());
    },
  };
}

/** TCP options to connect to a URL's host. */
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
