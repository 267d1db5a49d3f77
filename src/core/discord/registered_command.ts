/**
 * A command as Discord registers it.
 *
 * @see {@link https://docs.discord.com/developers/interactions/application-commands#application-command-object}
 *
 * @module
 */

/** A command with the field names of Discord's API. */
export interface RegisteredCommand {
  /** Discord's `ApplicationCommandTypes`. */
  readonly type: number;
  /** Lower case, 1 to 32 characters, without `/`. */
  readonly name: string;
  /** 1 to 100 characters. */
  readonly description: string;
  /**
   * In the order in which Discord shows them; Discord's `ApplicationCommandOptionTypes` as `type`.
   */
  readonly options: readonly {
    readonly type: number;
    readonly name: string;
    readonly description: string;
    readonly required: boolean;
  }[];
}

/** The commands of an application. */
export interface RegisteredCommands {
  /** All but the Entry Point. */
  readonly commands: readonly RegisteredCommand[];
  /** Launches the application's Activity, in Discord's JSON: Discord refuses a list without it. */
  readonly entryPoint: readonly unknown[];
}
