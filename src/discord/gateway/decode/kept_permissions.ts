/**
 * Keeps the permissions that must need no request: whether the bot may attach files in a place (R12a),
 * and who sees a channel (H3). Most channels have no overwrites of these, so they cost little memory.
 *
 * @see {@link https://docs.discord.com/developers/topics/permissions#permission-overwrites}
 */

import { BitwisePermissionFlags as Flag } from "@discordeno/types";
import { z } from "zod";
import type { ChannelId, GuildId, RoleId, UserId } from "../../../core/discord/ids.ts";
import { bits } from "../../../core/discord/lenient.ts";
import { snowflakeSchema } from "../../../core/discord/snowflake_schema.ts";
import { mayAllRead } from "../../../core/rights/audience.ts";
import { permissionBits } from "../../../core/rights/permissions.ts";
import type { GuildFacts } from "../../../core/rights/rights.ts";
import { createChecker } from "../../../lib/checker.ts";
import { type ChannelPayload, memberPayload, type RolePayload } from "./payloads.ts";

const KEPT = Flag.ADMINISTRATOR | Flag.VIEW_CHANNEL | Flag.ATTACH_FILES;

const overwrite = z.lazy(() => z.object({ id: snowflakeSchema(), allow: bits, deny: bits }));

/** The settings that decide, as the store keeps them. */
export const keptPermissions = z.lazy(() =>
  z.object({
    isOwner: z.boolean(),
    /** The bot's roles, without `@everyone`; absent while unknown. */
    ownRoles: z.array(snowflakeSchema<"role">()).optional(),
    roles: z.record(z.string(), z.object({ id: snowflakeSchema<"role">(), bits })),
    channels: z.record(z.string(), z.array(overwrite)),
  })
);
export type KeptPermissions = z.infer<typeof keptPermissions>;

const rolesOf = ({ roles }: KeptPermissions) =>
  Object.values(roles).map(({ id, bits }) => (
    { id, permissions: BigInt(bits), name: "", position: 0, isManaged: false }
  ));

const overwritesOf = ({ channels }: KeptPermissions, channelId: ChannelId) =>
  (channels[channelId] ?? []).map((one) => (
    { id: one.id, allow: BigInt(one.allow), deny: BigInt(one.deny) }
  ));

/** Whether the bot may attach files in a channel that is no thread. Unknown settings allow it. */
export function mayAttach(
  kept: KeptPermissions,
  { guildId, channelId }: { readonly guildId: GuildId; readonly channelId: ChannelId },
  userId: UserId,
): boolean {
  const { isOwner, ownRoles: memberRoles } = kept;
  if (isOwner || !memberRoles) return true;
  const bot = { guildId, ownerId: undefined, roles: rolesOf(kept), userId, memberRoles };
  return (permissionBits(bot, overwritesOf(kept, channelId)) & Flag.ATTACH_FILES) !== 0n;
}

/** Whether all who see one channel see another one; `false` if single members decide it. */
export function doAllSee(
  kept: KeptPermissions,
  guild: Omit<GuildFacts, "roles">,
  place: ChannelId,
  source: ChannelId,
): boolean {
  const read = (id: ChannelId) => ({ overwrites: overwritesOf(kept, id), isVoice: false });
  const roles = rolesOf(kept);
  return mayAllRead({ ...guild, roles }, read(place), read(source), new Map(), 0, []);
}

/** Reads roles; `undefined` if one has no permissions in its payload. */
export function toKeptRoles(roles: readonly RolePayload[]): KeptPermissions["roles"] | undefined {
  if (roles.some(({ permissions }) => permissions === undefined)) return undefined;
  return Object.fromEntries(
    roles.map(({ id, permissions = "0" }) => [id, { id, bits: keptOf(permissions) }]),
  );
}

const checkOverwrite = createChecker(overwrite);

/** Reads the channels with overwrites of these permissions. Malformed ones are left out. */
export function toKeptChannels(channels: readonly ChannelPayload[]): KeptPermissions["channels"] {
  return Object.fromEntries(channels.flatMap(({ id: channelId, permission_overwrites: given }) => {
    const kept = (Array.isArray(given) ? given : []).flatMap((one) => {
      const { id, allow = "0", deny = "0" } = checkOverwrite(one).data ?? {};
      const bits = { allow: keptOf(allow), deny: keptOf(deny) };
      return id === undefined || bits.allow === bits.deny ? [] : [{ id, ...bits }];
    });
    return kept.length === 0 ? [] : [[channelId, kept]];
  }));
}

const checkMember = createChecker(memberPayload);

/** Finds the roles of the bot in a list of members; `undefined` if the bot is not in it. */
export function ownRolesIn(members: unknown, self: UserId | undefined): RoleId[] | undefined {
  if (!Array.isArray(members) || self === undefined) return undefined;
  for (const member of members) {
    const { user, roles = [] } = checkMember(member).data ?? {};
    if (user?.id === self) return [...roles];
  }
  return undefined;
}

function keptOf(permissions: string): string {
  return String(BigInt(permissions) & KEPT);
}
