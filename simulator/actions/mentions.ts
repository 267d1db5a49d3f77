/**
 * Computes a message's pings: the mentions in its text, restricted by `allowed_mentions`.
 *
 * A mention inside code is text. Without `allowed_mentions`, every mention in the text pings, and a
 * reply pings the author of the quoted message.
 *
 * @see {@link https://docs.discord.com/developers/resources/message#allowed-mentions-object}
 */

import {
  parseSnowflake,
  type RoleId,
  type Snowflake,
  type UserId,
} from "../../src/core/discord/ids.ts";
import type { Guild, Pings, World } from "../world/world.ts";

/** A client's `allowed_mentions`; each list is absent if the client left it out. */
export interface AllowedMentions {
  readonly parse: readonly ("users" | "roles" | "everyone")[];
  readonly users: readonly string[];
  readonly roles: readonly string[];
  readonly repliedUser: boolean;
}

export interface MentionContext {
  readonly world: World;
  /** Absent in direct messages, which have neither roles nor everyone. */
  readonly guild?: Guild;
  /** Whether the author may mention everyone, and roles that are not mentionable. */
  readonly mayMentionAll: boolean;
  readonly allowed?: AllowedMentions;
  /** The author of the quoted message. */
  readonly repliedTo?: UserId;
}

export function resolvePings(
  content: string,
  { world, guild, mayMentionAll, allowed, repliedTo }: MentionContext,
): Pings {
  const text = withoutCode(content);
  const users = idsIn<"user">(text, /<@!?(\d+)>/g)
    .filter((id) => world.users.has(id))
    .filter((id) => !allowed || allowed.parse.includes("users") || allowed.users.includes(id));
  if (repliedTo && (!allowed || allowed.repliedUser) && !users.includes(repliedTo)) {
    users.push(repliedTo);
  }
  const roles = idsIn<"role">(text, /<@&(\d+)>/g)
    .filter((id) => canPingRole(guild, id, mayMentionAll))
    .filter((id) => !allowed || allowed.parse.includes("roles") || allowed.roles.includes(id));
  const everyone = guild !== undefined && mayMentionAll && /@(?:everyone|here)\b/.test(text) &&
    (!allowed || allowed.parse.includes("everyone"));
  return { users, roles, everyone };
}

function canPingRole(guild: Guild | undefined, id: RoleId, mayMentionAll: boolean): boolean {
  const role = guild?.roles.get(id);
  return role !== undefined && (role.isMentionable || mayMentionAll);
}

function idsIn<Kind extends string>(text: string, pattern: RegExp): Snowflake<Kind>[] {
  const ids = Array.from(text.matchAll(pattern), ([, digits = ""]) => parseSnowflake<Kind>(digits));
  return [...new Set(ids.filter((id) => id !== undefined))];
}

function withoutCode(text: string): string {
  return text.replace(/```[\s\S]*?```|`[^`\n]*`/g, " ");
}
