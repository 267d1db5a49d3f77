/**
 * Judges the answers at the end of the ways to Discord: to a plain request of the REST API, with the
 * clock that it shows, and the WebSocket to the gateway with HELLO on it.
 */

import type { HelloStage } from "../../core/discord/gateway.ts";
import type { Finding } from "../../core/finding.ts";
import type { HttpFound, Reachability, Stage } from "../../lib/network/reachability.ts";

/** Judges a connection that waited for HELLO. */
export function judgeHello(
  { reach, hello }: { readonly reach: Reachability; readonly hello: HelloStage },
): Finding {
  const about = { id: "network.gateway.websocket", what: "Gateway: WebSocket", where: reach.host };
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
      return { ...about, status: "fail", why, fix: helloFix(hello.code, reach), ms: hello.ms };
    }
  }
}

function helloFix(code: string, { host, port }: Reachability): string {
  return code.includes("407")
    // After a second "http://", the log would take the example for a password.
    ? "write them into HTTPS_PROXY, between http:// and the host: as USER:PASSWORD@host:port"
    : code.includes("proxy")
    ? `ask whoever runs the proxy to let CONNECT ${host}:${port} pass`
    : `let WebSockets to ${host}:${port} pass the firewalls, filters and proxies on the way; if they ` +
      "do, try again in a minute, and see https://discordstatus.com";
}

/** Milliseconds by which the clock may be wrong (G13). */
const MAX_SKEW_MS = 5_000;

/** Judges the answer to a plain request to Discord's REST API. */
export function judgeHttp(
  { reach, http: stage }: { readonly reach: Reachability; readonly http: Stage<HttpFound> },
): Finding {
  const about = { id: "network.rest.http", what: "REST API: HTTP", where: reach.host };
  if (stage.kind === "skipped") {
    return { ...about, status: "skipped", why: "there was no connection" };
  }
  if (stage.kind === "failed") {
    return {
      ...about,
      status: "fail",
      why: `no answer to a request (${stage.code})`,
      fix: reach.proxy === undefined
        ? "try again; if it still fails, check the firewalls between this machine and Discord"
        : `ask the operator of the proxy ${reach.proxy} to allow ${reach.host}`,
      ms: stage.ms,
    };
  }
  const { ms, found } = stage;
  return { ...about, ...judgeAnswer(found, reach.host), ms };
}

/** Decides who answered: Discord, the firewall in front of it, or another server. */
function judgeAnswer(
  { status, json, server, location, retryAfterSec }: HttpFound,
  host: string,
): Pick<Finding, "status" | "why" | "fix"> {
  const isCloudflare = server === "cloudflare";
  if (status === 429 || (isCloudflare && json === undefined && status === 403)) {
    const wait = retryAfterSec === undefined ? "an hour" : `${Math.ceil(retryAfterSec / 60)} min`;
    return {
      status: "fail",
      why: isCloudflare && json === undefined
        ? `Cloudflare blocks this address (HTTP ${status})`
        : `Discord received too many requests from this address (HTTP ${status})`,
      fix: `stop the program that sends too many requests from this address, and wait ${wait}`,
    };
  }
  if (status >= 500) {
    return {
      status: "warn",
      why: `Discord has a problem of its own (HTTP ${status})`,
      fix: "wait, and see https://discordstatus.com",
    };
  }
  if (json !== undefined && location === undefined) {
    return { status: "pass", why: `HTTP ${status}` };
  }
  return {
    status: "fail",
    why: location === undefined
      ? `another server answers in Discord's place (HTTP ${status})`
      : `the request is redirected to ${originOf(location, host)} (HTTP ${status})`,
    fix: `log in to this network with a browser if it requires that; otherwise allow ${host} in ` +
      "its filter",
  };
}

/** Judges this machine's clock by the answer's date. None without a date. */
export function judgeClock(stage: Stage<HttpFound>): readonly Finding[] {
  if (stage.kind !== "ok" || stage.found.skewMs === undefined) return [];
  const { skewMs } = stage.found;
  const isWrong = Math.abs(skewMs) > MAX_SKEW_MS;
  const seconds = Math.round(Math.abs(skewMs) / 1_000);
  return [{
    id: "network.clock",
    what: "Clock",
    status: isWrong ? "warn" : "pass",
    why: isWrong
      ? `this machine's clock is ${seconds} s ${skewMs > 0 ? "ahead" : "behind"}`
      : "correct to within a few seconds",
    fix: isWrong ? "synchronize it: `timedatectl set-ntp true`" : undefined,
  }];
}

/** The origin of a redirect's target. The rest of the URL may contain personal data. */
function originOf(location: string, host: string): string {
  return URL.parse(location, `https://${host}`)?.host ?? "nowhere";
}
