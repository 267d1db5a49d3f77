/**
 * Decodes the senders of messages and interactions.
 *
 * A role's name counts only if no other role of its guild has it (P14). Otherwise a rule for
 * "Moderators" would apply to anyone who creates a second role of that name.
 */

import type { RoleId, UserId } from "../../../core/discord/ids.ts";
import type { Role, Sender } from "../../../core/inbound/inbound.ts";
import { bounded } from "../../../lib/text/quoted.ts";
import type { Guild } from "./guild_index.ts";
import type { userPayload } from "./payloads.ts";
import { oncePer } from "../../../lib/cache.ts";

export type User = (typeof userPayload)["_output"];

const MAX_NAME = 100;
const MAX_DISCRIMINATOR = 4;

/** Builds the sender from a user; `guild` gives the names of the roles. */
export function senderOf(
  user: User,
  { roles = [], automaton, applicationId }: {
    /** Roles in the guild; absent if unknown, or outside guilds. */
    readonly roles?: readonly RoleId[];
    /** Set if the sender is no person. */
    readonly automaton?: Sender["automaton"];
    /** The application that made the webhook. */
    readonly applicationId?: Sender["applicationId"];
  },
  guild?: Guild,
): Sender {
  const username = bounded(user.username, MAX_NAME);
  const tag = tagOf(user);
  return {
    id: user.id,
    username,
    tag: tag !== username ? tag : undefined,
    roles: namedRoles(roles, guild),
    automaton,
    applicationId: applicationId || undefined,
  };
}

/** A person's sender, and the facts that it was built from. */
interface KnownPerson {
  readonly username: string;
  readonly discriminator?: User["discriminator"];
  /** The name that people see. */
  readonly shown: string;
  readonly roles: readonly RoleId[];
  /** The roles of the guild: another map after each change of them. It may be gone meanwhile. */
  readonly guildRoles: WeakRef<Guild["roles"]>;
  readonly sender: Sender;
}

const PEOPLE_MAX = 500;
/** Maximum number of a person's roles. So all people take 1 MB at most. */
const PERSON_ROLES_MAX = 16;

/** Creates an empty memory. Beyond {@link PEOPLE_MAX}, the person who came first is forgotten. */
export function createPeople() {
  const people = new Map<UserId, KnownPerson>();
  return {
    /**
     * Builds the sender of a person's message. In a guild, it is usually the same object as long as
     * nothing about the person changes.
     */
    personOf(
      user: User,
      roles: readonly RoleId[] = [],
      guild?: Guild,
      shown = user.username,
    ): Sender {
      const { id, username, discriminator } = user;
      const isShort = roles.length <= PERSON_ROLES_MAX && username.length <= MAX_NAME &&
        (discriminator?.length ?? 0) <= MAX_DISCRIMINATOR;
      if (!guild || !isShort) return senderOf(user, { roles }, guild);
      const known = people.get(id);
      const isSame = known && known.guildRoles.deref() === guild.roles &&
        known.username === username && known.discriminator === discriminator &&
        known.shown === shown &&
        known.roles.length === roles.length && known.roles.every((role, at) => role === roles[at]);
      if (isSame) return known.sender;
      const sender = senderOf(user, { roles }, guild);
      const [oldest] = people.keys();
      if (!known && people.size >= PEOPLE_MAX && oldest !== undefined) people.delete(oldest);
      const guildRoles = new WeakRef(guild.roles);
      people.set(id, { username, discriminator, shown, roles, guildRoles, sender });
      return sender;
    },
    /** Roles and name in a guild as of the person's last message; `undefined` if roles may have changed. */
    memberOf(id: UserId, guild: Guild): KnownPerson | undefined {
      const known = people.get(id);
      return known?.guildRoles.deref() === guild.roles ? known : undefined;
    },
  };
}

/** The senders of people who wrote, because most messages are from one of them. */
export type People = ReturnType<typeof createPeople>;

/** Returns `"ada#1234"` for accounts that still have a discriminator, else `"ada"`. */
export function tagOf({ username, discriminator }: User): string {
  const name = bounded(username, MAX_NAME);
  return !discriminator || /^0*$/.test(discriminator)
    ? name
    : `${name}#${bounded(discriminator, MAX_DISCRIMINATOR)}`;
}

/**
 * The name that people see: the nickname in the guild, or the display name.
 *
 * @returns `undefined` if it is the username.
 */
export function displayNameOf(
  { username = "", global_name }: Partial<User>,
  nick?: string | null,
): string | undefined {
  const name = bounded(nick || global_name || username, MAX_NAME);
  return name === username ? undefined : name;
}

/** Adds names to roles; a name that two roles share is left out. */
export function namedRoles(ids: readonly RoleId[], guild?: Guild): readonly Role[] {
  const names = guild && uniqueNamesOf(guild.roles);
  return ids.map((id) => {
    const name = names?.get(id);
    return { id, name };
  });
}

/** Every change of a guild's roles makes a new map. */
const uniqueNamesOf = oncePer((roles: Guild["roles"]): Guild["roles"] => {
  const counts = new Map<string, number>();
  for (const name of roles.values()) counts.set(name, (counts.get(name) ?? 0) + 1);
  return new Map([...roles].filter(([, name]) => counts.get(name) === 1));
});
