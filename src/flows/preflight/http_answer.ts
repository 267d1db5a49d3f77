/**
 * Judges the answer to a plain HTTP request: whether Discord itself sent it, and whether this
 * machine's clock is right.
 *
 * @module
 */

import type { Finding } from "../../core/finding.ts";
import type { HttpFound, Reach, Stage } from "../../lib/network/reach.ts";

/** Milliseconds by which the clock may be wrong (G13). */
const MAX_SKEW_MS = 5_000;

/** Judges the answer to a plain request to Discord's REST API. */
export function judgeHttp(
  { reach, http: stage }: { readonly reach: Reach; readonly http: Stage<HttpFound> },
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
        ? "try again; if it stays so, see what stands between this machine and Discord"
        : `ask whoever runs the proxy ${reach.proxy} to let ${reach.host} pass`,
      ms: stage.ms,
    };
  }
  const { ms, found } = stage;
  return { ...about, ...judgeAnswer(found, reach.host), ms };
}

const REPORT = "see whether the bot is heard all the same; if not, please report it";

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
        ? `Cloudflare keeps this address away from Discord (HTTP ${status})`
        : `Discord has had too many requests from here (HTTP ${status})`,
      fix: `stop whatever sends so many from this address, and wait ${wait}`,
    };
  }
  if (status >= 500) {
    return {
      status: "warn",
      why: `Discord has trouble of its own (HTTP ${status})`,
      fix: "wait; https://discordstatus.com says more",
    };
  }
  if (json !== undefined && location === undefined) {
    return status === 403
      ? { status: "warn", why: "Discord turns this request away (HTTP 403)", fix: REPORT }
      : { status: "pass", why: `HTTP ${status}` };
  }
  return {
    status: "fail",
    why: location === undefined
      ? `a page answers in Discord's place (HTTP ${status})`
      : `something sends us elsewhere, to ${originOf(location, host)} (HTTP ${status})`,
    fix: "log in to this network by a browser, if it asks for that; else let its filter pass " +
      host,
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
      : "right to some seconds",
    ...(isWrong && { fix: "set it by the network: `timedatectl set-ntp true`" }),
  }];
}

/** The origin of a redirect's target. The rest of the URL may contain personal data. */
function originOf(location: string, host: string): string {
  return URL.parse(location, `https://${host}`)?.host ?? "nowhere";
}
