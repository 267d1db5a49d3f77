/**
 * Builds the bot's HTTP application: health, metrics and status behind one guard.
 *
 * - `/livez`, for a supervisor: would a restart help?
 * - `/readyz`, for an uptime monitor: would a message sent now be answered?
 * - `/healthz`, for people and dashboards: which checks fail?
 *
 * An outage of Discord must fail `/readyz` at once and `/livez` never, or a supervisor would
 * restart a bot that is busy resuming. A bot that answers in spite of a minor problem is ready, and
 * its status is `warn`.
 *
 * Each answer is computed at the request, from the bot's own state: no request waits for Discord or
 * a model. The application depends neither on the bot nor on a socket.
 *
 * A web page in a browser on this machine can reach loopback too, under a host name of its own that
 * points here (DNS rebinding). So the requested host name counts.
 */

import { Buffer } from "node:buffer";
import { createHash, timingSafeEqual } from "node:crypto";
import { type Finding, isTrouble, type Status, worstStatus } from "../core/finding.ts";
import type { Bot } from "../account/account.ts";
import type { Secret } from "../config/schema/parts/secrets.ts";
import { hasNameOf, LOCAL_NAMES } from "../lib/network/addresses.ts";
import { isAlive, isReady, judgeHealth } from "./checks.ts";
import type { Build, Metrics, ProcessUsage } from "./monitor/health_monitor.ts";
import type { Snapshot } from "./snapshot.ts";

/** The bounds of a route (SEC-R31, SEC-R35). */
export interface RouteRule {
  /** `GET` allows `HEAD`, too. */
  readonly method: "GET" | "POST";
  /** Path, with `:name` for one segment. */
  readonly path: string;
  /**
   * What a client needs beside an allowed host name.
   *
   * - `details`: `http.token`, or the key of Barnacle's own commands.
   * - `session`: the token of a session of the dashboard.
   * - `hook`: the secret of the named hook, or a signature made with it.
   * - `state`: the random `state` of a sign-in that waits, in the address.
   */
  readonly auth: "none" | "details" | "session" | "hook" | "state";
  /** Maximum bytes of a body; 0: the route reads none. */
  readonly maxBodyBytes: number;
}

/** The routes that exist without the dashboard. All of them are read-only. */
export const HEALTH_ROUTES = [
  { method: "GET", path: "/livez", auth: "none", maxBodyBytes: 0 },
  { method: "GET", path: "/readyz", auth: "none", maxBodyBytes: 0 },
  { method: "GET", path: "/healthz", auth: "none", maxBodyBytes: 0 },
  { method: "GET", path: "/metrics", auth: "details", maxBodyBytes: 0 },
  { method: "GET", path: "/status", auth: "details", maxBodyBytes: 0 },
] as const satisfies readonly RouteRule[];

/**
 * Rejects a request before any handler sees it.
 *
 * @param hosts Host names beside this machine's own, without a port: `"barnacle.home.arpa"`.
 * @returns The reason in words; `undefined` if the request is allowed.
 */
export function refusalOf(request: Request, hosts: readonly string[] = []): string | undefined {
  const names = [...LOCAL_NAMES, ...hosts.map((host) => host.toLowerCase())];
  if (!hasNameOf(request, names)) {
    return "This host name is not that of http.publicUrl";
  }
  const origin = request.headers.get("origin");
  if (origin !== null && !isOneOf(origin, names)) {
    return "Pages of other sites may not send requests here";
  }
  if (request.headers.get("sec-fetch-site") === "cross-site") {
    return "Pages of other sites may not send requests here";
  }
  return undefined;
}

/** The host name of `http.publicUrl`, for {@link refusalOf}. */
export const publicNames = (url?: string): readonly string[] =>
  url === undefined ? [] : [new URL(url).hostname];

/**
 * Rejects a request that may change something, unless it comes from a page of this server. Pages of
 * another program on this machine have the same site, but not the same origin. A form of a page can
 * neither send this content type nor ask for it.
 *
 * @param publicUrl `http.publicUrl`: a proxy may send another `Host` than the browser.
 * @returns The reason in words; `undefined` if the request is allowed.
 */
