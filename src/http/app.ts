/**
 * Builds the bot's HTTP application: health, metrics and status behind one guard.
 *
 * Each answer is computed at the request, from the bot's own state: no request waits for Discord or
 * a model. The application depends neither on the bot nor on a socket.
 *
 * @module
 */

import { Hono, type MiddlewareHandler } from "hono";
import type { Check, Status } from "./check.ts";
import { judge, worst } from "./checks.ts";
import { createDetailGate, refusalOf } from "./guard.ts";
import { createHealthApp, type HttpEnv, type Peer, peerOf } from "./health.ts";
import type { Build, Metrics, ProcessUsage } from "./metrics.ts";
import type { Snapshot } from "./snapshot.ts";

/** The dependencies of the application. */
export interface AppPorts {
  /** The snapshot from memory, without asking the store. */
  readonly snapshot: () => Snapshot;
  /** The snapshot after asking the store. */
  readonly measure: () => Promise<Snapshot>;
  /** Reads the figures of the process. */
  readonly usage: () => ProcessUsage;
  /** The metrics that it updates. */
  readonly metrics: Metrics;
  /** The version, the commit and the libraries of this program. */
  readonly build: Build;
  /** Unix time in milliseconds. */
  readonly now: () => number;
  /** `http.token`; without one, only this host sees details. */
  readonly token?: string;
  /** `http.hosts`: allowed host names beside this machine's own. */
  readonly hosts?: readonly string[];
  /** Called with an internal error; the client only learns that there was one. */
  readonly onError: (error: unknown) => void;
}

/** The answer of `/status`, which `barnacle status --json` prints. */
export interface StatusReport {
  /** The worst status of all checks. */
  readonly status: Status;
  /** The version, the commit and the libraries of this program. */
  readonly build: Build;
  /** Unix time in milliseconds. */
  readonly at: number;
  /** The state that the checks judged. */
  readonly snapshot: Snapshot;
  /** The checks with their results. */
  readonly checks: readonly Check[];
}

/** Answers a request of a client. */
export type HttpHandler = (request: Request, peer: Peer) => Response | Promise<Response>;

const HEADERS = {
  "Cache-Control": "no-store",
  "Content-Security-Policy": "default-src 'self'; frame-ancestors 'none'",
  "Referrer-Policy": "no-referrer",
  "X-Content-Type-Options": "nosniff",
} as const;

/** Creates the application; `host/http_server.ts` adds the sockets. */
export function createApp(ports: AppPorts): HttpHandler {
  const { snapshot, measure, usage, metrics, build, now, token, hosts, onError } = ports;
  const showsDetail = createDetailGate(token);
  const refusedDetail = token === undefined
    ? "Details are for this machine, or for clients with http.token"
    : "Details are for clients with http.token";
  const app = new Hono<HttpEnv>();

  app.use(async (c, next) => {
    const refusal = refusalOf(c.req.raw, hosts);
    if (refusal !== undefined) c.res = c.text(refusal, 403);
    else if (c.req.method !== "GET" && c.req.method !== "HEAD") {
      c.res = c.text("This server is read-only", 405, { Allow: "GET, HEAD" });
    } else await next();
    for (const [name, value] of Object.entries(HEADERS)) c.res.headers.set(name, value);
  });

  const withDetail: MiddlewareHandler<HttpEnv> = async (c, next) => {
    if (showsDetail(c.req.raw, peerOf(c))) return await next();
    return c.text(refusedDetail, 401, {
      "WWW-Authenticate": 'Bearer realm="barnacle"',
    });
  };
  app.use("/metrics", withDetail);
  app.use("/status", withDetail);

  app.route("/", createHealthApp({ snapshot, measure, now, version: build.version, showsDetail }));
  app.get("/metrics", async (c) =>
    c.body(metrics.text(await measure(), usage(), now()), 200, {
      "Content-Type": "text/plain; version=0.0.4; charset=utf-8",
    }));
  app.get("/status", async (c) => {
    const taken = await measure();
    const at = now();
    const checks = judge(taken, at);
    const report: StatusReport = { status: worst(checks), build, at, snapshot: taken, checks };
    return c.json(report);
  });

  app.notFound((c) => c.text("Nothing here", 404));
  app.onError((error, c) => {
    onError(error);
    return c.text("Internal error; see the log", 500);
  });

  return (request, peer) => app.fetch(request, peer);
}
