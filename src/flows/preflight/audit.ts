/**
 * Lists the bot's effective permissions channel by channel, for `barnacle status --probe` (O3). It
 * says which entries of the config it could not check.
 */

import type { Finding, FindingStatus } from "../../core/finding.ts";
import type { ChannelId, GuildId } from "../../core/discord/ids.ts";
import type { Named } from "../../core/inbound/inbound.ts";
import type { AccessPolicy } from "../../policy/rules/rules.ts";
import { rulesFor } from "../../policy/rules/place_rules.ts";
import { answersText } from "./audience.ts";
import {
  judgePermissions,
  lacksRequired,
  mayAnswerIn,
  type MissingPermission,
  type SeenChannel,
  type SeenGuild,
} from "./permissions.ts";

export interface AuditedChannel extends Named<ChannelId> {
  /** `fail`: the bot cannot answer. `warn`: it lacks a comfort. `skipped`: it answers no one. */
  readonly status: FindingStatus;
  /** Permissions of the invite link that the bot has there. */
  readonly granted: readonly string[];
  /** Those that it lacks. */
  readonly missing: readonly MissingPermission[];
  /** Whom the config lets the bot answer. */
  readonly answers: string;
}

export interface PermissionAudit {
  readonly guilds: readonly (Named<GuildId> & {
    readonly channels: readonly AuditedChannel[];
  })[];
  /** Guilds, and entries of the config, that could not be checked, each with the reason. */
  readonly notAudited: readonly Pick<Finding, "where" | "why" | "fix">[];
}

/** Judges each channel of each guild in which the config lets the bot answer. */
export function auditGuilds(
  policy: AccessPolicy,
  guilds: readonly SeenGuild[],
): PermissionAudit {
  const silent = guilds.filter((guild) => !mayAnswerIn(policy, guild));
  const unseen = judgePermissions(policy, guilds).filter(({ id, status, where }) =>
    id === "discord.permissions" && (status === "skipped" || where !== undefined)
  );
  return {
    guilds: guilds.flatMap((guild) => {
      const { id, name, details } = guild;
      if (!details || !mayAnswerIn(policy, guild)) return [];
      return [{ id, name, channels: details.channels.map((one) => audit(policy, guild, one)) }];
    }),
    notAudited: [
      ...unseen.map(({ where, why, fix }) => ({ where, why, fix })),
      ...silent.map(({ name }) => ({
        why: `${name}: the config lets the bot answer no one there`,
      })),
    ],
  };
}

function audit(policy: AccessPolicy, guild: SeenGuild, channel: SeenChannel): AuditedChannel {
  const { id, name, missing, furtherMissing = [], granted = [] } = channel;
  const all = [...missing, ...furtherMissing];
  const isOpen = rulesFor({ kind: "guild", guild, channel }, policy).kind === "open";
  const status = !isOpen
    ? "skipped"
    : lacksRequired(missing)
    ? "fail"
    : all.length > 0
    ? "warn"
    : "pass";
  return { id, name, status, granted, missing: all, answers: answersText(policy, guild, channel) };
}