export function refusalOfChange({ headers }: Request, publicUrl?: string): string | undefined {
  const origin = headers.get("origin");
  const site = headers.get("sec-fetch-site");
  const host = headers.get("host");
  const own = [publicUrl, `http://${host}`, `https://${host}`];
  const isForeign = origin !== null &&
    !own.map((url = "") => URL.parse(url)?.origin).includes(URL.parse(origin)?.origin ?? "");
  if (isForeign || site !== null && site !== "same-origin") {
    return "Only this server's own page may send this request";
  }
  return headers.get("content-type") === "application/json"
    ? undefined
    : "Only JSON is accepted here";
}

/**
 * The headers of an answer to a browser: it loads nothing of other sites, runs and styles nothing
 * inline, and is in no frame of another page.
 *
 * @param trustedTypes The one policy by which a script may turn text into elements, or `'none'`.
 */
export function browserHeaders(trustedTypes: string): Readonly<Record<string, string>> {
  return {
    "Cache-Control": "no-store",
    "Content-Security-Policy": [
      "default-src 'none'",
      "script-src 'self'",
      "style-src 'self'",
      "img-src 'self'",
      "media-src 'self'",
      "connect-src 'self'",
      "base-uri 'none'",
      "form-action 'none'",
      "frame-ancestors 'none'",
      "require-trusted-types-for 'script'", // the browser itself refuses text as markup
      `trusted-types ${trustedTypes}`,
    ].join("; "),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
  };
}

/** The token of a request: `"Bearer …"`; `undefined` without one. */
export function bearerOf(headers: Headers): string | undefined {
  return /^Bearer (\S+)$/i.exec(headers.get("authorization") ?? "")?.[1];
}

/**
 * Creates the check whether a client may see details: it has one of the tokens. Being on this host is
 * not enough, because programs of MCP servers are there, too, and other users.
 */
function createDetailGate(tokens: readonly string[]): (request: Request) => boolean {
  return (request) => {
    const given = bearerOf(request.headers);
    return given !== undefined && tokens.some((token) => isSameToken(given, token));
  };
}

/** Compares two texts in constant time, by their digests, so that not even the length leaks. */
export function isSameToken(given: string, token: string): boolean {
  return timingSafeEqual(digest(given), digest(token));
}

function digest(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}

function isOneOf(origin: string, names: readonly string[]): boolean {
  return URL.canParse(origin) && names.includes(new URL(origin).hostname);
}

/** The answer of `/status`, which `barnacle status --json` prints. */
export interface StatusReport {
  readonly status: Status;
  readonly build: Build;
  readonly at: number;
  readonly snapshot: Snapshot;
  readonly findings: readonly Finding[];
}

export type HttpHandler = (request: Request) => Response | Promise<Response>;

const HEADERS = {
  "Cache-Control": "no-store",
  "Content-Security-Policy": "default-src 'self'; frame-ancestors 'none'",
  "Referrer-Policy": "no-referrer",
  "X-Content-Type-Options": "nosniff",
} as const;

/**
 * Answers a request.
 *
 * @param isDetailed Whether the client may see details.
 */
type Answer = (isDetailed: boolean, query: URLSearchParams) => Response | Promise<Response>;

/**
 * Creates the application; `host/http_server.ts` adds the sockets.
 *
 * @param http Without a token, only Barnacle's own commands see details.
 * @see {@link https://datatracker.ietf.org/doc/html/draft-inadarei-api-health-check-06}
 */
