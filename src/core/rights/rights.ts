/**
 * Decides by Discord's own rules whether a member could do something by hand, as one pure function
 * (T4, SEC-R17).
 *
 * The facts are the guild's roles and owner, the place with its overwrites, and the member. The
 * answer is the first missing right; `describeMissing()` puts it into words.
 *
 * The permissions of the member's roles add up. Then the channel's overwrites apply: those of
 * `@everyone`, of the roles together, and of the member. A thread has the overwrites of its parent
 * channel. A member who does not see a channel can do nothing in it, so a caller that needs another
 * permission checks View Channel first.
 *
 * @see {@link https://docs.discord.com/developers/topics/permissions}
 */

import {
  type ChannelId,
  compareIds,
  type GuildId,
  type MessageId,
  type RoleId,
  type Snowflake,
  type UserId,
} from "../discord/ids.ts";

/** Discord's numbers for the kinds of channels that tools name. */
export const CHANNEL_KINDS = {
  text: 0,
  voice: 2,
  category: 4,
  announcement: 5,
  announcementThread: 10,
  publicThread: 11,
  privateThread: 12,
  stage: 13,
  forum: 15,
  media: 16,
} as const;

export interface Channel {
  readonly id: ChannelId;
  /** Discord's number for its kind, one of {@link CHANNEL_KINDS}, or another. */
  readonly type: number;
  /** Absent in direct messages. */
  readonly guildId?: GuildId;
  /** Name for people; empty in direct messages. Untrusted. */
  readonly name: string;
  /** Category of a channel, or channel of a thread. */
  readonly parentId?: ChannelId;
  /** Absent if it has none. Untrusted. */
  readonly topic?: string;
  /** Place in the list of its category. */
  readonly position: number;
  readonly isNsfw: boolean;
  /** Seconds between two messages of a person; 0 without slow mode. */
  readonly slowmodeSec: number;
  /** Empty for a thread, which has those of its parent. */
  readonly overwrites: readonly Overwrite[];
  /** Absent if it has no messages. */
  readonly lastMessageId?: MessageId;
  readonly tags: readonly {
    readonly id: Snowflake;
    /** Name for people. Untrusted. */
    readonly name: string;
    /** Whether only people who manage threads may set it. */
    readonly isModerated: boolean;
  }[];
  /** Set for a thread. */
  readonly thread?: {
    /** Whether it is archived; a message opens it again. */
    readonly isArchived: boolean;
    /** Whether only people who manage threads may write. */
    readonly isLocked: boolean;
    /** The person or bot that opened it. */
    readonly ownerId?: UserId;
  };
}

export function isThread({ type }: { readonly type: number }): boolean {
  return type === CHANNEL_KINDS.announcementThread || type === CHANNEL_KINDS.publicThread ||
    type === CHANNEL_KINDS.privateThread;
}

/** Whether messages of a channel exist only within posts, which are threads. */
export function isForum({ type }: { readonly type: number }): boolean {
  return type === CHANNEL_KINDS.forum || type === CHANNEL_KINDS.media;
}

/** Whether people talk in a channel, too. */
export function isVoice({ type }: { readonly type: number }): boolean {
  return type === CHANNEL_KINDS.voice || type === CHANNEL_KINDS.stage;
}

export interface RoleGrant {
  readonly id: RoleId;
  readonly permissions: bigint;
}

export interface Overwrite {
  readonly id: Snowflake;
  readonly allow: bigint;
  readonly deny: bigint;
}

/** A member and the guild settings from which its permissions follow. */
export interface PermissionInputs {
  /** The guild; `@everyone` has the same id. */
  readonly guildId: GuildId;
  /** The guild's owner, who has all permissions; `undefined` if unknown. */
  readonly ownerId: UserId | undefined;
  /** All roles of the guild; `@everyone` has the guild's id. */
  readonly roles: readonly RoleGrant[];
  readonly userId: UserId;
  /** The member's roles, without `@everyone`. */
  readonly memberRoles: readonly RoleId[];
}

