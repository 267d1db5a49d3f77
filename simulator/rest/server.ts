/**
 * The server of the simulated REST API: parses a request, checks it, plays faults, answers.
 *
 * The order is Discord's: the proxy's ban, the token, the rate limits, and only then the body and
 * the route. The answer to an interaction has its own token, and no known limit that a bot could
 * reach. The log gets each request before it is carried out. So it has requests, too, that a fault
 * leaves unanswered.
 */

import { createServer, type Server, ServerResponse } from "node:http";
import { getRequestListener } from "@hono/node-server";
import type { Accounts } from "../gateway/accounts.ts";
import type { RestFault, RestFaults } from "../notes/faults.ts";
import { answerInteractionCall, isInteractionCall } from "./interaction_route.ts";
import { createRateLimits, type RateLimitOptions, type RateLimits } from "./rate_limits.ts";
import { findFile } from "../world/media.ts";
import { REFUSALS } from "../world/refusals.ts";
import { readBody } from "./request_body.ts";
import { type LoggedFile, majorOf, type RequestLog, routeOf } from "../notes/request_log.ts";
import { answerHtml, answerRateLimited, answerRefused } from "./answers.ts";
import { answerInstead, isLostBefore, isUnanswered, sendWithFault } from "./faults.ts";
import { createRoutes, type RouteDeps } from "./routes.ts";
import type { World } from "../world/world.ts";

export interface RestOptions extends RouteDeps {
  readonly host: string;
  /** Port; 0 takes any free port. */
  readonly port: number;
  readonly now: () => number;
  readonly accounts: Accounts;
  readonly rateLimits: RateLimitOptions;
  readonly log: RequestLog;
  readonly faults: RestFaults;
}

/** Invalid requests in ten minutes after which the proxy refuses everything. */
const MAX_INVALID = 10_000;
/** Seconds for which the proxy refuses an address with too many invalid requests. */
const BAN_SEC = 3_600;

/** A response, and its way of sending. */
type Leaving = { readonly response: Response; readonly fault: RestFault | undefined };

export async function startRest(
  options: RestOptions,
): Promise<{ readonly url: string; close(): Promise<void> }> {
  const routes = createRoutes(options);
  const limits = new Map<string, RateLimits>();
  const timers = new Set<ReturnType<typeof setTimeout>>();

  const limitsOf = (applicationId: string): RateLimits => {
    const known = limits.get(applicationId) ?? createRateLimits(options.rateLimits);
    limits.set(applicationId, known);
    return known;
  };

  const handle = async (request: Request): Promise<Leaving> => {
    const { accounts, now } = options;
    const url = new URL(request.url);
    if (url.pathname.startsWith("/attachments/")) {
      return { response: answerFile(options.world, url.pathname), fault: undefined };
    }
    const path = /^\/api(?:\/v10)?(\/.*)$/.exec(url.pathname)?.[1];
    const at = now();
    const route = routeOf(path ?? url.pathname);
    const read = await readBody(request);
    const record = options.log.add({
      at,
      method: request.method,
      path: path ?? url.pathname,
      route,
      query: Object.fromEntries(url.searchParams),
      body: read.kind === "read" ? read.body : undefined,
      files: read.kind === "read" ? read.files.map(loggedFileOf) : [],
      userAgent: request.headers.get("user-agent") ?? "",
    });
    const fault = options.faults.take(request.method, route, record.path);
    const leave = (response: Response): Leaving => {
      const isShared = response.headers.get("X-RateLimit-Scope") === "shared";
      if ([401, 403].includes(response.status) || (response.status === 429 && !isShared)) {
        accounts.noteInvalid(now());
      }
      if (!isUnanswered(fault)) record.status = response.status;
      return { response, fault };
    };

    if (accounts.countInvalid(at) >= MAX_INVALID) {
      return leave(answerHtml(429, { "Retry-After": String(BAN_SEC) }));
    }
    const instead = fault && answerInstead(fault);
    if (instead) return leave(instead);
    if (isLostBefore(fault)) return leave(new Response(null));
    if (!/^DiscordBot \(\S+, .+\)/.test(record.userAgent)) {
      return leave(answerRefused(WITHOUT_USER_AGENT));
    }
    if (!path) return leave(answerRefused(REFUSALS.notFound));
    if (path === "/gateway" && request.method === "GET") {
      return leave(Response.json({ url: options.gatewayUrl() }));
    }
    if (isInteractionCall(request.method, path)) {
      if (read.kind === "refused") return leave(answerRefused(read.refused));
      const { body, files } = read;
      return leave(
        answerInteractionCall(options, { method: request.method, path, body, files, now: at }),
      );
    }
    const token = /^Bot (\S+)$/.exec(request.headers.get("authorization") ?? "")?.[1];
    const account = token === undefined ? undefined : accounts.byToken(token);
    if (!account) return leave(answerRefused(REFUSALS.unauthorized));

    const rate = limitsOf(account.application.id).take(request.method, route, majorOf(path), at);
    if (rate.retryAfterSec !== undefined) {
      account.rateLimited += 1;
      return leave(answerRateLimited(rate.retryAfterSec, rate.scope === "global", rate.headers));
    }
    if (read.kind === "refused") return leave(answerRefused(read.refused, rate.headers));
    const response = await routes.fetch(
      new Request(new URL(path + url.search, url), { method: request.method }),
      { call: { account, body: read.body, files: read.files, now: at } },
    );
    for (const [name, value] of Object.entries(rate.headers)) response.headers.set(name, value);
    return leave(response);
  };

  const listener = getRequestListener(async (request, env) => {
    const { response, fault } = await handle(request);
    if (!fault || !(env.outgoing instanceof ServerResponse)) return response;
    return await sendWithFault(fault, response, env.outgoing, timers);
  }, { overrideGlobalObjects: false });
  const server = createServer({ keepAliveTimeout: 60_000 }, (incoming, outgoing) => {
    void listener(incoming, outgoing); // answers 500 itself if it fails
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(options.port, options.host, resolve);
  });
  return {
    url: `http://${options.host}:${portOf(server)}`,
    close: () =>
      new Promise((resolve) => {
        for (const timer of timers) clearTimeout(timer);
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/**
 * Sends an attachment. Downloads come from the media host, so they are neither limited nor logged.
 */
function answerFile(world: World, pathname: string): Response {
  const [, channel = "", id = ""] = /^\/attachments\/(\d+)\/(\d+)\//.exec(pathname) ?? [];
  const file = findFile(world, { channel, file: id });
  if (!file?.bytes) return new Response(null, { status: 404 });
  const headers = { "Content-Type": file.contentType ?? "application/octet-stream" };
  return new Response(file.bytes, { headers });
}

/** The log is long, and files are large. */
function loggedFileOf({ field, filename, sizeBytes }: LoggedFile): LoggedFile {
  return { field, filename, sizeBytes };
}

const WITHOUT_USER_AGENT = { status: 403, code: 40333, message: "internal network error" };

function portOf(server: Server): number {
  const address = server.address();
  if (address === null || typeof address === "string") {
    throw new TypeError(`Cannot read the port of ${address}: it takes a TCP socket`);
  }
  return address.port;
}
