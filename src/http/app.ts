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
 */

import type { Clock } from "../lib/clock.ts";
import { type Finding, isTrouble, type Status, worstStatus } from "../core/finding.ts";
import { isAlive, isReady, judgeHealth } from "./checks.ts";
import { createDetailGate, HEALTH_ROUTES, publicNames, refusalOf } from "./guard.ts";
import type { Build, Metrics, ProcessUsage } from "./metrics.ts";
import type { Snapshot } from "./snapshot.ts";

export interface AppPorts extends Clock {
  /** The snapshot from memory, without asking the store. */
  readonly snapshot: () => Snapshot;
  /** The snapshot after asking the store. */
  readonly measure: () => Promise<Snapshot>;
  readonly usage: () => ProcessUsage;
  readonly metrics: Metrics;
  /** The version, the commit and the libraries of this program. */
  readonly build: Build;
  /** `http.token`; without one, only Barnacle's own commands see details. */
  readonly token?: string;
  /** The secret of Barnacle's own commands. */
  readonly commandKey: string;
  /** `http.publicUrl`: its host name is allowed beside this machine's own. */
  readonly publicUrl?: string;
  /** Called with an internal error; the client only learns that there was one. */
  readonly onError: (error: unknown) => void;
}

/** The answer of `/status`, which `barnacle status --json` prints. */
export interface StatusReport {
  readonly status: Status;
  /** The version, the commit and the libraries of this program. */
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
 * @see {@link https://datatracker.ietf.org/doc/html/draft-inadarei-api-health-check-06}
 */
export function createApp(ports: AppPorts): HttpHandler {
  const { snapshot, measure, usage, metrics, build, now, token, publicUrl, onError } = ports;
  const showsDetail = createDetailGate([ports.commandKey, ...token === undefined ? [] : [token]]);
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
    const refusal = refusalOf(request, publicNames(publicUrl));
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
      onError(error);
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

/** Groups checks by name, as the format requires: several shards share a name. */
function byName(checks: readonly Finding[]): Partial<Record<string, object[]>> {
  return Object.groupBy(
    checks.map(({ id, where, status, why }) => ({ id, componentId: where, status, output: why })),
    ({ id }) => id,
  );
}