/**
 * The permissions that Barnacle looks at, by their names in Discord's settings. The bits are those
 * in force since February 2026, when pins, slow mode, expressions and events got bits of their own.
 */
export const PERMISSIONS = {
  "View Channel": 1n << 10n,
  "Send Messages": 1n << 11n,
  "Send Messages in Threads": 1n << 38n,
  "Attach Files": 1n << 15n,
  "Embed Links": 1n << 14n,
  "Read Message History": 1n << 16n,
  "Create Public Threads": 1n << 35n,
  "Create Private Threads": 1n << 36n,
  "Manage Threads": 1n << 34n,
  "Add Reactions": 1n << 6n,
  "Use External Emojis": 1n << 18n,
  "Use External Stickers": 1n << 37n,
  "Manage Messages": 1n << 13n,
  "Pin Messages": 1n << 51n,
  "Bypass Slowmode": 1n << 52n,
  "Create Polls": 1n << 49n,
  "Create Expressions": 1n << 43n,
  "Manage Expressions": 1n << 30n,
  "Create Events": 1n << 44n,
  "Manage Events": 1n << 33n,
  "Manage Channels": 1n << 4n,
  "Manage Roles": 1n << 28n,
  "Timeout Members": 1n << 40n,
  "Kick Members": 1n << 1n,
  "Ban Members": 1n << 2n,
  "Connect": 1n << 20n,
  "Speak": 1n << 21n,
  "Mute Members": 1n << 22n,
  "Move Members": 1n << 24n,
  "Administrator": 1n << 3n,
  "Manage Webhooks": 1n << 29n,
  "Mention Everyone": 1n << 17n,
} as const;

/** The name of a permission: `"Send Messages"`. */
export type Permission = keyof typeof PERMISSIONS;

/** Permissions that the bot does not need, and that an attacker could use (SEC-R34). */
export const RISKY: readonly Permission[] = [
  "Administrator",
  "Manage Webhooks",
  "Mention Everyone",
];

/** Whether it is the name of a permission that Barnacle looks at. */
export function isPermission(name: string): name is Permission {
  return Object.hasOwn(PERMISSIONS, name);
}

/** Why a member lacks a permission: no role grants it, or this overwrite denies it last. */
type DeniedBy =
  | { readonly kind: "no_role" }
  | { readonly kind: "everyone" }
  | { readonly kind: "roles"; readonly ids: readonly RoleId[] }
  | { readonly kind: "member" };

const EVERYTHING = (1n << 64n) - 1n;

/**
 * Finds the rule that denies a member a permission.
 *
 * @returns `undefined` if the member has the permission, whether or not it sees the channel.
 */
export function deniedBy(
  member: PermissionInputs,
  overwrites: readonly Overwrite[],
  permission: Permission,
): DeniedBy | undefined {
  const flag = PERMISSIONS[permission];
  if (has(permissionBits(member, overwrites), flag)) return undefined;
  // The last denial counts: if a later overwrite allowed the permission, the member would have it.
  const denials = overwrites.filter(({ deny }) => has(deny, flag));
  const { everyone, roles, own } = groupOverwrites(member, denials);
  if (own.length > 0) return { kind: "member" };
  if (roles.length > 0) {
    const ids = member.memberRoles.filter((role) => roles.some(({ id }) => isSame(id, role)));
    return { kind: "roles", ids };
  }
  return { kind: everyone.length > 0 ? "everyone" : "no_role" };
}

/**
 * All permissions of a member in a channel, one bit each, whether or not it sees the channel.
 *
 * @param overwrites Of the channel; none for the permissions in the whole guild.
 */
export function permissionBits(
  member: PermissionInputs,
  overwrites: readonly Overwrite[],
): bigint {
  const base = basePermissions(member);
  if (base === EVERYTHING) return base;
  const { everyone, roles, own } = groupOverwrites(member, overwrites);
  return [everyone, roles, own].reduce((bits, group) => {
    const denied = group.reduce((sum, { deny }) => sum | deny, 0n);
    return group.reduce((sum, { allow }) => sum | allow, bits & ~denied);
  }, base);
}

