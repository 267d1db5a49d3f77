/**
 * Settings of the tool `discord` (T3 to T5).
 *
 * @module
 */

import type { Settings } from "../schema/root.ts";

/** Settings of the tool `discord`. */
export interface DiscordToolConfig {
  /** Maximum number of destructive actions of a turn. */
  readonly maxDestructive: number;
  /** Ids of servers that turns of other servers may reach, too. */
  readonly alsoGuilds: readonly string[];
}

/** Reads the settings. */
export function discordToolConfig({ tools }: Pick<Settings, "tools">): DiscordToolConfig {
  const { maxDestructive = 5, alsoGuilds = [] } = tools?.discord ?? {};
  return { maxDestructive, alsoGuilds };
}
