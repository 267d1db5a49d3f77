/**
 * Collects the facts that the preflight and `barnacle doctor` judge: the network path to Discord,
 * and Discord's view of the bot.
 *
 * This module never identifies, so it can run beside a running bot.
 */

import type { RestApi } from "../../discord/rest/client/client.ts";
import type { Env } from "../../lib/env.ts";
import type { HelloStage } from "../../core/discord/gateway.ts";
import { chooseIntents, type Intents } from "../../discord/gateway/read/intents.ts";
import { probeGateway } from "../../discord/gateway/socket/socket.ts";
import { API_VERSION, userAgentOf } from "../../discord/rest/client/client.ts";
import { DISCORD_API_BASE } from "../../discord/rest/exchange/exchange.ts";
import { type Application, hasGuild } from "../../discord/rest/requests/application.ts";
import { isOfAnotherServer, RestError } from "../../discord/rest/exchange/rest_error.ts";
import type { DiscordFacts, ProbeAnswer } from "./discord.ts";
import type { NetworkFacts } from "./network.ts";
import { isContainer } from "../../host/process/boot.ts";
import { probeHttp, type ProbePorts, probeReachability } from "../../host/network_probe.ts";
import { proxyFor, proxyRouteTo } from "../../lib/network/fetch_plain.ts";
import type { HttpFound, Reachability, Stage } from "../../lib/network/reachability.ts";
import { schedule, type Timers } from "../../lib/clock.ts";
import { VERSION } from "../../version.ts";
import { shapeOfToken } from "../../core/discord/ids.ts";

/** Time-out of each network step, in milliseconds (G2). */
const STEP_MS = 10_000;

/** Discord's gateway, used if REST cannot be asked. */
const DISCORD_GATEWAY = "wss://gateway.discord.gg";

/** The addresses and settings of the network probe. */
export interface NetworkOptions {
  /** Base URL of the REST API, from `parseApiUrl`. */
  readonly apiBase: string;
  /** The gateway's address as Discord named it, if it did. */
  readonly gatewayUrl?: string;
  readonly env: Env;
  /** `preflight.dns`. */
  readonly showsDns: boolean;
  /** Whether to open a connection to the gateway; a running bot has its own (G13). */
  readonly opensGateway: boolean;
}

/** Probes REST and, if requested, the gateway; both in parallel if the gateway's URL is known. */
export async function examineNetwork(
  options: NetworkOptions,
  { steadyNow, now, schedule, timeoutMs = STEP_MS }: Timers & {
    /** Milliseconds of a clock that no one sets. */
    readonly steadyNow: () => number;
    readonly timeoutMs?: number;
  },
): Promise<NetworkFacts> {
  const { apiBase, env, showsDns, opensGateway } = options;
  const ports = { elapsed: steadyNow, now, schedule, timeoutMs };
  const walkingToRest = walkToRest(apiBase, env, ports);
  const gatewayUrl = options.gatewayUrl ?? await addressOf(apiBase, walkingToRest);
  const [rest, gateway] = await Promise.all([
    walkingToRest,
    opensGateway && gatewayUrl !== undefined ? walkToGateway(gatewayUrl, env, ports) : undefined,
  ]);
  const routes = [apiBase, ...(gatewayUrl === undefined ? [] : [gatewayUrl])]
    .map((url) => proxyRouteTo(url, env));
  const unusable = routes.flatMap((one) => one.kind === "unusable" ? [one] : []);
  return {
    rest,
    gateway,
    expectsGateway: opensGateway,
    isContainer: isContainer(env),
    unusableProxies: [...new Map(unusable.map((one) => [one.variable, one])).values()],
    showsDns,
  };
}

/**
 * Asks REST for the gateway's address without a token; Discord's own address serves as fallback.
 */
async function addressOf(
  apiBase: string,
  walking: ReturnType<typeof walkToRest>,
): Promise<string | undefined> {
  if (apiBase === DISCORD_API_BASE) return DISCORD_GATEWAY;
  const { http } = await walking;
  const json = http.kind === "ok" ? http.found.json : undefined;
  const url = json && "url" in json ? json.url : undefined;
  return typeof url === "string" && /^wss?:\/\//.test(url) && URL.canParse(url) ? url : undefined;
}

