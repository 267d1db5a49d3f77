/**
 * Judges the answer to a plain HTTP request: whether Discord itself sent it, and whether this
 * machine's clock is right.
 *
 * @module
 */

import type { Finding } from "../../core/finding.ts";
import type { HttpFound, Reachability, Stage } from "../../lib/network/reachability.ts";

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

const REPORT = "check whether the bot works anyway; if not, please report it";

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
    return status === 403
      ? { status: "warn", why: "Discord refuses this request (HTTP 403)", fix: REPORT }
      : { status: "pass", why: `HTTP ${status}` };
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
