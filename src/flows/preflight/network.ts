/**
 * Judges the way to Discord, stage by stage, with a next step for the first that fails (G13); and the
 * answers at its end: to a plain request of the REST API, with the clock that it shows, and HELLO of the
 * gateway.
 */

import type { HelloStage } from "../../core/discord/gateway.ts";
import type { Finding, Judgement } from "../../core/finding.ts";
import type { HttpFound, Reachability, Stage } from "../../lib/network/reachability.ts";

/** Judges a connection that waited for HELLO. */
function judgeHello(
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
function judgeHttp(
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
): Judgement {
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
function judgeClock(stage: Stage<HttpFound>): readonly Finding[] {
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

export interface NetworkFacts {
  /** The way to the REST API, and its answer to a plain request. */
  readonly rest: { readonly reach: Reachability; readonly http: Stage<HttpFound> };
  /**
   * The way to the gateway, and its greeting. Absent if its URL is unknown, or if a running bot's
   * own connection shows the state.
   */
  readonly gateway?: { readonly reach: Reachability; readonly hello: HelloStage };
  /** Whether `gateway` should be present. */
  readonly expectsGateway: boolean;
  /** Whether a container engine such as Docker sets this process's name servers. */
  readonly isContainer: boolean;
  /** Proxy variables whose value Barnacle does not support. */
  readonly unusableProxies: readonly { readonly variable: string; readonly why: string }[];
  /** Whether to show look-ups in rows of their own, from `preflight.dns`. */
  readonly showsDns: boolean;
}

/**
 * Judges all facts about the network.
 *
 * @returns Findings in the order in which to show them.
 */
export function judgeNetwork(facts: NetworkFacts, now: number): readonly Finding[] {
  const { rest, gateway, expectsGateway } = facts;
  return [
    ...proxies(facts),
    ...stages("network.rest", rest.reach, facts, now),
    judgeHttp(rest),
    ...judgeClock(rest.http),
    ...(gateway
      ? [...stages("network.gateway", gateway.reach, facts, now), judgeHello(gateway)]
      : expectsGateway
      ? [
        skipped(
          { id: "network.gateway.websocket", what: "Gateway: WebSocket" },
          "its URL is unknown",
        ),
      ]
      : []),
  ];
}

function proxies({ rest, gateway, unusableProxies }: NetworkFacts): readonly Finding[] {
  const names = [rest.reach.proxy, gateway?.reach.proxy].filter((proxy) => proxy !== undefined);
  return [
    ...unusableProxies.map(({ variable, why }): Finding => ({
      id: "network.proxy",
      what: "Proxy",
      status: "fail",
      where: variable,
      why: `${variable} is set, and cannot be used: ${why}`,
      fix: `set ${variable}=http://host:port, or unset it`,
    })),
    ...[...new Set(names)].map((name): Finding => ({
      id: "network.proxy",
      what: "Proxy",
      status: "pass",
      where: name,
      why: `connections to Discord use the proxy ${name}`,
    })),
  ];
}

/** Look-up, TCP and TLS; a stage without news has no row. */
function stages(
  way: "network.rest" | "network.gateway",
  reach: Reachability,
  facts: NetworkFacts,
  now: number,
): readonly Finding[] {
  const of = way === "network.rest" ? "REST API" : "Gateway";
  const title = (step: string) => ({ id: `${way}.${step.toLowerCase()}`, what: `${of}: ${step}` });
  return [
    facts.showsDns ? dns(title("DNS"), reach, facts.isContainer) : undefined,
    tcp(title("TCP"), reach),
    tls(title("TLS"), reach, now),
  ].filter((finding) => finding !== undefined);
}

interface Title {
  readonly id: string;
  readonly what: string;
}

function dns(title: Title, reach: Reachability, isContainer: boolean): Finding | undefined {
  const { dns: stage } = reach;
  const where = reach.proxy?.replace(/:\d+$/, "") ?? reach.host;
  if (stage.kind === "skipped") return undefined; // an address needs no look-up
  if (stage.kind === "ok") {
    const { addresses } = stage.found;
    return { ...title, status: "pass", where, why: addresses.join(", "), ms: stage.ms };
  }
  return {
    ...title,
    status: "fail",
    where,
    why: `the name ${where} was not found (${stage.code})`,
    fix: isContainer
      ? "give the container a name server: `docker run --dns 1.1.1.1`, or `dns: [1.1.1.1]` in " +
        "compose.yaml; /etc/resolv.conf in the image has no effect"
      : "check which name servers this machine uses (/etc/resolv.conf, or the router), and whether " +
        "they answer",
    ms: stage.ms,
  };
}

function tcp(title: Title, { tcp: stage, host, port, proxy }: Reachability): Finding {
  const where = proxy ?? `${host}:${port}`;
  if (stage.kind === "skipped") return skipped(title, "the name was not found");
  if (stage.kind === "ok") {
    const why = stage.found.tried.map(({ address, ms, code }) =>
      `${address} ${ms === undefined ? `does not answer (${code})` : `in ${Math.round(ms)} ms`}`
    ).join(", ");
    return { ...title, status: "pass", where, why, ms: stage.ms };
  }
  return {
    ...title,
    status: "fail",
    where,
    why: `${where} cannot be reached (${stage.code})`,
    fix: proxy === undefined
      ? `allow this machine to connect to ${where} (TCP, outbound), or set a proxy with HTTPS_PROXY`
      : "check that the proxy runs, and that HTTPS_PROXY has its host and port",
    ms: stage.ms,
  };
}

function tls(title: Title, reach: Reachability, now: number): Finding | undefined {
  const { tls: stage, host, port } = reach;
  const where = `${host}:${port}`;
  if (stage.kind === "skipped") {
    return stage.why === "earlier" ? skipped(title, "there was no connection") : undefined;
  }
  if (stage.kind === "failed") {
    return {
      ...title,
      status: "fail",
      where,
      why: `${where} does not answer with valid TLS (${stage.code})`,
      fix: "a firewall, a login page or a proxy answers in its place. " +
        "Allow this host there, or set the proxy with HTTPS_PROXY",
      ms: stage.ms,
    };
  }
  const { protocol, issuer, validTo, refused } = stage.found;
  const until = new Date(Number.isNaN(validTo) ? now : validTo).toISOString().slice(0, 10);
  if (refused === undefined) {
    const why = `${protocol}, certificate by ${issuer} until ${until}`;
    return { ...title, status: "pass", where, why, ms: stage.ms };
  }
  return {
    ...title,
    status: "fail",
    where,
    why: `the certificate of ${host} is not trusted (${refused}); issued by ${issuer}, ` +
      `valid until ${until}`,
    fix: /EXPIRED|NOT_YET/.test(refused)
      ? "set this machine's clock; if it is right, the server's operator must renew"
      : /ALTNAME|HOSTNAME/.test(refused)
      ? `another server answers for ${host}: check the name servers, and /etc/hosts`
      : "a proxy on the way decrypts the connection. If that is intended, set its certificate with " +
        "NODE_EXTRA_CA_CERTS=/path/to/ca.pem; if not, do not trust this network",
    ms: stage.ms,
  };
}

function skipped(title: Title, why: string): Finding {
  return { ...title, status: "skipped", why };
}
