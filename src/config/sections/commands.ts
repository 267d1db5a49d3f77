/**
 * Defines the config of commands that the program reads (K1, K4).
 *
 * @module
 */

import type { GuildId } from "../../core/discord/ids.ts";

/** The commands of one account. */
export interface CommandsConfig {
  /** Whether to register slash commands. */
  readonly nativeCommands: boolean;
  /** Registers them in one guild only; absent: everywhere. */
  readonly commandGuildId?: GuildId;
  /** Whether `/config` exists, and whether it may change the file. */
  readonly configCommand: "off" | "read" | "write";
}
