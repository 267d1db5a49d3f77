/**
 * Collects the facts that the preflight and `barnacle doctor` judge: the network path to Discord,
 * Discord's view of the bot, and the bot's permissions in its guilds. It never identifies, so it can
 * run beside a running bot.
 */

import type { HelloStage } from "../../core/discord/gateway.ts";
import { type ChannelId, type GuildId, shapeOfToken } from "../../core/discord/ids.ts";
import type { Named } from "../../core/inbound/inbound.ts";
import { permissionsToAsk } from "../../core/invite.ts";
import {
  type Channel,
  CHANNEL_KINDS,
  isForum,
  type Permission,
  riskyIn,
} from "../../core/rights/rights.ts";
import { chooseIntents, type Intents } from "../../discord/gateway/read/intents.ts";
import { probeGateway } from "../../discord/gateway/socket/socket.ts";
import { API_VERSION, type RestApi, userAgentOf } from "../../discord/rest/client/client.ts";
import {
  DISCORD_API_BASE,
  isOfAnotherServer,
  RestError,
} from "../../discord/rest/exchange/exchange.ts";
import {
  createReadGuildPermissions,
  type Denial,
  findChannel,
  findDenial,
  type GuildPermissions,
  listGuilds,
  type PostingPlace,
} from "../../discord/rest/requests/guild_reads.ts";
import { type Application, hasGuild, readOwnId } from "../../discord/rest/requests/application.ts";
import { probeHttp, probeReachability } from "../../host/network_probe.ts";
import { isContainer } from "../../host/process/boot.ts";
import { inTime, schedule } from "../../lib/clock.ts";
import type { Env } from "../../lib/env.ts";
import { proxyFor, proxyRouteTo } from "../../lib/network/fetch_plain.ts";
import type { HttpFound, Reachability, Stage } from "../../lib/network/reachability.ts";
import { VERSION } from "../../version.ts";
import { type DiscordFacts, type ProbeAnswer, whyUnknown } from "./discord.ts";
import type { NetworkFacts } from "./network.ts";
import type { MissingPermission, SeenChannel, SeenGuild } from "./permissions.ts";

/** Time-out of each network step, in milliseconds (G2). */
const STEP_MS = 10_000;

/** Discord's gateway, used if REST cannot be asked. */
const DISCORD_GATEWAY = "wss://gateway.discord.gg";

