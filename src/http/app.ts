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

import type { Account } from "../core/account/account.ts";
import { type Context, Hono, type MiddlewareHandler } from "hono";
import { type Finding, isTrouble, type Status, worstStatus } from "../core/finding.ts";
import { isAlive, isReady, judgeHealth } from "./checks.ts";
import { createDetailGate, publicNames, refusalOf } from "./guard.ts";
import type { Build, Metrics, ProcessUsage } from "./metrics.ts";
import { HEALTH_ROUTES } from "./routes.ts";
import type { Snapshot } from "./snapshot.ts";

export interface AppPorts extends Pick<Account, "now"> {
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

/** Other paths reach no handler, so no route can lack its row. */
const PATHS: ReadonlySet<string> = new Set(HEALTH_ROUTES.map(({ path }) => path));

const HEADERS = {
  "Cache-Control": "no-store",
  "Content-Security-Policy": "default-src 'self'; frame-ancestors 'none'",
  "Referrer-Policy": "no-referrer",
  "X-Content-Type-Options": "nosniff",
} as const;

/** Creates the application; `host/http_server.ts` adds the sockets. */
export function createApp(ports: AppPorts): HttpHandler {
  const { snapshot, measure, usage, metrics, build, now, token, publicUrl, onError } = ports;
  const showsDetail = createDetailGate([ports.commandKey, ...token === undefined ? [] : [token]]);
  const refusedDetail = token === undefined
    ? "Details are for clients with http.token, which the config does not set. `barnacle status` shows them"
    : "Details are for clients with http.token";
  const app = new Hono();

  app.use(async (c, next) => {
    const refusal = refusalOf(c.req.raw, publicNames(publicUrl));
    if (refusal !== undefined) c.res = c.text(refusal, 403);
    else if (!PATHS.has(c.req.path)) c.res = c.text("Nothing here", 404);
    else if (c.req.method !== "GET" && c.req.method !== "HEAD") {
      c.res = c.text("This server is read-only", 405, { Allow: "GET, HEAD" });
    } else await next();
    for (const [name, value] of Object.entries(HEADERS)) c.res.headers.set(name, value);
  });

  const withDetail: MiddlewareHandler = async (c, next) => {
    if (showsDetail(c.req.raw)) return await next();
    return c.text(refusedDetail, 401, { "WWW-Authenticate": 'Bearer realm="barnacle"' });
  };
  for (const { path, auth } of HEALTH_ROUTES) if (auth === "details") app.use(path, withDetail);

  app.route("/", createHealthApp({ snapshot, measure, now, version: build.version, showsDetail }));
  app.get("/metrics", async (c) =>
    c.body(metrics.text(await measure(), usage(), now()), 200, {
      "Content-Type": "text/plain; version=0.0.4; charset=utf-8",
    }));
  app.get("/status", async (c) => {
    const taken = await measure();
    const at = now();
    const findings = judgeHealth(taken, at);
    const status = worstStatus(findings);
    return c.json({ status, build, at, snapshot: taken, findings } satisfies StatusReport);
  });

  app.onError((error, c) => {
    onError(error);
    return c.text("Internal error; see the log", 500);
  });

  return (request) => app.fetch(request);
}

/**
 * Creates the health endpoints, without guard and socket.
 *
 * @see {@link https://datatracker.ietf.org/doc/html/draft-inadarei-api-health-check-06}
 */
export function createHealthApp(
  { snapshot, measure, now, version, showsDetail }:
    & Pick<AppPorts, "snapshot" | "measure" | "now">
    & {
      readonly version: string;
      /** Whether the client may see details. */
      readonly showsDetail: (request: Request) => boolean;
    },
): Hono {
  const app = new Hono();

  app.get("/livez", (c) => {
    const ok = isAlive(snapshot(), now());
    return answer(c, ok, { status: ok ? "pass" : "fail" });
  });

  app.get("/readyz", async (c) => {
    const checks = judgeHealth(await measure(), now());
    const ok = isReady(checks);
    const degraded = checks.filter(isTrouble);
    const status = !ok ? "fail" : degraded.length > 0 ? "warn" : "pass";
    // Names of checks have names of models.
    if (!showsDetail(c.req.raw)) return answer(c, ok, { status });
    const isVerbose = c.req.query("verbose") !== undefined;
    return answer(c, ok, {
      status,
      failing: namesOf(checks.filter((check) => check.isReady === false)),
      degraded: ok && degraded.length > 0 ? namesOf(degraded) : undefined,
      checks: isVerbose ? byName(checks) : undefined,
    });
  });

  app.get("/healthz", async (c) => {
    const checks = judgeHealth(await measure(), now());
    const status = worstStatus(checks);
    return answer(c, status !== "fail", {
      status,
      ...(showsDetail(c.req.raw) && {
        version: "1", // version of this response, as the format requires
        releaseId: version,
        description: "Barnacle Discord agent",
        checks: byName(checks),
        links: { metrics: "/metrics", ready: "/readyz", live: "/livez" },
      }),
    });
  });

  return app;
}

function answer(c: Context, ok: boolean, body: object): Response {
  return c.body(JSON.stringify(body), ok ? 200 : 503, {
    "Content-Type": "application/health+json",
    "Cache-Control": "no-store",
  });
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
