/**
 * Reads what a bot needs to know before it connects: its application with owners and settings, and
 * the gateway's address with its limits for new sessions.
 */

import { z } from "zod";
import type { ApplicationId, UserId } from "../../../core/discord/ids.ts";
import { listOrEmpty, optional, snowflakeSchema, textOr } from "../../../core/discord/lenient.ts";
import { expect } from "../exchange/exchange.ts";
import type { RestApi } from "../client/client.ts";
import type { GatewayInfo } from "../../../core/discord/gateway.ts";

export interface Application {
  readonly id: ApplicationId;
  readonly name: string;
  /** Discord's application flags; they include the granted privileged intents. */
  readonly flags: number;
  /**
   * Whether an invite needs a full OAuth2 flow, which an operator of a single bot does not have.
   */
  readonly needsCodeGrant: boolean;
  /** The team's name, or the owner's username; absent if Discord does not name it. */
  readonly owner?: string;
  /** Set if a team owns it. */
  readonly isTeam?: true;
  /** The account of the owner, or of the team's owner; absent if Discord does not name it. */
  readonly ownerId?: UserId;
  /**
   * The owners: the owner's account, or all joined members of the team, the team's owner first.
   * Empty if Discord names none.
   */
  readonly ownerIds: readonly UserId[];
  /** Approximate number of the bot's guilds; absent if Discord does not tell it. */
  readonly guildCount?: number;
}

const ME = "/applications/@me";

/** An invalid id counts as absent: without an owner, notices go to the log only. */
const ownerSchema = z.lazy(() => optional(snowflakeSchema<"user">()));

/** `membership_state` of a joined team member; an invited one is not an owner yet. */
const ACCEPTED = 2;

const teamSchema = z.lazy(() =>
  z.object({
    name: textOr("a team"),
    owner_user_id: ownerSchema,
    members: listOrEmpty(z.object({
      membership_state: z.number(),
      user: z.object({ id: snowflakeSchema<"user">() }),
    })),
  })
);

const applicationSchema = z.lazy(() =>
  z.object({
    id: snowflakeSchema<"application">(),
    name: textOr("the bot"),
    flags: optional(z.number()),
    bot_require_code_grant: optional(z.boolean()),
    owner: optional(z.object({ username: optional(z.string()), id: ownerSchema })),
    /** One that does not fit is still a team, whose account `owner` is no person's. */
    team: teamSchema.nullish(),
    approximate_guild_count: optional(z.number()),
  }).transform((body): Application => {
    const owner = body.team?.name ?? body.owner?.username;
    // For a team's application, Discord's `owner` is an account that represents the team.
    const ownerId = body.team ? body.team.owner_user_id : body.owner?.id;
    const joined = (body.team?.members ?? [])
      .filter(({ membership_state }) => membership_state === ACCEPTED)
      .map(({ user }) => user.id);
    const guildCount = body.approximate_guild_count ?? undefined;
    return {
      id: body.id,
      name: body.name,
      flags: body.flags ?? 0,
      needsCodeGrant: body.bot_require_code_grant ?? false,
      owner,
      isTeam: body.team ? true : undefined,
      ownerId: ownerId || undefined,
      ownerIds: [...new Set([...(ownerId ? [ownerId] : []), ...joined])],
      guildCount,
    };
  })
);

const userSchema = z.object({ id: snowflakeSchema<"user">() });

const guildsSchema = z.array(z.unknown());

/**
 * Reads the token's application.
 *
 * @throws {RestError} If Discord does not answer, or refuses; so do the other requests.
 * @see {@link https://docs.discord.com/developers/resources/application#get-current-application}
 */
export async function askApplication(api: RestApi): Promise<Application> {
  return expect(`GET ${ME}`, applicationSchema, await api.request("GET", ME));
}

/** Reads the id of the bot's own user, for callers without a gateway connection. */
export async function readOwnId(api: RestApi): Promise<UserId> {
  return expect("GET /users/@me", userSchema, await api.request("GET", "/users/@me")).id;
}

/**
 * Changes the application's flags. Discord allows only the "limited" intents.
 *
 * @throws {RestError} `rejected` if Discord does not allow it, such as for a bot that
 * 10,000 users can reach.
 * @see {@link https://docs.discord.com/developers/resources/application#edit-current-application}
 */
export async function setFlags(api: RestApi, flags: number): Promise<void> {
  await api.request("PATCH", ME, { body: { flags } });
}

export async function hasGuild(api: RestApi): Promise<boolean> {
  const answer = await api.request("GET", "/users/@me/guilds?limit=1");
  return expect("GET /users/@me/guilds", guildsSchema, answer).length > 0;
}

const GATEWAY_ROUTE = "GET /gateway/bot";

const count = z.int().nonnegative();

const gatewaySchema = z.object({
  url: z.url({ protocol: /^wss?$/ }),
  session_start_limit: z.object({
    total: count,
    remaining: count,
    reset_after: z.number().nonnegative(),
  }),
});

/**
 * Reads the gateway's address and limits.
 *
 * @throws {RestError} If Discord does not answer, or refuses.
 * @see {@link https://docs.discord.com/developers/events/gateway#get-gateway-bot}
 */
export async function readGatewayInfo(api: RestApi, now: number): Promise<GatewayInfo> {
  const answer = await api.request("GET", "/gateway/bot");
  const { url, session_start_limit: limit } = expect(GATEWAY_ROUTE, gatewaySchema, answer);
  return {
    url,
    limit: {
      total: limit.total,
      remaining: limit.remaining,
      resetAfterMs: limit.reset_after,
      readAt: now,
    },
  };
}
