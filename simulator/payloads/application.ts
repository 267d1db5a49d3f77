/** An application in Discord's JSON. */

import type { UserId } from "../../src/core/discord/ids.ts";
import { INTENT } from "../world/intents.ts";
import { type Payload, toUser, userPayload } from "./payloads.ts";
import { type Outcome, refuseForm } from "../world/refusals.ts";
import { toSnowflake } from "../world/snowflake.ts";
import type { Application, Team, World } from "../world/world.ts";

/** Privileged intents, each with its flag for an unverified application. */
const LIMITED_FLAGS: readonly (readonly [intent: number, flag: number])[] = [
  [INTENT.guildPresences, 1 << 13],
  [INTENT.guildMembers, 1 << 15],
  [INTENT.messageContent, 1 << 19],
];

/** Flags that show a client the privileged intents of the portal. */
export function applicationFlags({ privilegedIntents }: Application): number {
  return LIMITED_FLAGS.reduce(
    (sum, [intent, flag]) => privilegedIntents & intent ? sum | flag : sum,
    0,
  );
}

/**
 * Switches privileged intents, as an application may for itself.
 *
 * @param flags All flags after the change; only those of the limited intents may differ.
 * `undefined` changes nothing.
 * @see {@link https://docs.discord.com/developers/resources/application#edit-current-application}
 */
export function changeFlags(
  world: World,
  application: Application,
  flags: number | undefined,
): Outcome<Application> {
  if (flags === undefined) return { kind: "done", value: application, events: [] };
  const all = LIMITED_FLAGS.reduce((sum, [, flag]) => sum | flag, 0);
  if ((flags & ~all) !== 0 || flags > 0xffff_ffff) {
    return refuseForm({
      path: ["flags"],
      code: "APPLICATION_FLAGS_INVALID",
      message: "Only the flags of limited intents can be changed.",
    });
  }
  const privilegedIntents = LIMITED_FLAGS.reduce(
    (sum, [intent, flag]) => flags & flag ? sum | intent : sum,
    0,
  );
  const changed = { ...application, privilegedIntents };
  world.applications.set(application.id, changed);
  return { kind: "done", value: changed, events: [] };
}

export function toApplication(world: World, application: Application): Payload {
  const flags = applicationFlags(application);
  const bot = world.users.get(application.userId);
  return {
    id: application.id,
    name: bot?.username ?? "application",
    icon: null,
    description: "",
    type: null,
    bot: userPayload(world, application.userId),
    bot_public: false,
    bot_require_code_grant: false,
    verify_key: "0".repeat(64),
    flags,
    flags_new: String(flags),
    redirect_uris: [],
    interactions_endpoint_url: null,
    role_connections_verification_url: null,
    owner: ownerOf(world, application),
    approximate_guild_count: countGuilds(world, application.userId),
    approximate_user_install_count: 0,
    approximate_user_authorization_count: 0,
    explicit_content_filter: 0,
    team: application.team ? toTeam(world, application.team) : null,
    eligible_oauth2_scopes: [],
  };
}

/** A team's application belongs to a user that stands for the team, not for a person. */
function ownerOf(world: World, { ownerId, team }: Application): Payload {
  if (!team) return userPayload(world, ownerId);
  const user = {
    id: toSnowflake<"user">(team.id),
    username: `team${team.id}`,
    discriminator: "0000",
    isBot: false,
    acceptsDms: false,
  };
  return { ...toUser(user), flags: TEAM_PSEUDO_USER, public_flags: TEAM_PSEUDO_USER };
}

const TEAM_PSEUDO_USER = 1 << 10;

function toTeam(world: World, { id, name, ownerId, members }: Team): Payload {
  return {
    id,
    icon: null,
    name,
    owner_user_id: ownerId,
    members: members.map(({ userId, hasAccepted, role }) => ({
      user: userPayload(world, userId),
      team_id: id,
      membership_state: hasAccepted ? 2 : 1,
      role,
      permissions: ["*"],
    })),
  };
}

function countGuilds(world: World, userId: UserId): number {
  return [...world.guilds.values()].filter(({ members }) => members.has(userId)).length;
}