export function createApp(
  bot: Bot,
  http: { readonly token?: Secret; readonly publicUrl?: string },
  metrics: Metrics,
  usage: () => ProcessUsage,
): HttpHandler {
  const { health: { snapshot, measure }, build, commandKey, now } = bot;
  const token = http.token?.reveal();
  const showsDetail = createDetailGate([commandKey, ...token === undefined ? [] : [token]]);
  const refusedDetail = token === undefined
    ? "Details are for clients with http.token, which the config does not set. `barnacle status` shows them"
    : "Details are for clients with http.token";

  const answers: Readonly<Record<typeof HEALTH_ROUTES[number]["path"], Answer>> = {
    "/livez"() {
      const ok = isAlive(snapshot(), now());
      return health(ok, { status: ok ? "pass" : "fail" });
    },
    async "/readyz"(isDetailed, query) {
      const checks = judgeHealth(await measure(), now());
      const ok = isReady(checks);
      const degraded = checks.filter(isTrouble);
      const status = !ok ? "fail" : degraded.length > 0 ? "warn" : "pass";
      if (!isDetailed) return health(ok, { status }); // names of checks have names of models
      return health(ok, {
        status,
        failing: namesOf(checks.filter((check) => check.isReady === false)),
        degraded: ok && degraded.length > 0 ? namesOf(degraded) : undefined,
        checks: query.has("verbose") ? byName(checks) : undefined,
      });
    },
    async "/healthz"(isDetailed) {
      const checks = judgeHealth(await measure(), now());
      const status = worstStatus(checks);
      return health(status !== "fail", {
        status,
        ...(isDetailed && {
          version: "1", // version of this response, as the format requires
          releaseId: build.version,
          description: "Barnacle Discord agent",
          checks: byName(checks),
          links: { metrics: "/metrics", ready: "/readyz", live: "/livez" },
        }),
      });
    },
    async "/metrics"() {
      for (const { accountId, stats } of bot.accounts.values()) {
        const counted = stats();
        if (counted) bot.meter.gateway(accountId, counted);
      }
      return new Response(metrics.text(await measure(), usage(), now()), {
        headers: { "Content-Type": "text/plain; version=0.0.4; charset=utf-8" },
      });
    },
    async "/status"() {
      const taken = await measure();
      const at = now();
      const findings = judgeHealth(taken, at);
      const status = worstStatus(findings);
      return Response.json({ status, build, at, snapshot: taken, findings } satisfies StatusReport);
    },
  };

  async function answer(request: Request): Promise<Response> {
    const refusal = refusalOf(request, publicNames(http.publicUrl));
    if (refusal !== undefined) return new Response(refusal, { status: 403 });
    const { pathname, searchParams } = new URL(request.url);
    const route = HEALTH_ROUTES.find(({ path }) => path === pathname);
    if (!route) return new Response("Nothing here", { status: 404 });
    if (request.method !== "GET" && request.method !== "HEAD") {
      const headers = { Allow: "GET, HEAD" };
      return new Response("This server is read-only", { status: 405, headers });
    }
    const isDetailed = showsDetail(request);
    if (route.auth === "details" && !isDetailed) {
      const headers = { "WWW-Authenticate": 'Bearer realm="barnacle"' };
      return new Response(refusedDetail, { status: 401, headers });
    }
    try {
      return await answers[route.path](isDetailed, searchParams);
    } catch (error) {
      bot.logging.forPart("http").error("A request failed", { error });
      return new Response("Internal error; see the log", { status: 500 });
    }
  }

  return async (request) => {
    const response = await answer(request);
    for (const [name, value] of Object.entries(HEADERS)) response.headers.set(name, value);
    return request.method === "HEAD" ? new Response(null, response) : response;
  };
}

function health(ok: boolean, body: object): Response {
  const headers = { "Content-Type": "application/health+json" };
  return new Response(JSON.stringify(body), { status: ok ? 200 : 503, headers });
}

function namesOf(checks: readonly Finding[]): readonly string[] {
  return [...new Set(checks.map(({ id }) => id))];
}

/** Groups checks by name, as the format requires: several accounts share a name. */
function byName(checks: readonly Finding[]): Partial<Record<string, object[]>> {
  return Object.groupBy(
    checks.map(({ id, where, status, why }) => ({ id, componentId: where, status, output: why })),
    ({ id }) => id,
  );
}