/** Probes REST and, if requested, the gateway; both in parallel if the gateway's URL is known. */
export async function examineNetwork(
  { apiBase, env, showsDns, opensGateway, ...known }: {
    /** Base URL of the REST API, from `parseApiUrl`. */
    readonly apiBase: string;
    /** The gateway's address as Discord named it, if it did. */
    readonly gatewayUrl?: string | undefined;
    readonly env: Env;
    /** `preflight.dns`. */
    readonly showsDns: boolean;
    /** Whether to open a connection to the gateway; a running bot has its own (G13). */
    readonly opensGateway: boolean;
  },
  timeoutMs: number = STEP_MS,
): Promise<NetworkFacts> {
  const walkingToRest = walkToRest(apiBase, env, timeoutMs);
  const gatewayUrl = known.gatewayUrl ?? await addressOf(apiBase, walkingToRest);
  const [rest, gateway] = await Promise.all([
    walkingToRest,
    opensGateway && gatewayUrl !== undefined
      ? walkToGateway(gatewayUrl, env, timeoutMs)
      : undefined,
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
  timeoutMs: number,
): Promise<{ readonly reach: Reachability; readonly http: Stage<HttpFound> }> {
  const url = `${apiBase}/v${API_VERSION}/gateway`; // it needs no token
  const reach = await probeReachability(url, proxyFor(url, env), timeoutMs);
  return {
    reach,
    http: isOpen(reach) ? await probeHttp(url, userAgentOf(VERSION), timeoutMs) : EARLIER,
  };
}

async function walkToGateway(
  url: string,
  env: Env,
  timeoutMs: number,
): Promise<{ readonly reach: Reachability; readonly hello: HelloStage }> {
  const proxy = proxyFor(url, env);
  const reach = await probeReachability(url, proxy, timeoutMs);
  const userAgent = userAgentOf(VERSION);
  const options = { url, timeoutMs, userAgent, proxy };
  return { reach, hello: isOpen(reach) ? await probeGateway(options) : EARLIER };
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

/**
 * Discord's view of the bot.
 *
 * @param bot With Discord's answer about its application; absent without a token.
 * @param tokenPlace The place in the config that holds the token, or should.
 */
export async function examineDiscord(
  bot: {
    readonly token: string;
    readonly api: RestApi;
    readonly told: ProbeAnswer<Application>;
  } | undefined,
  tokenPlace: string,
  intents: Intents,
): Promise<DiscordFacts> {
  const about = { tokenPlace, tokenShape: shapeOfToken(bot?.token ?? "") };
  if (!bot) return about;
  const { api, told: application } = bot;
  // A refused token is not sent again: Discord counts such requests against the address.
  if (application.kind !== "answered") return { ...about, application };
  const isInGuild = await ask(() => hasGuild(api));
  const { missing, spared } = chooseIntents(intents, application.found.flags);
  return { ...about, application, hasGuild: isInGuild, intents: { missing, spared } };
}

/**
 * Asks with a time-out: a client that waits out a rate limit may wait for an hour.
 *
 * @param timeoutMs Milliseconds of the wait for an answer, rate limits included.
 */
export async function ask<Found>(
  question: () => Promise<Found>,
  timeoutMs: number = STEP_MS,
): Promise<ProbeAnswer<Found>> {
  const answer = question().then(
    (found): ProbeAnswer<Found> => ({ kind: "answered", found }),
    toAnswer<Found>,
  );
  return await inTime(answer, timeoutMs, schedule, () => ({
    kind: "failed",
    why: "no answer in time",
  }));
}

function toAnswer<Found>(error: unknown): ProbeAnswer<Found> {
  if (!(error instanceof RestError)) throw error;
  if (error.kind === "unauthorized") return { kind: "refused" };
  const { kind, message: why } = error;
  if (isOfAnotherServer(error)) return { kind: "foreign", why };
  return { kind: kind === "rate_limited" ? "limited" : "failed", why };
}

/** Maximum number of guilds to read in detail. */
const GUILDS_MAX = 20;

/** The permissions that the bot uses in a channel that it sees, most basic first. */
const USED: readonly Permission[] = [
  "Send Messages",
  "Read Message History",
  "Attach Files",
  "Add Reactions",
];

const VIEW: Permission = "View Channel";
/** The lack of a channel that Discord does not list. */
const HIDDEN: MissingPermission = { permission: VIEW, deniedBy: "the channel's settings" };
const INVITED = permissionsToAsk({}).map(({ permission }) => permission);
const FURTHER = INVITED.filter((permission) => permission !== VIEW && !USED.includes(permission));

/**
 * Reads all guilds of the bot; those in which it may answer in detail.
 *
 * One request lists the guilds. Each guild in which the bot may answer takes three more, so
 * Barnacle reads at most some of them. Discord lists no hidden channels, so each listed one takes
 * one, too.
 *
 * @param listedIn The channels that the config lists; `undefined` if the bot may not answer there.
 */
export async function examineGuilds(
  api: RestApi,
  listedIn: (guild: Named<GuildId>) => readonly Named<ChannelId>[] | undefined,
  now: number,
): Promise<ProbeAnswer<readonly SeenGuild[]>> {
  const listed = await ask(() => listGuilds(api));
  if (listed.kind !== "answered") return listed;
  const answered = listed.found.filter(listedIn);
  const chosen = new Set(answered.slice(0, GUILDS_MAX));
  const passedOver = new Set(answered.slice(GUILDS_MAX));
  const userId = chosen.size === 0 ? undefined : await ask(() => readOwnId(api));
  if (userId && userId.kind !== "answered") return userId;
  const readGuild = createReadGuildPermissions(api);
  /** Finds the listed channels that Discord does not list: hidden ones, and those that are gone. */
  const findUnlisted = async (guild: Named<GuildId>, { channels }: GuildPermissions) => {
    const hidden: SeenChannel[] = [];
    const gone: string[] = [];
    for (const { id, name } of listedIn(guild) ?? []) {
      const answer = channels.has(id) ? undefined : await ask(() => findChannel(api, id));
      if (answer?.kind !== "answered") continue;
      if (answer.found === undefined) gone.push(name);
      if (answer.found === "hidden") hidden.push({ id, name, missing: [HIDDEN] });
    }
    return { hidden, gone };
  };
  const found: SeenGuild[] = [];
  for (const guild of listed.found) {
    const { id, name, permissions } = guild;
    const read = userId && chosen.has(guild)
      ? await ask(() => readGuild(id, userId.found))
      : undefined;
    const unlisted = read?.kind === "answered" ? await findUnlisted(guild, read.found) : undefined;
    found.push({
      id,
      name,
      risky: riskyIn(permissions ?? 0n),
      isPassedOver: passedOver.has(guild) || undefined,
      unread: read && read.kind !== "answered" ? whyUnknown(read) : undefined,
      details: read?.kind === "answered"
        ? {
          channels: [...channelsSeen(read.found, now), ...unlisted?.hidden ?? []],
          gone: unlisted?.gone,
          roles: read.found.guild.roles.map((role) => ({ id: role.id, name: role.name })),
        }
        : undefined,
    });
  }
  return { kind: "answered", found };
}

/** The channels of a guild without categories, each with the bot's permissions there. */
export function channelsSeen(guild: GuildPermissions, now: number): readonly SeenChannel[] {
  return [...guild.channels].filter(([, { type }]) => type !== CHANNEL_KINDS.category)
    .map(([id, channel]) => {
      const place = placeIn(channel);
      const missing = missingIn(guild, place, USED, now);
      return {
        id,
        name: channel.name || id,
        isForum: isForum(channel) || undefined,
        missing,
        furtherMissing: missingIn(guild, place, FURTHER, now)
          .filter(({ permission }) => missing.every((one) => one.permission !== permission)),
        granted: INVITED.filter((one) => !findDenial(guild, place, [one], now)),
      };
    });
}

/** In a forum, the bot answers within threads. */
function placeIn(channel: Channel): PostingPlace {
  return isForum(channel)
    ? { kind: "thread", name: "", parent: channel, isLocked: false }
    : { kind: "channel", channel };
}

/** Each lack once. A bot that does not see a channel can do nothing there: the rest is left out. */
function missingIn(
  guild: GuildPermissions,
  place: PostingPlace,
  permissions: readonly Permission[],
  now: number,
): readonly MissingPermission[] {
  const denial = (permission: Permission): Denial | undefined =>
    findDenial(guild, place, [permission], now);
  const hidden = denial(VIEW);
  const found = hidden ? [hidden] : permissions.flatMap((permission) => denial(permission) ?? []);
  return [...new Map(found.map((one) => [one.permission, one])).values()];
}