/**
 * Finds the risky permissions in a bit set. An administrator has all others, so the result names
 * only Administrator then.
 */
export function riskyIn(bits: bigint): readonly string[] {
  const found = RISKY.filter((name) => has(bits, PERMISSIONS[name]));
  return found.includes("Administrator") ? ["Administrator"] : found;
}

/** Whether a member has all permissions everywhere: as the guild's owner, or an administrator. */
export function hasAllPermissions(member: PermissionInputs): boolean {
  return basePermissions(member) === EVERYTHING;
}

/** The permissions of a member in the whole guild; all bits for its owner and administrators. */
function basePermissions(
  { guildId, ownerId, roles, userId, memberRoles }: PermissionInputs,
): bigint {
  if (userId === ownerId) return EVERYTHING;
  const base = roles.filter(({ id }) => memberRoles.includes(id) || isSame(id, guildId))
    .reduce((bits, { permissions }) => bits | permissions, 0n);
  return has(base, PERMISSIONS["Administrator"]) ? EVERYTHING : base;
}

/** Groups overwrites in the order in which Discord applies them. */
function groupOverwrites(
  { guildId, userId, memberRoles }: PermissionInputs,
  overwrites: readonly Overwrite[],
) {
  const ids = new Set<string>(memberRoles);
  return {
    everyone: overwrites.filter(({ id }) => isSame(id, guildId)),
    roles: overwrites.filter(({ id }) => ids.has(id)),
    own: overwrites.filter(({ id }) => isSame(id, userId)),
  };
}

function has(bits: bigint, flag: bigint): boolean {
  return (bits & flag) !== 0n;
}

/** Compares ids of two kinds, which can be equal: the role `@everyone` has its guild's id. */
function isSame(left: string, right: string): boolean {
  return left === right;
}

export interface RoleFacts extends RoleGrant {
  /** Name for people. Untrusted. */
  readonly name: string;
  /** Place in the role order; a higher one may do things to a lower one. */
  readonly position: number;
  /** Whether an integration owns it, so that no one can give it by hand. */
  readonly isManaged: boolean;
  /** Set if only one bot can have it. */
  readonly isOfBot?: boolean;
}

export interface GuildFacts {
  /** The guild; `@everyone` has the same id. */
  readonly guildId: GuildId;
  /** The guild's owner, who has all permissions and the highest rank. */
  readonly ownerId: UserId;
  /** All roles, with `@everyone`. */
  readonly roles: readonly RoleFacts[];
}

export interface MemberFacts {
  readonly userId: UserId;
  /** Without `@everyone`. */
  readonly roles: readonly RoleId[];
  /** End of a timeout, Unix time in milliseconds; it may be in the past. */
  readonly timedOutUntil?: number;
}

export interface PlaceFacts {
  /** Of the channel; for a thread, of its parent. */
  readonly overwrites: readonly Overwrite[];
  /** Whether it is a voice or stage channel, in which every right needs Connect. */
  readonly isVoice?: boolean;
  /** Whether slow mode is on. */
  readonly hasSlowmode?: boolean;
  /** Set for a thread. */
  readonly thread?: {
    /** Whether only its members, and people who manage threads, see it. */
    readonly isPrivate: boolean;
    /** Whether only people who manage threads may write. */
    readonly isLocked: boolean;
    /** Whether the member who asks is in it. */
    readonly hasMember: boolean;
  };
}

export type Need =
  /** A permission in the place, or in the guild if the action has no place. */
  | Permission
  | { readonly kind: "any"; readonly of: readonly Permission[] }
  /** A permission in the whole guild. Overwrites of the place do not count. */
  | { readonly kind: "in_guild"; readonly permission: Permission }
  /** A higher rank than another member. For a timeout, the other one must be no administrator. */
  | { readonly kind: "outranks" | "can_time_out"; readonly member: MemberFacts }
  /** A higher rank than a role, which people can give. */
  | { readonly kind: "above_role"; readonly roleId: RoleId }
  /** A higher rank than a role, which may be a bot's or `@everyone`. */
  | { readonly kind: "over_role"; readonly roleId: RoleId }
  /** All of these permissions, because it is about to give or deny them. */
  | { readonly kind: "holds"; readonly bits: bigint }
  /** Being the person for whom the bot posted a message; absent: it is not known for whom. */
  | { readonly kind: "posted_for"; readonly userId?: UserId | undefined };

