/**
 * The health endpoints: three questions to one snapshot.
 *
 * - `/livez`, for a supervisor: would a restart help?
 * - `/readyz`, for an uptime monitor: would a message sent now be answered?
 * - `/healthz`, for people and dashboards: what is wrong?
 *
 * An outage of Discord must fail the second at once and the first never, or a
 * supervisor would restart a bot that is busy resuming. A bot that answers, and
 * of which something is not as it should be, is ready and says `warn`.
 *
 * @module
 */

import { type Context, Hono } from "hono";
import type { Check } from "./check.ts";
import { isAlive, isReady, judge, worst } from "./checks.ts";
import type { Snapshot } from "./snapshot.ts";

/** What Hono hands to a handler of ours, beside the request. */
export interface HttpEnv {
  readonly Bindings: Peer;
}

/** Who asks. */
export interface Peer {
  /** Of the socket: `"127.0.0.1"`; absent once it is closed. */
  readonly remoteAddress?: string;
}

export interface HealthPorts {
  /** As it is known without asking the store: all that `/livez` needs. */
  readonly snapshot: () => Snapshot;
  /** As it is now. */
  readonly measure: () => Promise<Snapshot>;
  /** Unix time in milliseconds. */
  readonly now: () => number;
  readonly version: string;
  /** Whether the asker may see more than a status: on this host, or with the token. */
  readonly showsDetail: (request: Request, peer: Peer) => boolean;
}

/**
 * The health endpoints, without guard and socket: `app.ts` takes them in.
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
    const isVerbose = c.req.query("verbose") !== undefined && showsDetail(c.req.raw, peerOf(c));
    const degraded = checks.filter(({ status }) => status !== "pass");
    return answer(c, ok, {
      status: !ok ? "fail" : degraded.length > 0 ? "warn" : "pass",
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
        version: "1", // of this form, as the format has it
        releaseId: version,
        description: "Barnacle Discord agent",
        checks: byName(checks),
        links: { metrics: "/metrics", ready: "/readyz", live: "/livez" },
      }),
    });
  });

  return app;
}

/** Who asks, where the application has a socket. */
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

/** As the format has it: a list per name, for there may be several shards. */
function byName(checks: readonly Check[]): Record<string, object[]> {
  const grouped: Record<string, object[]> = {};
  for (const { name, isReady: _, ...check } of checks) (grouped[name] ??= []).push(check);
  return grouped;
}
