/**
 * An application in Discord's JSON.
 *
 * @module
 */

import type { UserId } from "../core/ids.ts";
import { type Payload, userPayload } from "./payloads.ts";
import type { Application, World } from "./world.ts";

/** Flags by which a client sees which privileged intents the portal has switched on. */
export function applicationFlags({ privilegedIntents }: Application): number {
  const of = (intent: number, flag: number) => privilegedIntents & intent ? flag : 0;
  return of(1 << 8, 1 << 13) | of(1 << 1, 1 << 15) | of(1 << 15, 1 << 19);
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
    owner: userPayload(world, application.ownerId),
    approximate_guild_count: countGuilds(world, application.userId),
    approximate_user_install_count: 0,
    approximate_user_authorization_count: 0,
    explicit_content_filter: 0,
    team: null,
    eligible_oauth2_scopes: [],
  };
}

function countGuilds(world: World, userId: UserId): number {
  return [...world.guilds.values()].filter(({ members }) => members.has(userId)).length;
}