/** A missing right; {@link describeMissing} says what each kind means. */
export type MissingRight =
  /** People would read words of a channel in another one who may not read the first (T4). */
  | { readonly kind: "readers"; readonly channelId: ChannelId; readonly shownIn: ChannelId }
  /** Each of these permissions would suffice; in a timeout, the member may not use them. */
  | { readonly kind: "permission" | "timeout"; readonly permissions: readonly Permission[] }
  | {
    readonly kind:
      | "not_member"
      | "rank"
      | "administrator"
      | "no_role"
      | "everyone_role"
      | "managed_role"
      | "role_rank"
      | "bits"
      | "not_theirs";
  };

const LEFT_BY_TIMEOUT: ReadonlySet<Permission> = new Set(["View Channel", "Read Message History"]);

/** Permissions that a locked thread takes from everyone who does not manage threads. */
const WRITES: ReadonlySet<Permission> = new Set([
  "Send Messages",
  "Add Reactions",
  "Attach Files",
  "Create Polls",
]);

/** Permissions that slow mode bounds: one message and one thread at a time. */
const SLOWED: ReadonlySet<Permission> = new Set([
  "Send Messages",
  "Create Public Threads",
  "Create Private Threads",
]);

/**
 * Finds the first right that a member lacks.
 *
 * @param member `undefined` for a user who is not in the guild.
 * @param place `undefined` for an action on the whole guild.
 * @param now Unix time in milliseconds, for timeouts.
 * @returns `undefined` if nothing is missing.
 */
export function missingRight(
  guild: GuildFacts,
  member: MemberFacts | undefined,
  place: PlaceFacts | undefined,
  needs: readonly Need[],
  now: number,
): MissingRight | undefined {
  if (!member) return { kind: "not_member" };
  const inputs = inputsOf(guild, member);
  const inGuild = basePermissions(inputs);
  const hasAll = inGuild === EVERYTHING;
  const isTimedOut = !hasAll && (member.timedOutUntil ?? 0) > now;
  const here = place ? permissionBits(inputs, place.overwrites) : inGuild;

  const lacks = (permission: Permission, bits = here): boolean => {
    if (hasAll) return false;
    if (isTimedOut && !LEFT_BY_TIMEOUT.has(permission)) return true;
    return (bits & PERMISSIONS[permission]) === 0n;
  };
  const lacksHere = (permission: Permission): Permission | undefined =>
    permissionsFor(permission, place).find((one) => lacks(one));

  const lacking = (permission: Permission | undefined): MissingRight | undefined => {
    if (permission === undefined) return undefined;
    const isByTimeout = isTimedOut && !LEFT_BY_TIMEOUT.has(permission);
    return { kind: isByTimeout ? "timeout" : "permission", permissions: [permission] };
  };
  const missing = (need: Need): MissingRight | undefined => {
    if (typeof need === "string") return lacking(lacksHere(need));
    switch (need.kind) {
      case "any":
        return need.of.some((one) => lacksHere(one) === undefined)
          ? undefined
          : { kind: "permission", permissions: need.of };
      case "in_guild":
        return lacking(lacks(need.permission, inGuild) ? need.permission : undefined);
      case "outranks":
        return outranks(guild, member, need.member) ? undefined : { kind: "rank" };
      case "can_time_out":
        if (!outranks(guild, member, need.member)) return { kind: "rank" };
        return hasAllPermissions(inputsOf(guild, need.member))
          ? { kind: "administrator" }
          : undefined;
      case "above_role":
        return roleProblem(guild, need.roleId) ?? roleRank(guild, member, need.roleId);
      case "over_role":
        return roleRank(guild, member, need.roleId);
      case "holds":
        return hasAll || (!isTimedOut && (need.bits & ~here) === 0n) ? undefined : { kind: "bits" };
      case "posted_for": // at Discord, not even the server's owner ends another person's poll
        return need.userId === member.userId ? undefined : { kind: "not_theirs" };
    }
  };

  const all: readonly Need[] = place ? ["View Channel", ...needs] : needs;
  for (const need of all) {
    const found = missing(need);
    if (found) return found;
  }
  return undefined;
}

