/**
 * Tells the owner that the bot was added to a guild in which its config keeps it silent (P6a).
 *
 * The person who added it wonders about the silence, and the owner may not even know the guild. So
 * the owner gets a message with the command that changes it. Barnacle writes nothing in the guild,
 * because any person may add a public bot.
 */

import { pathTo } from "../../core/config_file.ts";
import type { GuildId } from "../../core/discord/ids.ts";
import type { Named } from "../../core/inbound/inbound.ts";
import { nameAsCode } from "../../render/name.ts";
import { notice } from "../../render/notices/notices.ts";
import type { GuildNotices } from "./guild_notices.ts";
import type { Account } from "../../core/account/account.ts";

/** Why the bot answers no message in a guild. */
export interface ClosedGuild {
  /** Reason, as verdicts have it. */
  readonly why: "guilds-disabled" | "guild-not-listed";
  /** Config path of the rule that closes the guild. */
  readonly rule: string;
}

/**
 * Creates the flow for one account.
 *
 * @returns A function to call with a guild that the bot was added to just now.
 */
export function createGuildJoined(account: Pick<Account, "log" | "texts">, ports: {
  /** Returns `undefined` if the bot may answer somewhere in the guild. */
  readonly closed: (guild: Named<GuildId>) => ClosedGuild | undefined;
  /**
   * Config path of this account's `guilds`, whether it is set or not: `"channels.discord.guilds"`.
   */
  readonly guildsPath: () => string;
  readonly notices: Pick<GuildNotices, "add">;
}): (guild: Named<GuildId>) => void {
  const { texts, log } = account;
  const { closed, guildsPath, notices } = ports;
  return ({ id, name }) => {
    const found = closed({ id, name });
    if (!found) return;
    const { why, rule } = found;
    const command = commandFor(found, pathTo(guildsPath(), id));
    log.warn("The bot was added to a guild in which the config keeps it silent", {
      guildId: id,
      guild: name,
      why,
      rule,
      command,
    });
    const words = { name: nameAsCode(name), id, rule: `\`${rule}\``, command: `\`${command}\`` };
    notices.add({ guild: { id, name }, text: notice("joined", words, texts()) });
  };
}

/** The command that lets the bot answer there, and nowhere else. */
function commandFor({ why, rule }: ClosedGuild, path: string): string {
  const list = `barnacle config set ${path} '{}'`;
  // The entry comes first: without one, the list that is switched on might let in every guild.
  return why === "guilds-disabled" ? `${list} && barnacle config set ${rule} allowlist` : list;
}
