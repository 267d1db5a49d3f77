/**
 * Decides whether everyone who can see one channel may read another one (T4): from roles and
 * overwrites alone, because Discord tells bots the members of a server only with a special intent.
 *
 * A member may have any set of roles. A channel passes if no set of roles opens the place of an
 * answer to a member and closes the channel to them. Members with overwrites of their own are looked
 * at one by one.
 *
 * @see {@link https://docs.discord.com/developers/topics/permissions#permission-overwrites}
 */

import type { UserId } from "../discord/ids.ts";
import { type Overwrite, type Permission, PERMISSIONS } from "./permissions.ts";
import { type GuildFacts, type MemberFacts, missingRight, type RoleFacts } from "./rights.ts";

/** A channel without threads, as far as it decides who reads it. */
export interface ReadPlace {
  readonly overwrites: readonly Overwrite[];
  /** Whether it is a voice or stage channel, in which reading the history needs Connect. */
  readonly isVoice: boolean;
}

const ADMINISTRATOR = 1n << 3n;
const VIEW: Permission = "View Channel";
const opening = ({ isVoice }: ReadPlace): readonly Permission[] =>
  isVoice ? [VIEW, "Connect"] : [VIEW];
/** Rights that reading earlier messages of a channel needs, beside View Channel. */
const READS: readonly Permission[] = ["Read Message History"];

/**
 * Finds members whose own overwrites decide about either channel. The caller reads them for
 * {@link mayAllRead}.
 *
 * @returns Ids of people who have an overwrite of their own: one that shows them the place, or that
 * takes the source from them.
 */
export function membersInQuestion(
  guild: GuildFacts,
  place: ReadPlace,
  source: ReadPlace,
  needs = READS,
): readonly UserId[] {
  const roles = new Set<string>(guild.roles.map(({ id }) => id));
  const isMember = ({ id }: Overwrite) => !roles.has(id) && String(id) !== String(guild.guildId);
  const flags = neededIn(source, needs).filter((flag) =>
    (flag !== VIEW || place.overwrites !== source.overwrites) && !isOpenToAll(guild, source, [flag])
  );
  if (flags.length === 0) return [];
  const needed = bitsOf(flags);
  const opens = bitsOf(opening(place));
  // An overwrite of a member is the last word at Discord.
  const reads = new Set<string>(
    source.overwrites.filter(({ allow }) => (allow & needed) === needed).map(({ id }) => id),
  );
  const ids = new Set<string>([
    ...place.overwrites.filter((one) =>
      isMember(one) && (one.allow & opens) !== 0n && !reads.has(one.id)
    ),
    ...source.overwrites.filter((one) => isMember(one) && (one.deny & needed) !== 0n),
  ].map(({ id }) => id));
  return [...ids] as UserId[]; // Discord has overwrites of roles and of members only
}

/**
 * Whether everyone who can see a place, and enter it by voice, may read the history of a channel.
 *
 * @param place The channel of the answer; for a thread, its channel.
 * @param members Those of {@link membersInQuestion}; `undefined` for a user who is no member.
 * @param needs Empty: whether they may see the channel.
 */
export function mayAllRead(
  guild: GuildFacts,
  place: ReadPlace,
  source: ReadPlace,
  members: ReadonlyMap<UserId, MemberFacts | undefined>,
  now: number,
  needs = READS,
): boolean {
  // Readers of a voice channel have both rights: it is enough that all holders of one of them may.
  return neededIn(source, needs).every((flag) =>
    opening(place).some((seen) => mayAllRoles(guild, place, source, flag, seen))
  ) &&
    membersInQuestion(guild, place, source, needs).every((id) => {
      if (!members.has(id)) return false; // not read: fail closed
      const member = members.get(id);
      if (!member) return true;
      const sees = missingRight(guild, member, place, opening(place), now);
      return sees !== undefined || missingRight(guild, member, source, needs, now) === undefined;
    });
}