/** The permissions that Discord checks for one, in this kind of place. */
function permissionsFor(permission: Permission, place?: PlaceFacts): readonly Permission[] {
  if (!place) return [permission];
  const { thread, isVoice, hasSlowmode } = place;
  const sending = thread ? "Send Messages in Threads" : "Send Messages";
  const own = permission === "Send Messages" ? sending : permission;
  const isOpen = permission === "View Channel";
  return [
    own,
    ...(isOpen && thread?.isPrivate && !thread.hasMember ? ["Manage Threads" as const] : []),
    ...(!isOpen && isVoice ? ["Connect" as const] : []),
    ...(WRITES.has(permission) && thread?.isLocked ? ["Manage Threads" as const] : []),
    ...(SLOWED.has(permission) && hasSlowmode ? ["Bypass Slowmode" as const] : []),
  ];
}

export function inputsOf(
  { guildId, ownerId, roles }: GuildFacts,
  { userId, roles: memberRoles }: MemberFacts,
): PermissionInputs {
  return { guildId, ownerId, roles, userId, memberRoles };
}

/** Whether a member's rank is above that of another member. No one outranks the owner. */
export function outranks(guild: GuildFacts, member: MemberFacts, other: MemberFacts): boolean {
  if (other.userId === guild.ownerId || other.userId === member.userId) return false;
  if (member.userId === guild.ownerId) return true;
  const [own, theirs] = [topRole(guild, member), topRole(guild, other)];
  return own !== undefined && (theirs === undefined || isAbove(own, theirs));
}

function roleProblem(guild: GuildFacts, roleId: RoleId): MissingRight | undefined {
  const role = guild.roles.find(({ id }) => id === roleId);
  if (!role) return { kind: "no_role" };
  if (isEveryone(guild, role)) return { kind: "everyone_role" };
  return role.isManaged ? { kind: "managed_role" } : undefined;
}

function roleRank(
  guild: GuildFacts,
  member: MemberFacts,
  roleId: RoleId,
): MissingRight | undefined {
  const role = guild.roles.find(({ id }) => id === roleId);
  if (!role) return { kind: "no_role" };
  if (member.userId === guild.ownerId || isEveryone(guild, role)) return undefined;
  const own = topRole(guild, member);
  return own && isAbove(own, role) ? undefined : { kind: "role_rank" };
}

/** The highest role of a member; `undefined` for a member with `@everyone` alone. */
function topRole(guild: GuildFacts, { roles }: MemberFacts): RoleFacts | undefined {
  return guild.roles.filter((role) => roles.includes(role.id) && !isEveryone(guild, role))
    .sort((one, other) => isAbove(one, other) ? -1 : 1)[0];
}

/** Of roles with the same position, Discord puts the older one above. */
function isAbove(one: RoleFacts, other: RoleFacts): boolean {
  return one.position === other.position
    ? compareIds(one.id, other.id) < 0
    : one.position > other.position;
}

function isEveryone({ guildId }: GuildFacts, { id }: RoleFacts): boolean {
  return String(id) === String(guildId);
}

const WORDS = {
  asker: { who: "they", lacks: "lack", is: "are", their: "their", has: "they have" },
  bot: { who: "the bot", lacks: "lacks", is: "is", their: "its", has: "it has" },
  reader: { who: "you", lacks: "lack", is: "are", their: "your", has: "you have" },
} as const;

