/**
 * Who the token belongs to, and what the developer portal has switched on for it.
 *
 * @module
 */

import { z } from "zod";
import type { ApplicationId, UserId } from "../../../core/discord/ids.ts";
import { snowflakeSchema } from "../../../core/discord/snowflake_schema.ts";
import { expect } from "../exchange/answer.ts";
import type { RestApi } from "../client/client.ts";

/** What the portal knows of the bot. */
export interface Application {
  readonly id: ApplicationId;
  readonly name: string;
  /** Discord's application flags; among them, which privileged intents are granted. */
  readonly flags: number;
  /** Whether an invite works only with an OAuth2 flow, which nobody has for a bot of his own. */
  readonly needsCodeGrant: boolean;
  /** A team's name, or the owner's username, where Discord says so. */
  readonly owner?: string;
  /** The owner's account, or that of the team's owner, where Discord says so. */
  readonly ownerId?: UserId;
  /**
   * Whom Discord names as its owners: the owner's account, or everybody who has joined its team,
   * the team's owner first. Empty where Discord does not say so.
   */
  readonly ownerIds: readonly UserId[];
  /** About how many guilds it is in, where Discord says so. */
  readonly guildCount?: number;
}

export interface Applications {
  /** @throws {RestError} If Discord does not tell. */
  me(): Promise<Application>;
  /**
   * The bot's own user, for who has no gateway to be told by.
   *
   * @throws {RestError} If Discord does not tell.
   */
  self(): Promise<UserId>;
  /**
   * Changes the flags, of which Discord lets only the "limited" intents be set.
   *
   * @throws {RestError} `rejected` where it does not, as for a bot in 100 guilds or more.
   */
  setFlags(flags: number): Promise<Application>;
  /**
   * Whether the bot is in any guild at all.
   *
   * @throws {RestError} If Discord does not tell.
   */
  hasGuild(): Promise<boolean>;
}

const ME = "/applications/@me";

/** Without it the owner is told by the log only, so what is no id is as good as not told. */
const ownerSchema = snowflakeSchema<"user">().optional().catch(undefined);

/** Who was asked to join a team, and has not, is no owner yet. */
const ACCEPTED = 2;

const teamSchema = z.object({
  name: z.string(),
  owner_user_id: ownerSchema,
  members: z.array(z.object({
    membership_state: z.number(),
    user: z.object({ id: snowflakeSchema<"user">() }),
  })).default([]).catch([]),
});

const applicationSchema = z.object({
  id: snowflakeSchema<"application">(),
  name: z.string(),
  flags: z.number().default(0),
  bot_require_code_grant: z.boolean().default(false),
  owner: z.object({ username: z.string(), id: ownerSchema }).nullish(),
  team: teamSchema.nullish(),
  approximate_guild_count: z.number().nullish(),
}).transform((body): Application => {
  const owner = body.team?.name ?? body.owner?.username;
  // Of a team's application Discord names as the owner an account that stands for the team.
  const ownerId = body.team ? body.team.owner_user_id : body.owner?.id;
  const joined = (body.team?.members ?? [])
    .filter(({ membership_state }) => membership_state === ACCEPTED)
    .map(({ user }) => user.id);
  const guildCount = body.approximate_guild_count ?? undefined;
  return {
    id: body.id,
    name: body.name,
    flags: body.flags,
    needsCodeGrant: body.bot_require_code_grant,
    ...(owner !== undefined && { owner }),
    ...(ownerId && { ownerId }),
    ownerIds: [...new Set([...(ownerId ? [ownerId] : []), ...joined])],
    ...(guildCount !== undefined && { guildCount }),
  };
});

const userSchema = z.object({ id: snowflakeSchema<"user">() });

const guildsSchema = z.array(z.object({ id: z.string() }));

/** @see {@link https://docs.discord.com/developers/resources/application#edit-current-application} */
export function createApplications(api: RestApi): Applications {
  return {
    me: async () => expect(`GET ${ME}`, applicationSchema, await api.request("GET", ME)),
    async self() {
      const answer = await api.request("GET", "/users/@me");
      return expect("GET /users/@me", userSchema, answer).id;
    },
    async setFlags(flags) {
      const answer = await api.request("PATCH", ME, { body: { flags } });
      return expect(`PATCH ${ME}`, applicationSchema, answer);
    },
    async hasGuild() {
      const answer = await api.request("GET", "/users/@me/guilds?limit=1");
      return expect("GET /users/@me/guilds", guildsSchema, answer).length > 0;
    },
  };
}
