/**
 * An application in Discord's JSON.
 *
 * @module
 */

import type { UserId } from "../core/ids.ts";
import { INTENT } from "./intents.ts";
import { type Payload, userPayload } from "./payloads.ts";
import { type Outcome, refuseForm } from "./refusals.ts";
import type { Application, World } from "./world.ts";

/** Privileged intents, each with the flag that an unverified application has for it. */
const LIMITED_FLAGS: readonly (readonly [intent: number, flag: number])[] = [
  [INTENT.guildPresences, 1 << 13],
  [INTENT.guildMembers, 1 << 15],
  [INTENT.messageContent, 1 << 19],
];

/** Flags by which a client sees which privileged intents the portal has switched on. */
export function applicationFlags({ privilegedIntents }: Application): number {
  return LIMITED_FLAGS.reduce(
    (sum, [intent, flag]) => privilegedIntents & intent ? sum | flag : sum,
    0,
  );
}

/**
 * Switches privileged intents, as an application may for itself.
 *
 * @param flags All flags that it shall have; those of the limited intents are the only ones that
 * may differ from what it has. `undefined` changes nothing.
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
