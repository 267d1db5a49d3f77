/**
 * From an address to a stream that HTTP can be spoken on: TCP, a proxy where
 * there is one, and TLS.
 *
 * All of it is `node:net` and `node:tls`, because the keepalive is to be on the
 * socket that the kernel knows, whatever is wrapped around it.
 *
 * @module
 */

import net from "node:net";
import tls from "node:tls";
import { codeOf } from "../../../lib/error_code.ts";
import { hostOf, portOf } from "../../../lib/network/url_address.ts";
import { requestTunnel } from "./proxy.ts";

export interface TransportOptions {
  /** `wss:`, or `ws:`. */
  readonly url: URL;
  /** Idle seconds before the kernel probes the peer; 0 is never. */
  readonly tcpKeepaliveSec: number;
  /** `"http://user:pw@host:3128"`, where the way leads through it. */
  readonly proxy?: string;
}

export interface TransportEvents {
  /** Called once, with what the upgrade is written to. */
  onConnected(stream: net.Socket): void;
  /** Whatever ends it, before that or after; may be called more than once. */
  onEnd(reason: string): void;
}

export interface Transport {
  /** What has not happened yet, for a deadline that passes: `"no answer of the proxy"`. */
  readonly step: string;
  /** Ends the outermost stream so, and what it stands on after it. */
  end(how: (stream: net.Socket) => void): void;
}

/** Milliseconds between the first try of one address family and the next (RFC 8305). */
const ADDRESS_FAMILY_DELAY_MS = 250;

/** Starts connecting; says how it went. */
export function connectTransport(
  { url, tcpKeepaliveSec, proxy }: TransportOptions,
  events: TransportEvents,
): Transport {
  const streams: net.Socket[] = [];
  const keepalive = {
    keepAlive: tcpKeepaliveSec > 0,
    keepAliveInitialDelay: tcpKeepaliveSec * 1_000,
  };
  let step = "no connection";

  /** Whatever ends this stream ends everything; `whose` is put before the words. */
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

/** Where a stream begins. */
function addressOf(url: URL): net.TcpNetConnectOpts {
  return {
    host: hostOf(url),
    port: portOf(url),
    noDelay: true,
    autoSelectFamily: true,
    autoSelectFamilyAttemptTimeout: ADDRESS_FAMILY_DELAY_MS,
  };
}

/** Whose certificate is to be seen. */
function identityOf(url: URL): tls.ConnectionOptions {
  const host = hostOf(url);
  return { host, servername: net.isIP(host) ? "" : host, ALPNProtocols: ["http/1.1"] };
}

/** `"ECONNREFUSED"` where the system has a name for it. */
export function nameOf(error: Error): string {
  return codeOf(error) ?? (error.message || error.name);
}
