/**
 * Finds guilds in the config that the bot is not in, and tells the owners (P7).
 *
 * A wrong id closes the guild that it was meant for, and the bot is silent there. Nothing else shows
 * that, because an entry for a guild without the bot is no error: the bot may be invited later.
 */

import type { Account } from "../../core/account/account.ts";
import { type GuildId, parseSnowflake } from "../../core/discord/ids.ts";
import type { Named } from "../../core/inbound/inbound.ts";
import { nameAsCode } from "../../render/name.ts";
import { notice } from "../../render/notices/notices.ts";

/** Maximum number of guilds that a message names. */
const NAMED_MAX = 5;

/**
 * Creates the report for one account. It names each id once in the life of the process.
 *
 * @returns A function to call with the keys of the config's `guilds`, its path, and all guilds of
 * the bot.
 */
export function createUnknownGuilds(
  { texts, log }: Pick<Account, "texts" | "log">,
  tellOwners: (text: string) => Promise<void>,
): (keys: readonly string[], path: string, guilds: readonly Named<GuildId>[]) => void {
  const told = new Set<string>();
  return (keys, path, guilds) => {
    const known = new Set<string>(guilds.map(({ id }) => id));
    for (const key of keys) {
      if (parseSnowflake(key) === undefined || known.has(key) || told.has(key)) continue;
      told.add(key);
      // Those that the config does not list: the id was meant for one of them.
      const others = guilds.filter(({ id }) => !keys.includes(id)).slice(0, NAMED_MAX);
      const named = others.map(({ id, name }) => `${nameAsCode(name)} (${id})`).join(", ") || "-";
      const rule = `${path}.${key}`;
      log.warn("The config lists a guild that the bot is not in", { rule, guilds: named });
      void tellOwners(notice("guildUnknown", { rule: `\`${rule}\``, guilds: named }, texts()));
    }
  };
}
