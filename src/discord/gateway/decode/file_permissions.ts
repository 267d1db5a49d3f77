/**
 * Computes whether the bot may attach files in a place (R12a).
 *
 * Before an answer is frozen, no request may delay it. So the index of guilds keeps the settings
 * that decide about this one permission. Most channels have none, so they cost little memory.
 *
 * @see {@link https://docs.discord.com/developers/topics/permissions#permission-overwrites}
 */

import { BitwisePermissionFlags as Flag } from "@discordeno/types";
import { z } from "zod";
import {
  type ChannelId,
  type GuildId,
  parseSnowflake,
  type RoleId,
  type UserId,
} from "../../../core/discord/ids.ts";
import { bits } from "../../../core/discord/lenient.ts";
import { snowflakeSchema } from "../../../core/discord/snowflake_schema.ts";
import { createChecker } from "../../../lib/checker.ts";
import { type ChannelPayload, memberPayload, type RolePayload } from "./payloads.ts";

/** The settings of a guild that decide whether the bot may attach files. */
export interface FilePermissions {
  /** Set if the bot owns the guild, and so may do everything. */
  readonly isOwner?: true;
  /** The bot's roles, without `@everyone`; absent while unknown. */
  readonly ownRoles?: readonly RoleId[];
  /** The roles that allow files. `all`: by Administrator, which no channel can deny. */
  readonly roles: ReadonlyMap<RoleId, "files" | "all">;
  /** The channels with overwrites of this permission. */
  readonly channels: ReadonlyMap<ChannelId, readonly FileOverwrite[]>;
}

/** An overwrite of the permission to attach files: id of a role or a member, and its effect. */
export type FileOverwrite = readonly [id: string, isAllowed: boolean];

/** Whether the bot may attach files in a place. Unknown settings count as allowed. */
export function mayAttach(
  { isOwner, ownRoles, roles, channels }: FilePermissions,
  { guildId, channelId }: {
    /** The guild; `@everyone` has the same id. */
    readonly guildId: GuildId;
    /** The channel with the overwrites: that of a thread is its parent. */
    readonly channelId: ChannelId;
  },
  self: UserId,
): boolean {
  if (isOwner || !ownRoles) return true;
  const byId: ReadonlyMap<string, "files" | "all"> = roles;
  const grants = [guildId, ...ownRoles].map((id) => byId.get(id));
  if (grants.includes("all")) return true;
  const isGranted = grants.includes("files");
  const overwrites = channels.get(channelId);
  if (!overwrites) return isGranted; // as in most channels
  const own = new Set<string>(ownRoles);
  const groups = [
    overwrites.filter(([id]) => isSame(id, guildId)),
    overwrites.filter(([id]) => own.has(id)),
    overwrites.filter(([id]) => isSame(id, self)),
  ];
  return groups.reduce(
    (isAllowed, group) => group.length === 0 ? isAllowed : group.some(([, allows]) => allows), // within a group, allow wins
    isGranted,
  );
}

/** Reads the roles that allow files; `undefined` if a role has no permissions in its payload. */
export function toFileRoles(roles: readonly RolePayload[]): FilePermissions["roles"] | undefined {
  const granting = new Map<RoleId, "files" | "all">();
  for (const { id, permissions } of roles) {
    if (permissions === undefined) return undefined;
    const grant = grantOf(permissions);
    if (grant) granting.set(id, grant);
  }
  return granting;
}

/** Returns the grant of a role: files, everything, or neither. */
export function grantOf(permissions: string): "files" | "all" | undefined {
  const bits = bitsOf(permissions);
  if ((bits & Flag.ADMINISTRATOR) !== 0n) return "all";
  return (bits & Flag.ATTACH_FILES) !== 0n ? "files" : undefined;
}

/** Reads the channels with overwrites of this permission. */
export function toFileChannels(channels: readonly ChannelPayload[]): FilePermissions["channels"] {
  return new Map(channels.flatMap((channel) => {
    const overwrites = toFileOverwrites(channel);
    return overwrites.length === 0 ? [] : [[channel.id, overwrites] as const];
  }));
}

const checkOverwrite = createChecker(
  z.lazy(() => z.object({ id: snowflakeSchema(), allow: bits, deny: bits })),
);

/** Reads a channel's overwrites of this permission. Malformed ones are left out. */
export function toFileOverwrites(
  { permission_overwrites: overwrites }: ChannelPayload,
): readonly FileOverwrite[] {
  if (!Array.isArray(overwrites)) return [];
  return overwrites.flatMap((overwrite): FileOverwrite[] => {
    const { id, allow, deny } = checkOverwrite(overwrite).data ?? {};
    if (id === undefined || allow === undefined || deny === undefined) return [];
    if ((bitsOf(allow) & Flag.ATTACH_FILES) !== 0n) return [[id, true]];
    return (bitsOf(deny) & Flag.ATTACH_FILES) !== 0n ? [[id, false]] : [];
  });
}

const checkMember = createChecker(memberPayload);

/** Finds the roles of the bot in a list of members; `undefined` if the bot is not in it. */
export function ownRolesIn(
  members: unknown,
  self: UserId | undefined,
): readonly RoleId[] | undefined {
  if (!Array.isArray(members) || self === undefined) return undefined;
  for (const member of members) {
    const { user, roles = [] } = checkMember(member).data ?? {};
    if (user?.id === self) return roles;
  }
  return undefined;
}

/** The settings as text in the store; absent in older texts. */
export const fileText = z.lazy(() =>
  z.object({
    owner: z.literal(true).optional(),
    own: z.array(z.string()).optional(),
    roles: z.array(z.tuple([z.string(), z.enum(["files", "all"])])),
    channels: z.array(z.tuple([z.string(), z.array(z.tuple([z.string(), z.boolean()]))])),
  })
);

/** Encodes the settings for the store. */
export function toFileText(
  { isOwner, ownRoles, roles, channels }: FilePermissions,
): z.infer<typeof fileText> {
  return {
    owner: isOwner || undefined,
    own: ownRoles ? [...ownRoles] : undefined,
    roles: Array.from(roles),
    channels: Array.from(channels, ([id, overwrites]) => [
      id,
      overwrites.map(([by, isAllowed]) => [by, isAllowed]),
    ]),
  };
}

/** Decodes the settings from the store. */
export function fromFileText(
  { owner, own, roles, channels }: z.infer<typeof fileText>,
): FilePermissions {
  return {
    isOwner: owner || undefined,
    ownRoles: own ? toRoleIds(own) : undefined,
    roles: new Map(roles.flatMap(([digits, grant]) => {
      const id = parseSnowflake<"role">(digits);
      return id ? [[id, grant] as const] : [];
    })),
    channels: new Map(channels.flatMap(([digits, overwrites]) => {
      const id = parseSnowflake<"channel">(digits);
      return id ? [[id, overwrites] as const] : [];
    })),
  };
}

function toRoleIds(digits: readonly string[]): readonly RoleId[] {
  return digits.flatMap((text) => parseSnowflake<"role">(text) ?? []);
}

/** @returns 0 for a text that is no number. */
function bitsOf(digits: string): bigint {
  return /^\d{1,39}$/.test(digits) ? BigInt(digits) : 0n;
}

/** Compares ids of two kinds, which can be equal: the role `@everyone` has its guild's id. */
function isSame(left: string, right: string): boolean {
  return left === right;
}
