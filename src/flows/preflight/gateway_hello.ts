/**
 * Judges the last stage on the way to the gateway: the WebSocket, and HELLO on it.
 *
 * A refused upgrade and a WebSocket that ends need different steps. The first is mostly a filter
 * that knows HTTP only. After the second, the network has let a WebSocket pass.
 *
 * @module
 */

import type { HelloEnd, HelloStage } from "../../core/discord/gateway_hello.ts";
import type { Finding } from "../../core/finding.ts";
import type { Reachability } from "../../lib/network/reachability.ts";
import { quoted } from "../../lib/text/quoted.ts";

/** Judges a connection that waited for HELLO. */
export function judgeHello(
  { reach, hello }: { readonly reach: Reachability; readonly hello: HelloStage },
): Finding {
  const about = {
    id: "network.gateway.websocket",
    what: "Gateway: WebSocket",
    where: reach.host,
  };
  switch (hello.kind) {
    case "skipped":
      return { ...about, status: "skipped", why: "there was no connection" };
    case "ok": {
      const { openMs, heartbeatIntervalMs } = hello.found;
      const beats = `a heartbeat is wanted every ${Math.round(heartbeatIntervalMs / 1_000)} s`;
      const why = `open after ${Math.round(openMs)} ms, and it says HELLO; ${beats}`;
      return { ...about, status: "pass", why, ms: hello.ms };
    }
    case "failed": {
      const why = `no WebSocket to the gateway: ${hello.code}`;
      return { ...about, status: "fail", why, fix: refusalFix(hello.code, reach), ms: hello.ms };
    }
    case "ended":
      return {
        ...about,
        status: "fail",
        why: `the WebSocket opened, ${whatFollowed(hello.end)}`,
        fix: endFix(hello.end, reach),
        ms: hello.ms,
      };
  }
}

function refusalFix(code: string, { host, port }: Reachability): string {
  return code.includes("407")
    // After a second "http://", the log would take the example for a password.
    ? "write them into HTTPS_PROXY, between http:// and the host: as USER:PASSWORD@host:port"
    : code.includes("proxy")
    ? `ask whoever runs the proxy to let CONNECT ${host}:${port} pass`
    : `let WebSockets to ${host}:${port} pass; filters that know HTTP only stop them`;
}

function whatFollowed(end: HelloEnd): string {
  switch (end.kind) {
    case "closed": {
      const text = end.reason === "" ? "" : `, ${quoted(end.reason)}`;
      return `and the server closed it before HELLO: ${end.code}, ${end.meaning}${text}`;
    }
    case "broken":
      return `and the connection ended before HELLO (${end.code})`;
    case "silent":
      return "but HELLO did not come in time";
    case "foreign":
      return "but the first message is not HELLO";
  }
}

/** The next step after a WebSocket that opened. */
function endFix(end: HelloEnd, { host, port, proxy }: Reachability): string {
  switch (end.kind) {
    case "closed":
      return end.hint ??
        `the network works: try again in a minute; if it stays so, see ${newsOf(host)}`;
    case "broken":
    case "silent":
      return "try again in a minute; if it stays so, " +
        (proxy === undefined
          ? `a firewall or a filter on the way ends open WebSockets: let ${host}:${port} pass`
          : `ask the operator of the proxy ${proxy} to keep WebSockets to ${host}:${port} open`);
    case "foreign":
      return `another server answers in the gateway's place: see that this machine reaches the ` +
        `true ${host}, and that DISCORD_API_URL, if it is set, names a Discord server`;
  }
}

/** Where to read why a server closes connections. */
function newsOf(host: string): string {
  return /(?:^|\.)discord\.gg$/.test(host) ? "https://discordstatus.com" : `the log of ${host}`;
}
