/**
 * Keeps the permissions of a guild that Barnacle needs where no request may delay an answer: whether
 * the bot may attach files in a place (R12a), and who sees a channel, so that its name may stand in
 * another one (H3).
 *
 * The index of guilds keeps the settings that decide about these permissions. Most channels have
 * none, so they cost little memory.
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
import { type Overwrite, permissionBits } from "../../../core/rights/permissions.ts";
import { createChecker } from "../../../lib/checker.ts";
import { type ChannelPayload, memberPayload, type RolePayload } from "./payloads.ts";

const KEPT = Flag.ADMINISTRATOR | Flag.VIEW_CHANNEL | Flag.CONNECT | Flag.ATTACH_FILES;

/** The settings of a guild that decide about the kept permissions. */
export interface KeptPermissions {
  /** Set if the bot owns the guild, and so may do everything. */
  readonly isOwner?: true;
  /** The bot's roles, without `@everyone`; absent while unknown. */
  readonly ownRoles?: readonly RoleId[];
  /** The kept permissions of the roles that grant any, one bit each. */
  readonly roles: ReadonlyMap<RoleId, bigint>;
  /** The channels with overwrites of these permissions. */
  readonly channels: ReadonlyMap<ChannelId, readonly Overwrite[]>;
}

/** Whether the bot may attach files in a place. Unknown settings count as allowed. */
export function mayAttach(
  { isOwner, ownRoles: memberRoles, roles, channels }: KeptPermissions,
  { guildId, channelId }: {
    /** The guild; `@everyone` has the same id. */
    readonly guildId: GuildId;
    /** The channel with the overwrites: that of a thread is its parent. */
    readonly channelId: ChannelId;
  },
  userId: UserId,
): boolean {
  if (isOwner || !memberRoles) return true;
  const grants = Array.from(roles, ([id, permissions]) => ({ id, permissions }));
  const bot = { guildId, ownerId: undefined, roles: grants, userId, memberRoles };
  return (permissionBits(bot, channels.get(channelId) ?? []) & Flag.ATTACH_FILES) !== 0n;
}

/** Reads the roles that grant any; `undefined` if a role has no permissions in its payload. */
export function toKeptRoles(roles: readonly RolePayload[]): KeptPermissions["roles"] | undefined {
  const granting = new Map<RoleId, bigint>();
  for (const { id, permissions } of roles) {
    if (permissions === undefined) return undefined;
    const grant = grantOf(permissions);
    if (grant) granting.set(id, grant);
  }
  return granting;
}

/** Returns the kept permissions of a role; 0 if it grants none. */
export function grantOf(permissions: string): bigint {
  return bitsOf(permissions) & KEPT;
}

/** Reads the channels with overwrites of these permissions. */
export function toKeptChannels(channels: readonly ChannelPayload[]): KeptPermissions["channels"] {
  return new Map(channels.flatMap((channel) => {
    const overwrites = toKeptOverwrites(channel);
    return overwrites.length === 0 ? [] : [[channel.id, overwrites] as const];
  }));
}

const checkOverwrite = createChecker(
  z.lazy(() => z.object({ id: snowflakeSchema(), allow: bits, deny: bits })),
);

/** Reads a channel's overwrites of these permissions. Malformed ones are left out. */
export function toKeptOverwrites(
  { permission_overwrites: overwrites }: ChannelPayload,
): readonly Overwrite[] {
  if (!Array.isArray(overwrites)) return [];
  return overwrites.flatMap((overwrite): Overwrite[] => {
    const { id, allow, deny } = checkOverwrite(overwrite).data ?? {};
    if (id === undefined || allow === undefined || deny === undefined) return [];
    const kept = { id, allow: grantOf(allow), deny: grantOf(deny) };
    return kept.allow || kept.deny ? [kept] : [];
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

/** The settings as text in the store. */
export const permissionsText = z.lazy(() =>
  z.object({
    owner: z.literal(true).optional(),
    own: z.array(z.string()).optional(),
    roles: z.array(z.tuple([z.string(), z.string()])),
    channels: z.array(
      z.tuple([z.string(), z.array(z.tuple([z.string(), z.string(), z.string()]))]),
    ),
  })
);

/** Encodes the settings for the store. */
export function toPermissionsText(
  { isOwner, ownRoles, roles, channels }: KeptPermissions,
): z.infer<typeof permissionsText> {
  return {
    owner: isOwner || undefined,
    own: ownRoles ? [...ownRoles] : undefined,
    roles: Array.from(roles, ([id, grant]) => [id, String(grant)]),
    channels: Array.from(channels, ([id, overwrites]) => [
      id,
      overwrites.map(({ id: by, allow, deny }) => [by, String(allow), String(deny)]),
    ]),
  };
}

/** Decodes the settings from the store. */
export function fromPermissionsText(
  { owner, own, roles, channels }: z.infer<typeof permissionsText>,
): KeptPermissions {
  return {
    isOwner: owner || undefined,
    ownRoles: own?.flatMap((text) => parseSnowflake<"role">(text) ?? []),
    roles: new Map(roles.flatMap(([digits, grant]) => {
      const id = parseSnowflake<"role">(digits);
      return id ? [[id, bitsOf(grant)] as const] : [];
    })),
    channels: new Map(channels.flatMap(([digits, overwrites]) => {
      const id = parseSnowflake<"channel">(digits);
      const kept = overwrites.flatMap(([by, allow, deny]) => {
        const id = parseSnowflake(by);
        return id ? [{ id, allow: bitsOf(allow), deny: bitsOf(deny) }] : [];
      });
      return id ? [[id, kept] as const] : [];
    })),
  };
}

/** @returns 0 for a text that is no number. */
function bitsOf(digits: string): bigint {
  return /^\d{1,39}$/.test(digits) ? BigInt(digits) : 0n;
}
