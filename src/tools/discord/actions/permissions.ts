/** Actions on permissions in channels, behind the gates `permissions` and `channels`. */

import { z } from "zod";
import { parseSnowflake } from "../../../core/discord/ids.ts";
import {
  inputsOf,
  isPermission,
  type Need,
  type Permission,
  permissionBits,
  PERMISSIONS,
  RISKY,
} from "../../../core/rights/rights.ts";
import type { UndoRequest } from "../../../core/turn/discord_place.ts";
import type { ChannelPlace } from "../../../flows/actions/place.ts";
import { type Action, defineAction, DESTRUCTIVE, FIELDS, inChannel } from "./action.ts";
import { badArguments } from "../../../core/turn/tool.ts";

const { channelId, userId } = FIELDS;

const NAMES: readonly Permission[] = Object.keys(PERMISSIONS).filter(isPermission)
  .filter((name) => !RISKY.includes(name));
const permission = z.string().transform((written, context): Permission => {
  const found = NAMES.find((name) => name.toLowerCase() === written.trim().toLowerCase());
  if (found) return found;
  context.addIssue(`must be the name of a permission: ${NAMES.join(", ")}`);
  return z.NEVER;
});
const permissions = z.array(permission).min(1).max(30);
const target = z.string().regex(/^\d{1,20}$/, "must be the id of a role or a member: digits only");

const OPENING = PERMISSIONS["View Channel"] | PERMISSIONS["Read Message History"];

export const PERMISSION_ACTIONS: readonly Action[] = [
  defineAction({
    name: "permissions",
    summary: "the asker's and yours",
    gate: "permissions",
    rights: "none; Manage Roles for those of others",
    isIdempotent: true,
    seenAt: "nowhere",
    input: () => z.strictObject({ channelId: channelId.optional(), userId: userId.optional() }),
    run: inChannel([], async (place, { userId }) => {
      const { guild, self, askerId } = place;
      if (!guild) throw badArguments("direct messages have no permissions");
      const whose = userId ?? askerId;
      if (whose !== askerId && whose !== self) await place.assertMay(["Manage Roles"]);
      const facts = await guild.facts();
      const overwrites = await overwritesOf(place);
      const of = async (user: typeof whose) => {
        const member = await guild.member(user);
        const bits = permissionBits(inputsOf(facts, member), overwrites);
        return NAMES.filter((name) => (bits & PERMISSIONS[name]) !== 0n);
      };
      return JSON.stringify({ userId: whose, has: await of(whose), youHave: await of(self) });
    }),
  }),
  defineAction({
    name: "channelPermissionSet",
    summary: "by name",
    gate: "channels",
    rights: "Manage Roles there, a higher role than the target, and each permission itself",
    isIdempotent: true,
    seenAt: "listed",
    undo: "yes",
    input: () =>
      z.strictObject({
        channelId,
        targetId: target,
        allow: permissions.optional(),
        deny: permissions.optional(),
        ...DESTRUCTIVE,
      }),
    run: inChannel(["Manage Roles"], (place, { targetId, allow = [], deny = [], ...how }) => {
      if (allow.length + deny.length === 0) throw badArguments("give `allow` or `deny`");
      if (allow.some((name) => deny.includes(name))) {
        throw badArguments("a permission is in `allow` and in `deny`");
      }
      return setOverwrite(place, targetId, { allow: bitsOf(allow), deny: bitsOf(deny) }, how);
    }),
  }),
  defineAction({
    name: "channelPermissionRemove",
    gate: "channels",
    rights: "Manage Roles there, a higher role than the target, and each permission itself",
    isIdempotent: true,
    seenAt: "listed",
    undo: "yes",
    input: () => z.strictObject({ channelId, targetId: target, ...DESTRUCTIVE }),
    run: inChannel(
      ["Manage Roles"],
      (place, { targetId, ...how }) => setOverwrite(place, targetId, undefined, how),
    ),
  }),
];

async function setOverwrite(
  place: ChannelPlace,
  targetId: string,
  bits: { readonly allow: bigint; readonly deny: bigint } | undefined,
  { reason, dryRun = false }: { readonly reason?: string; readonly dryRun?: boolean },
): Promise<string> {
  const { channel, guild } = place;
  if (!guild) throw badArguments("direct messages have no permissions");
  if (channel.thread) throw badArguments("a thread has the permissions of its channel");
  const { roles } = await guild.facts();
  const role = roles.find(({ id }) => id === targetId);
  const id = parseSnowflake<"user">(targetId);
  const member = role || !id ? undefined : await guild.member(id);
  const before = channel.overwrites.find((one) => one.id === targetId);
  if (!bits && !before) return "Nothing to do: there is no such overwrite.";
  const { allow: hadAllow = 0n, deny: hadDeny = 0n } = before ?? {};
  const after = bits && {
    allow: (hadAllow & ~bits.deny) | bits.allow,
    deny: (hadDeny & ~bits.allow) | bits.deny,
  };
  const changed = (hadAllow ^ (after?.allow ?? 0n)) | (hadDeny ^ (after?.deny ?? 0n));
  const needs: Need[] = [{ kind: "holds", bits: changed }];
  if (role) needs.push({ kind: "over_role", roleId: role.id });
  else if (member && member.userId !== place.askerId) needs.push({ kind: "outranks", member });
  await place.assertMay(needs);
  const path = `/channels/${channel.id}/permissions/${targetId}`;
  const bodyOf = (one: { readonly allow: bigint; readonly deny: bigint }) => ({
    type: role ? 0 : 1,
    allow: String(one.allow),
    deny: String(one.deny),
  });
  const undo: UndoRequest = before
    ? { method: "PUT", path, body: bodyOf(before) }
    : { method: "DELETE", path };
  return await place.change({
    what: `${after ? "change" : "remove"} the permissions of ${
      role ? `the role ${role.name}` : `the member ${targetId}`
    } in <#${channel.id}>`,
    dryRun,
    asks: (changed & OPENING & ~(after?.deny ?? 0n)) !== 0n, // people may read before an undo
    undo: {
      does: "sets the earlier permissions again",
      needs: ["Manage Roles"],
      opens: (changed & OPENING & ~hadDeny) !== 0n,
      holds: String(changed),
      overUser: member?.userId,
      left: {
        path: `/channels/${channel.id}`,
        overwrite: targetId,
        fields: bodyOf(after ?? { allow: 0n, deny: 0n }),
      },
      requests: [undo],
    },
  }, async () => {
    if (after) await place.request("PUT", path, { body: bodyOf(after), reason });
    else await place.request("DELETE", path, { reason });
    return after ? "Set." : "Removed.";
  });
}

/** The overwrites that count in a channel; in a thread, those of its parent. */
async function overwritesOf({ channel, guild }: ChannelPlace) {
  if (!channel.thread) return channel.overwrites;
  const all = await guild?.channels() ?? [];
  return all.find(({ id }) => id === channel.parentId)?.overwrites ?? [];
}

function bitsOf(names: readonly Permission[]): bigint {
  return names.reduce((bits, name) => bits | PERMISSIONS[name], 0n);
}
