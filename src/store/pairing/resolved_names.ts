/**
 * Stores ids of names in the config (P12).
 *
 * The first id of a name stays until it is forgotten. A person who takes the name later is an
 * unpaired sender, even if Discord then finds them by that name.
 *
 * @module
 */

import type { DatabaseSync } from "node:sqlite";
import { z } from "zod";
import { column } from "../schema/columns.ts";
import type { ResolvedName } from "../../core/names.ts";
import { snowflakeSchema } from "../../core/discord/snowflake_schema.ts";
import { withoutControls } from "../../lib/text/quoted.ts";
import { COMMIT_OPTIONS } from "../database/durability.ts";
import type { Transactions } from "../database/transact.ts";
import type { ResolvedNames } from "../../core/store/pairing.ts";

const shared = { typed: column.text, name: column.text, at: column.number };

const rowSchema = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("user"), found_id: snowflakeSchema<"user">(), ...shared }),
  z.object({ kind: z.literal("guild"), found_id: snowflakeSchema<"guild">(), ...shared }),
  z.object({
    kind: z.literal("channel"),
    found_id: snowflakeSchema<"channel">(),
    guild_id: snowflakeSchema<"guild">(),
    ...shared,
  }),
]);

/**
 * Creates the storage of names.
 *
 * @param database Open, migrated, and owned by the caller.
 */
export function createResolvedNames(
  database: DatabaseSync,
  { commit, read }: Transactions,
): ResolvedNames {
  const select = database.prepare(
    "SELECT * FROM resolved_name WHERE account_id = ? ORDER BY kind, typed, guild_id",
  );
  const insert = database.prepare(
    `INSERT INTO resolved_name (account_id, kind, typed, guild_id, found_id, name, at)
     VALUES (?, ?, ?, ?, ?, ?, ?)
     ON CONFLICT DO NOTHING`,
  );
  const remove = database.prepare(
    `DELETE FROM resolved_name
     WHERE account_id = ? AND kind = ? AND typed = ? AND guild_id = ? AND found_id = ?`,
  );
  return {
    namesOf: (accountId) => read(() => select.all(accountId).map(toResolvedName)),
    saveNames: (accountId, names) =>
      commit(COMMIT_OPTIONS.BY_HAND, () => {
        for (const resolved of names) {
          const { kind, typed, id, name, at } = resolved;
          insert.run(accountId, kind, typed, guildOf(resolved), id, withoutControls(name), at);
        }
      }),
    forgetNames: (accountId, names) =>
      commit(COMMIT_OPTIONS.BY_HAND, () => {
        for (const resolved of names) {
          const { kind, typed, id } = resolved;
          remove.run(accountId, kind, typed, guildOf(resolved), id);
        }
      }),
  };
}

function guildOf(resolved: ResolvedName): string {
  return resolved.kind === "channel" ? resolved.guildId : "";
}

function toResolvedName(row: unknown): ResolvedName {
  const parsed = rowSchema.parse(row);
  const { typed, name, at } = parsed;
  switch (parsed.kind) {
    case "user":
      return { kind: parsed.kind, id: parsed.found_id, typed, name, at };
    case "guild":
      return { kind: parsed.kind, id: parsed.found_id, typed, name, at };
    case "channel":
      return { kind: parsed.kind, id: parsed.found_id, guildId: parsed.guild_id, typed, name, at };
  }
}
