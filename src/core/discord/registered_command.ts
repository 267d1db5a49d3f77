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
  /** Names by Discord's locales; absent: none. */
  readonly name_localizations?: Localizations;
  /** Descriptions by Discord's locales; absent: none. */
  readonly description_localizations?: Localizations;
  /**
   * The permissions that a member of a guild needs to see it, as a decimal bit set; absent: none.
   * Admins of a guild can change them there.
   */
  readonly default_member_permissions?: string;
  /** In the order in which Discord shows them. */
  readonly options: readonly RegisteredOption[];
}

/** The names of all slash commands. The config's schema needs them without the commands' code. */
export const SLASH_COMMANDS: readonly string[] = (
  "activation agents allowlist approve catchup commands compact config context dashboard deafen forget " +
  "help join leave mcp memory model models new pause queue reasoning reset restart send signins skill " +
  "status stop think undo usage verbose whoami why"
).split(" ");

/** The names of the commands in the menu of a message. */
export const MENU_COMMANDS = ["Ask Barnacle", "Summarise from here", "Remind me", "Why no answer?"];

export const LOCALES: readonly string[] = (
  "ar bg cs da de el en-GB en-US es-419 es-ES fi fr he hi hr hu id it ja ko lt nl no pl pt-BR ro " +
  "ru sv-SE th tr uk vi zh-CN zh-TW"
).split(" ");

/** Texts by Discord's locales: `{ "de": "…" }`. */
export type Localizations = Readonly<Partial<Record<string, string>>>;

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
