/**
 * Who did something at Discord, in our words.
 *
 * A role's name counts only where no other role of its guild has it (P14): a rule for
 * "Moderators" must not hold for whoever makes a second role of that name.
 *
 * @module
 */

import type { RoleId } from "../../../core/discord/ids.ts";
import type { Role, Sender } from "../../../core/inbound/inbound.ts";
import { bounded } from "../../../lib/bounded.ts";
import type { Guild } from "./guild_index.ts";
import type { userPayload } from "./payloads.ts";

export type User = (typeof userPayload)["_output"];

/** What is known of somebody beside the account. */
export interface SenderFacts {
  /** Held in the guild; absent where it is not told, or there is none. */
  readonly roles?: readonly RoleId[] | undefined;
  readonly automaton?: Sender["automaton"] | undefined;
  /** Of a webhook, the application that made it. */
  readonly applicationId?: Sender["applicationId"] | undefined;
}

const MAX_NAME = 100;

export function senderOf(
  user: User,
  { roles = [], automaton, applicationId }: SenderFacts,
  guild?: Guild,
): Sender {
  const username = bounded(user.username, MAX_NAME);
  const tag = tagOf(user);
  return {
    id: user.id,
    username,
    ...(tag !== username && { tag }),
    roles: namedRoles(roles, guild),
    ...(automaton && { automaton }),
    ...(applicationId && { applicationId }),
  };
}

/** `"ada#1234"` of accounts that still have a discriminator, else `"ada"`. */
export function tagOf({ username, discriminator }: User): string {
  const name = bounded(username, MAX_NAME);
  return !discriminator || /^0*$/.test(discriminator)
    ? name
    : `${name}#${bounded(discriminator, 4)}`;
}

/** Roles with the names that are theirs alone. */
export function namedRoles(ids: readonly RoleId[], guild?: Guild): readonly Role[] {
  const names = guild && uniqueNamesOf(guild.roles);
  return ids.map((id) => {
    const name = names?.get(id);
    return { id, ...(name !== undefined && { name }) };
  });
}

/** By the guild's roles, which are made anew whenever one of them changes. */
const uniqueNames = new WeakMap<Guild["roles"], Guild["roles"]>();

/** Worked out once for each change of a guild's roles, and not for each message. */
function uniqueNamesOf(roles: Guild["roles"]): Guild["roles"] {
  const known = uniqueNames.get(roles);
  if (known) return known;
  const counts = new Map<string, number>();
  for (const name of roles.values()) counts.set(name, (counts.get(name) ?? 0) + 1);
  const unique = new Map([...roles].filter(([, name]) => counts.get(name) === 1));
  uniqueNames.set(roles, unique);
  return unique;
}