async function walkToRest(
  apiBase: string,
  env: Env,
  ports: ProbePorts,
): Promise<{ readonly reach: Reachability; readonly http: Stage<HttpFound> }> {
  const url = `${apiBase}/v${API_VERSION}/gateway`; // it needs no token
  const reach = await probeReachability(url, proxyFor(url, env), ports);
  return {
    reach,
    http: isOpen(reach) ? await probeHttp(url, userAgentOf(VERSION), ports) : EARLIER,
  };
}

async function walkToGateway(
  url: string,
  env: Env,
  ports: ProbePorts,
): Promise<{ readonly reach: Reachability; readonly hello: HelloStage }> {
  const proxy = proxyFor(url, env);
  const reach = await probeReachability(url, proxy, ports);
  const { timeoutMs } = ports;
  const userAgent = userAgentOf(VERSION);
  const options = { url, timeoutMs, userAgent, proxy };
  return { reach, hello: isOpen(reach) ? await probeGateway(options, ports) : EARLIER };
}

const EARLIER = { kind: "skipped", why: "earlier" } as const;

/**
 * Whether REST may be asked: the token is never sent through a wrong certificate or to a host that
 * does not answer.
 */
function isOpen({ tcp, tls }: Reachability): boolean {
  if (tcp.kind !== "ok" || tls.kind === "failed") return false;
  return tls.kind === "skipped" || tls.found.refused === undefined;
}

/** The account whose view is read. */
export interface DiscordOptions {
  /** Absent without a token. */
  readonly bot?: {
    readonly token: string;
    readonly api: RestApi;
    readonly me: () => Promise<Application>;
  };
  /** The place in the config that holds the token, or should. */
  readonly tokenPlace: string;
  readonly intents: Intents;
}

/** Discord's view of the bot, and the application itself for commands that change it. */
export async function examineDiscord(
  { bot, tokenPlace, intents }: DiscordOptions,
  timeoutMs = STEP_MS,
): Promise<{ readonly facts: DiscordFacts; readonly application?: Application }> {
  const about = { tokenPlace, tokenShape: shapeOfToken(bot?.token ?? "") };
  if (!bot) return { facts: about };
  const application = await ask(() => bot.me(), timeoutMs);
  // A refused token is not sent again: Discord counts such requests against the address.
  if (application.kind !== "answered") return { facts: { ...about, application } };
  const isInGuild = await ask(() => hasGuild(bot.api), timeoutMs);
  const { missing, spared } = chooseIntents(intents, application.found.flags);
  return {
    facts: { ...about, application, hasGuild: isInGuild, intents: { missing, spared } },
    application: application.found,
  };
}

/**
 * Asks with a time-out: a client that waits out a rate limit may wait for an hour.
 *
 * @param timeoutMs Milliseconds of the wait for an answer, rate limits included.
 */
export async function ask<Found>(
  question: () => Promise<Found>,
  timeoutMs: number,
): Promise<ProbeAnswer<Found>> {
  const { promise: late, resolve } = Promise.withResolvers<ProbeAnswer<Found>>();
  const cancel = schedule(() => resolve({ kind: "failed", why: "no answer in time" }), timeoutMs);
  const answer = question().then(
    (found): ProbeAnswer<Found> => ({ kind: "answered", found }),
    toAnswer<Found>,
  );
  try {
    return await Promise.race([answer, late]);
  } finally {
    cancel();
  }
}

function toAnswer<Found>(error: unknown): ProbeAnswer<Found> {
  if (!(error instanceof RestError)) throw error;
  if (error.kind === "unauthorized") return { kind: "refused" };
  const { kind, message: why } = error;
  if (isOfAnotherServer(error)) return { kind: "foreign", why };
  return { kind: kind === "rate_limited" ? "limited" : "failed", why };
}
