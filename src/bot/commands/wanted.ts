/**
 * The commands to register, by the current config (K1).
 *
 * @module
 */

import type { Config } from "../../config/config.ts";
import { type GuildId, parseSnowflake } from "../../core/discord/ids.ts";
import {
  type CommandScope,
  toMessageMenu,
  toRegistered,
} from "../../flows/interactions/register.ts";
import type { InteractionContext } from "../../interactions/base/context.ts";
import { COMMANDS, MESSAGE_COMMANDS } from "../../interactions/registry.ts";
import type { Store } from "../../core/store/store.ts";

/** The dependencies of the registration. */
export interface WantedOptions {
  /** The current config; a reload replaces it (C9). */
  readonly config: () => Config;
  /** Settings that people chose. */
  readonly settings: Pick<Store["settings"], "settingOf" | "change">;
  /** Tells whether a command is offered. */
  readonly context: Pick<InteractionContext, "config" | "mcp">;
  /** Unix time in milliseconds. */
  readonly now: () => number;
}

/** Lists the commands to register, and remembers their guild. */
export interface WantedCommands {
  /**
   * The scopes: everywhere, or one guild. A guild that had the commands before is cleared, because
   * its people would see each command twice.
   */
  wanted(): Promise<readonly CommandScope[]>;
  /** A scope is registered: its guild must be cleared if the config changes. */
  onRegistered(scope: CommandScope): Promise<void>;
}

/** Creates it. */
export function createWantedCommands(
  { config, settings, context, now }: WantedOptions,
): WantedCommands {
  const { accountId } = config().discord;
  const known = () => settings.settingOf(accountId, "account", "commandGuild");

  return {
    async wanted() {
      const { discord: { nativeCommands, commandGuildId }, messages: { commands: texts } } =
        config();
      const commands = nativeCommands
        ? [
          ...COMMANDS.filter(({ isOffered }) => isOffered?.(context) ?? true)
            .map((command) => toRegistered(command, texts)),
          ...MESSAGE_COMMANDS.map((command) => toMessageMenu(command, texts)),
        ]
        : [];
      const before = parseSnowflake<"guild">(await known() ?? "");
      const old: readonly GuildId[] = before && before !== commandGuildId ? [before] : [];
      const cleared = old.map((guildId) => ({ guildId, commands: [] }));
      return commandGuildId === undefined
        ? [{ commands }, ...cleared]
        : [{ commands: [] }, ...cleared, { guildId: commandGuildId, commands }];
    },
    async onRegistered({ guildId, commands }) {
      if (guildId === undefined) return;
      const value = commands.length > 0 ? guildId : undefined;
      const before = await known();
      if (before === value || (value === undefined && before !== guildId)) return;
      await settings.change(accountId, "account", "commandGuild", value, now());
    },
  };
}
