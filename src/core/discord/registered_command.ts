/**
 * A command as Discord registers it.
 *
 * @see {@link https://docs.discord.com/developers/interactions/application-commands#application-command-object}
 */

/** A command with the field names of Discord's API. */
export interface RegisteredCommand {
  /** Discord's `ApplicationCommandTypes`. */
  readonly type: number;
  /** 1 to 32 characters, without `/`; that of a slash command is in lower case. */
  readonly name: string;
  /** 1 to 100 characters; empty for commands in menus. */
  readonly description: string;
  /**
   * The permissions that a member of a guild needs to see it, as a decimal bit set; absent: none.
   * Admins of a guild can change them there.
   */
  readonly default_member_permissions?: string;
  /** In the order in which Discord shows them. */
  readonly options: readonly RegisteredOption[];
}

/** An option or a subcommand. Fields that are absent here are absent at Discord, too. */
export interface RegisteredOption {
  /** Discord's `ApplicationCommandOptionTypes`. */
  readonly type: number;
  /** Lower case, 1 to 32 characters. */
  readonly name: string;
  /** 1 to 100 characters. */
  readonly description: string;
  /** Absent for subcommands. */
  readonly required?: boolean;
  /** Set if the bot suggests values. */
  readonly autocomplete?: true;
  /** The only values. */
  readonly choices?: readonly { readonly name: string; readonly value: string }[];
  /** Options of a subcommand. */
  readonly options?: readonly RegisteredOption[];
}

export interface RegisteredCommands {
  /** All but the Entry Point. */
  readonly commands: readonly RegisteredCommand[];
  /** Launches the application's Activity, in Discord's JSON: Discord refuses a list without it. */
  readonly entryPoint: readonly unknown[];
}
