/**
 * Answers the health endpoints from one snapshot.
 *
 * - `/livez`, for a supervisor: would a restart help?
 * - `/readyz`, for an uptime monitor: would a message sent now be answered?
 * - `/healthz`, for people and dashboards: which checks fail?
 *
 * An outage of Discord must fail `/readyz` at once and `/livez` never, or a supervisor would
 * restart a bot that is busy resuming. A bot that answers in spite of a minor problem is ready, and
 * its status is `warn`.
 *
 * @module
 */

import { type Context, Hono } from "hono";
import type { Check } from "./check.ts";
import { isAlive, isReady, judge, worst } from "./checks.ts";
import type { Snapshot } from "./snapshot.ts";

/** The environment that Hono passes to our handlers, beside the request. */
export interface HttpEnv {
  /** The connection of the request. */
  readonly Bindings: Peer;
}

/** The client of a request. */
export interface Peer {
  /** Address from the socket, such as `"127.0.0.1"`; absent once it is closed. */
  readonly remoteAddress?: string;
}

/** The sources of the health endpoints. */
export interface HealthPorts {
  /** The snapshot from memory, without asking the store; `/livez` needs no more. */
  readonly snapshot: () => Snapshot;
  /** The snapshot after asking the store. */
  readonly measure: () => Promise<Snapshot>;
  /** Unix time in milliseconds. */
  readonly now: () => number;
  /** Barnacle's version. */
  readonly version: string;
  /** Whether the client may see details: it is on this host, or has the token. */
  readonly showsDetail: (request: Request, peer: Peer) => boolean;
}

/**
 * Creates the health endpoints, without guard and socket; `app.ts` adds them.
 *
 * @see {@link https://datatracker.ietf.org/doc/html/draft-inadarei-api-health-check-06}
 */
export function createHealthApp(
  { snapshot, measure, now, version, showsDetail }: HealthPorts,
): Hono<HttpEnv> {
  const app = new Hono<HttpEnv>();

  app.get("/livez", (c) => {
    const ok = isAlive(snapshot(), now());
    return answer(c, ok, { status: ok ? "pass" : "fail" });
  });

  app.get("/readyz", async (c) => {
    const checks = judge(await measure(), now());
    const ok = isReady(checks);
    const status = !ok ? "fail" : checks.some(({ status }) => status !== "pass") ? "warn" : "pass";
    // Names of checks have names of models.
    if (!showsDetail(c.req.raw, peerOf(c))) return answer(c, ok, { status });
    const isVerbose = c.req.query("verbose") !== undefined;
    const degraded = checks.filter(({ status }) => status !== "pass");
    return answer(c, ok, {
      status,
      failing: namesOf(checks.filter((check) => !check.isReady)),
      ...(ok && degraded.length > 0 && { degraded: namesOf(degraded) }),
      ...(isVerbose && { checks: byName(checks) }),
    });
  });

  app.get("/healthz", async (c) => {
    const checks = judge(await measure(), now());
    const status = worst(checks);
    return answer(c, status !== "fail", {
      status,
      ...(showsDetail(c.req.raw, peerOf(c)) && {
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

/** Returns the client of a request, if the application has a socket. */
export function peerOf(c: Context<HttpEnv>): Peer {
  return c.env ?? {};
}

function answer(c: Context, ok: boolean, body: object): Response {
  return c.body(JSON.stringify(body), ok ? 200 : 503, {
    "Content-Type": "application/health+json",
    "Cache-Control": "no-store",
  });
}

function namesOf(checks: readonly Check[]): readonly string[] {
  return [...new Set(checks.map(({ name }) => name))];
}

/** Groups checks by name, as the format requires: several shards share a name. */
function byName(checks: readonly Check[]): Record<string, object[]> {
  const grouped: Record<string, object[]> = {};
  for (const { name, isReady: _, ...check } of checks) (grouped[name] ??= []).push(check);
  return grouped;
}