/** The rights that reading a channel needs. */
export function neededIn({ isVoice }: ReadPlace, needs = READS): readonly Permission[] {
  return [VIEW, ...needs, ...isVoice && needs.length > 0 ? ["Connect" as const] : []];
}

/** Whether each member has some permissions in a channel: no overwrite takes them. */
export function isOpenToAll(
  guild: GuildFacts,
  { overwrites }: Pick<ReadPlace, "overwrites">,
  flags: readonly Permission[],
): boolean {
  const bits = bitsOf(flags);
  const everyone = guild.roles.find(({ id }) => String(id) === String(guild.guildId));
  return everyone !== undefined && (everyone.permissions & bits) === bits &&
    overwrites.every(({ deny }) => (deny & bits) === 0n);
}

function bitsOf(permissions: readonly Permission[]): bigint {
  return permissions.reduce((bits, name) => bits | PERMISSIONS[name], 0n);
}

/** Whether each set of roles with the permission `seen` in the place has another in the source. */
function mayAllRoles(
  guild: GuildFacts,
  place: ReadPlace,
  source: ReadPlace,
  flag: Permission,
  seen: Permission,
): boolean {
  const bit = PERMISSIONS[flag];
  const everyone = guild.roles.find(({ id }) => String(id) === String(guild.guildId));
  if (!everyone) return false; // Discord always tells this role
  if (isAll(everyone)) return true;
  const inSource = overwritesOf(source);
  const inPlace = overwritesOf(place);
  // Roles that do not open the source by themselves. Only its bot has a bot's role.
  const rest = guild.roles.filter((role) =>
    role !== everyone && !role.isOfBot && !isAll(role) && !inSource.allows(role, bit)
  );
  const sees = (pool: readonly RoleFacts[], given?: RoleFacts) =>
    maySee(everyone, pool, inPlace, PERMISSIONS[seen], given);
  // One of these roles closes the source to a member.
  if (rest.some((role) => inSource.denies(role, bit) && sees(rest, role))) return false;
  if (inSource.allows(everyone, bit)) return true;
  if (inSource.denies(everyone, bit)) return !sees(rest);
  if ((everyone.permissions & bit) !== 0n) return true;
  return !sees(rest.filter(({ permissions }) => (permissions & bit) === 0n));
}

/**
 * Whether a member with some of these roles has a permission in a place.
 *
 * @param given A role that the member has in any case.
 */
function maySee(
  everyone: RoleFacts,
  pool: readonly RoleFacts[],
  place: RoleOverwrites,
  bit: bigint,
  given?: RoleFacts,
): boolean {
  if (pool.some((role) => place.allows(role, bit))) return true;
  if (given && place.denies(given, bit)) return false;
  if (place.allows(everyone, bit)) return true;
  if (place.denies(everyone, bit)) return false;
  return [everyone, ...pool].some((role) =>
    (role.permissions & bit) !== 0n && (role === everyone || !place.denies(role, bit))
  );
}

function isAll(role: RoleFacts): boolean {
  return (role.permissions & ADMINISTRATOR) !== 0n;
}

interface RoleOverwrites {
  allows(role: RoleFacts, bit: bigint): boolean;
  denies(role: RoleFacts, bit: bigint): boolean;
}

/** Overwrites by channel: a search asks for the same ones many times. */
const KNOWN = new WeakMap<readonly Overwrite[], RoleOverwrites>();

function overwritesOf({ overwrites }: ReadPlace): RoleOverwrites {
  const known = KNOWN.get(overwrites);
  if (known) return known;
  const byId = new Map<string, Overwrite>(overwrites.map((one) => [one.id, one]));
  // An overwrite may allow and deny the same permission; Discord then allows it.
  const made: RoleOverwrites = {
    allows: ({ id }, bit) => ((byId.get(id)?.allow ?? 0n) & bit) !== 0n,
    denies({ id }, bit) {
      const { allow = 0n, deny = 0n } = byId.get(id) ?? {};
      return (deny & ~allow & bit) !== 0n;
    },
  };
  KNOWN.set(overwrites, made);
  return made;
}
