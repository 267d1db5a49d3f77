/**
 * The bot's HTTP application: health, metrics and status behind one guard.
 *
 * What it shows is made when it is asked for, by the bot alone: no request waits for Discord or a
 * model. It knows neither the bot nor a socket.
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

export interface AppPorts {
  /** As it is known without asking the store. */
  readonly snapshot: () => Snapshot;
  /** As it is now. */
  readonly measure: () => Promise<Snapshot>;
  readonly usage: () => ProcessUsage;
  readonly metrics: Metrics;
  readonly build: Build;
  /** Unix time in milliseconds. */
  readonly now: () => number;
  /** `http.token`; without one only this host sees detail. */
  readonly token?: string;
  /** `http.hosts`: names by which it may be asked, beside this machine's own. */
  readonly hosts?: readonly string[];
  /** Told of a fault of ours; the asker is told only that there was one. */
  readonly onError: (error: unknown) => void;
}

/** What `/status` answers, and `barnacle status --json` prints. */
export interface StatusReport {
  readonly status: Status;
  readonly build: Build;
  /** Unix time in milliseconds. */
  readonly at: number;
  readonly snapshot: Snapshot;
  readonly checks: readonly Check[];
}

export type HttpHandler = (request: Request, peer: Peer) => Response | Promise<Response>;

const HEADERS = {
  "Cache-Control": "no-store",
  "Content-Security-Policy": "default-src 'self'; frame-ancestors 'none'",
  "Referrer-Policy": "no-referrer",
  "X-Content-Type-Options": "nosniff",
} as const;

/** Joins the endpoints; `host/http_server.ts` gives the result its sockets. */
export function createApp(ports: AppPorts): HttpHandler {
  const { snapshot, measure, usage, metrics, build, now, token, hosts, onError } = ports;
  const showsDetail = createDetailGate(token);
  const app = new Hono<HttpEnv>();

  app.use(async (c, next) => {
    const refusal = refusalOf(c.req.raw, hosts);
    if (refusal !== undefined) c.res = c.text(refusal, 403);
    else if (c.req.method !== "GET" && c.req.method !== "HEAD") {
      c.res = c.text("Nothing here can be changed", 405, { Allow: "GET, HEAD" });
    } else await next();
    for (const [name, value] of Object.entries(HEADERS)) c.res.headers.set(name, value);
  });

  const withDetail: MiddlewareHandler<HttpEnv> = async (c, next) => {
    if (showsDetail(c.req.raw, peerOf(c))) return await next();
    return c.text("Only this machine sees this, or who has http.token", 401, {
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
    return c.text("Something went wrong here; the log has it", 500);
  });

  return (request, peer) => app.fetch(request, peer);
}
