/**
 * The bot was added to a guild in which the config lets it answer nobody (P6a).
 *
 * Whoever added it wonders why it is silent; its owner may not even know that it
 * is there. So the owner is told, with the command that changes it. Into the
 * guild goes not a word: anybody may add a bot that is public.
 *
 * @module
 */

import { pathTo } from "../../core/config_path.ts";
import type { GuildId } from "../../core/discord/ids.ts";
import type { Named } from "../../core/inbound/inbound.ts";
import type { Log } from "../../lib/log.ts";
import { nameAsCode } from "../../render/name.ts";
import { notice, type Texts } from "../../render/notices.ts";

/** Why nobody is answered anywhere in a guild. */
export interface ClosedGuild {
  readonly why: "guilds-disabled" | "guild-not-listed";
  /** Config path of what says so. */
  readonly rule: string;
}

export interface JoinedPorts {
  /** `undefined` where somebody may be answered somewhere in it. */
  readonly closed: (guild: Named<GuildId>) => ClosedGuild | undefined;
  /** Where this account's `guilds` are written, or would be: `"channels.discord.guilds"`. */
  readonly guildsPath: () => string;
  /** Never rejects. */
  readonly tellOwners: (text: string) => Promise<void>;
  readonly texts: () => Texts;
  readonly log: Log;
}

/** @returns Tells the owners of a guild that the bot was added to just now, if it is closed. */
export function createJoined(ports: JoinedPorts): (guild: Named<GuildId>) => void {
  const { closed, guildsPath, tellOwners, texts, log } = ports;
  return ({ id, name }) => {
    const found = closed({ id, name });
    if (!found) return;
    const { why, rule } = found;
    const command = commandFor(found, pathTo(guildsPath(), id));
    log.warn("The bot was added to a guild in which nobody is answered", {
      guildId: id,
      guild: name,
      why,
      rule,
      command,
    });
    const words = { name: nameAsCode(name), id, rule: `\`${rule}\``, command: `\`${command}\`` };
    void tellOwners(notice("joined", words, texts()));
  };
}

/** What lets the bot answer there, and nowhere else. */
function commandFor({ why, rule }: ClosedGuild, path: string): string {
  const list = `barnacle config set ${path} '{}'`;
  // The entry comes first: without one, the list that is switched on might let in every guild.
  return why === "guilds-disabled" ? `${list} && barnacle config set ${rule} allowlist` : list;
}
