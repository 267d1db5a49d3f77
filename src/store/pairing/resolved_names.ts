/**
 * Stores ids of names in the config (P12).
 *
 * The first id of a name stays until it is forgotten. A person who takes the name later is an
 * unpaired sender, even if Discord then finds them by that name.
 */

import type { DatabaseSync } from "node:sqlite";
import type { Snowflake } from "../../core/discord/ids.ts";
import type { ResolvedName } from "../../core/names.ts";
import { snowflakeSchema } from "../../core/discord/snowflake_schema.ts";
import { withoutControls } from "../../lib/text/quoted.ts";
import { COMMIT_OPTIONS } from "../database/durability.ts";
import type { Transactions } from "../database/transact.ts";
import { RESOLVED_NAME } from "../schema/pairing.ts";
import type { ResolvedNames } from "../../core/store/pairing.ts";

/** Creates the storage of names. */
export function createResolvedNames(
  database: DatabaseSync,
  { commit, read }: Transactions,
): ResolvedNames {
  const select = database.prepare(
    "SELECT * FROM resolved_name WHERE account_id = ? ORDER BY kind, typed, guild_id",
  );
  const insert = RESOLVED_NAME.prepareInsert(database, "ON CONFLICT DO NOTHING");
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
          insert({
            accountId,
            kind,
            typed,
            guildId: guildOf(resolved),
            foundId: id,
            name: withoutControls(name),
            at,
          });
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
  const { kind, foundId, guildId, typed, name, at } = RESOLVED_NAME.read(row);
  switch (kind) {
    case "user":
      return { kind, id: idIn(foundId), typed, name, at };
    case "guild":
      return { kind, id: idIn(foundId), typed, name, at };
    case "channel":
      return { kind, id: idIn(foundId), guildId: idIn(guildId), typed, name, at };
  }
}

/** @throws {ZodError} If the text is no id. */
const idIn = <Kind extends string>(text: string): Snowflake<Kind> =>
  snowflakeSchema<Kind>().parse(text);
