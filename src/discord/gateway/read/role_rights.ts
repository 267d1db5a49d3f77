/**
 * Keeps the rights of roles as the gateway describes them, for servers in Discord's place that tell
 * them nowhere else.
 *
 * Discord's REST API tells them, so nothing is kept of Discord's own guilds. The store has none of it:
 * after a restart with RESUME, the rights are unknown until the next new session.
 */

import { z } from "zod";
import { type GuildId, readSnowflake, type RoleId } from "../../../core/discord/ids.ts";
import { snowflakeSchema } from "../../../core/discord/snowflake_schema.ts";
import type { RoleFacts } from "../../../core/rights/rights.ts";
import { roleSchema } from "../../../core/rights/role_schema.ts";
import { createChecker } from "../../../lib/checker.ts";
import { isRecord } from "../../../lib/text/json.ts";
import type { Dispatch } from "../decode/payloads.ts";

const checkGuild = createChecker(z.lazy(() =>
  z.object({
    id: snowflakeSchema<"guild">(),
    unavailable: z.boolean().nullish(),
    roles: z.array(roleSchema).nullish(),
  })
));
const ofGuild = { guild_id: snowflakeSchema<"guild">() };
const checkPut = createChecker(z.lazy(() => z.object({ ...ofGuild, role: roleSchema })));
const checkDeleted = createChecker(
  z.lazy(() => z.object({ ...ofGuild, role_id: snowflakeSchema<"role">() })),
);

export function createRoleRights() {
  const guilds = new Map<GuildId, Map<RoleId, RoleFacts>>();

  /** Without one role, the rights of all are wrong. */
  function forget(d: unknown): void {
    if (!isRecord(d)) return;
    const guildId = readSnowflake<"guild">(d["guild_id"]) ?? readSnowflake<"guild">(d["id"]);
    if (guildId) guilds.delete(guildId);
  }

  return {
    /** Reads a dispatch; others than those about guilds and roles change nothing. */
    apply({ t, d }: Dispatch): void {
      switch (t) {
        case "READY":
          if (isRecord(d) && Array.isArray(d["guilds"])) d["guilds"].forEach(forget);
          return; // each of these guilds of the shard comes again
        case "GUILD_CREATE":
        case "GUILD_UPDATE": {
          const guild = checkGuild(d).data;
          if (!guild) return forget(d);
          if (!guild.roles || guild.unavailable) return;
          return void guilds.set(guild.id, new Map(guild.roles.map((role) => [role.id, role])));
        }
        case "GUILD_ROLE_CREATE":
        case "GUILD_ROLE_UPDATE": {
          const put = checkPut(d).data;
          return put ? void guilds.get(put.guild_id)?.set(put.role.id, put.role) : forget(d);
        }
        case "GUILD_ROLE_DELETE": {
          const deleted = checkDeleted(d).data;
          return deleted ? void guilds.get(deleted.guild_id)?.delete(deleted.role_id) : forget(d);
        }
        case "GUILD_DELETE":
          return forget(d);
      }
    },
    /** All roles of a guild; `undefined` if they are unknown. */
    of(guildId: GuildId): readonly RoleFacts[] | undefined {
      const roles = guilds.get(guildId);
      return roles && [...roles.values()];
    },
  };
}

export type RoleRights = ReturnType<typeof createRoleRights>;