/** Describes a missing right: `"they lack the permission Manage Roles"`. */
export function describeMissing(missing: MissingRight, whose: "asker" | "bot" | "reader"): string {
  const { who, lacks, is, their, has } = WORDS[whose];
  switch (missing.kind) {
    case "permission":
      return `${who} ${lacks} the permission ${missing.permissions.join(" or ")}`;
    case "not_member":
      return `${who} ${is} not a member of that server`;
    case "timeout":
      return `${who} ${is} timed out`;
    case "rank":
      return `${their} highest role is not above that of the other member`;
    case "administrator":
      return "an administrator cannot be timed out";
    case "no_role":
      return "there is no such role in that server";
    case "everyone_role":
      return "@everyone is a role that no one can give or take";
    case "managed_role":
      return "an integration manages that role, so no one can give or take it";
    case "role_rank":
      return `that role is not below ${their} highest role`;
    case "bits":
      return `${who} may give and deny only permissions that ${has} there`;
    case "not_theirs":
      return "the bot posted it for another person; only they and owners of the bot may do that";
    case "readers":
      return "not everyone who would read it may read the channel of its words";
  }
}

/** A channel without threads, as far as it decides who reads it. */
export interface ReadPlace {
  readonly overwrites: readonly Overwrite[];
  /** Whether it is a voice or stage channel, in which reading the history needs Connect. */
  readonly isVoice: boolean;
}

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
  place: ReturnType<typeof overwritesOf>,
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
  return (role.permissions & PERMISSIONS["Administrator"]) !== 0n;
}

/** An overwrite may allow and deny the same permission; Discord then allows it. */
function overwritesOf({ overwrites }: ReadPlace) {
  const byId = new Map<string, Overwrite>(overwrites.map((one) => [one.id, one]));
  return {
    allows: ({ id }: RoleFacts, bit: bigint) => ((byId.get(id)?.allow ?? 0n) & bit) !== 0n,
    denies({ id }: RoleFacts, bit: bigint) {
      const { allow = 0n, deny = 0n } = byId.get(id) ?? {};
      return (deny & ~allow & bit) !== 0n;
    },
  };
}

export type SeenAt =
  /** Absent: the turn's channel. `isListed`: all who see the channel in the list, also without Connect. */
  | { readonly kind: "channel"; readonly id?: ChannelId | undefined; readonly isListed?: true }
  /** Each member of a server sees it; absent: the turn's server. */
  | { readonly kind: "guild"; readonly id?: GuildId | undefined }
  /** The direct messages of a person. */
  | { readonly kind: "person"; readonly id: UserId }
  /** The voice channel in which a person is; absent: that of the bot. */
  | { readonly kind: "voice"; readonly id?: UserId }
  /** The asker's own account at a service (T13a). */
  | { readonly kind: "account"; readonly id?: undefined }
  /** `by`: the key of the config that says so; absent: the bot itself shows it to all. */
  | { readonly kind: "everyone"; readonly by?: string; readonly id?: undefined };

export interface Effect {
  readonly at: SeenAt;
  /** Everything that the call chooses beside the place, if that is one text. */
  readonly text?: string | undefined;
  /** An address that the call reads from: its server sees it. */
  readonly address?: string | undefined;
  /** Set if it copies the content of another channel, whose readers its probe checks. */
  readonly isCopy?: true | undefined;
}

/** Reads the effect of a call, or its place. */
export interface Seen<Given extends readonly unknown[], Result> {
  at(...given: Given): Result;
}

/** The effect of a call by its arguments. */
export function effectAt(at: SeenAt, given: Readonly<Record<string, unknown>>): Effect {
  const [text, ...more] = Object.values(given).filter((one) => one !== undefined && one !== at.id);
  const isOne = typeof text === "string" && more.length === 0;
  return { at, text: isOne ? text : undefined, address: addressIn(given["mediaUrl"]) };
}

/** The address that a source of a file is; `undefined` for other sources. */
export function addressIn(source: unknown): string | undefined {
  return typeof source === "string" && /^\s*https?:/i.test(source) ? source.trim() : undefined;
}
