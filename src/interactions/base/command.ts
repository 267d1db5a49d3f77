/**
 * Declares a command of people in Discord. Each is a module of its own, listed in `registry.ts`.
 *
 * One definition serves the slash command, the text command, the suggestions and the documentation
 * (K1).
 *
 * @module
 */

import type { CommandNeeds } from "../../core/inbound/commands.ts";
import type { CommandCall, OptionTyping } from "../../core/inbound/interactions.ts";
import type { InteractionContext } from "./context.ts";

/** A value that a person may choose. */
export interface Choice {
  /** What Discord shows: 1 to 100 characters. */
  readonly name: string;
  /** What the command gets: 1 to 100 characters. */
  readonly value: string;
}

/** A value that a person may give with a command. */
export interface CommandOption {
  /** Lower case, 1 to 32 characters. */
  readonly name: string;
  /** 1 to 100 characters. */
  readonly description: string;
  /**
   * `whole` is an integer. `user` is the id of a user, who in a text command may be mentioned. In a
   * text command, a `text` option that comes last takes all words.
   */
  readonly type: "text" | "whole" | "boolean" | "user";
  /** Whether Discord refuses a call without it. */
  readonly isRequired: boolean;
  /** The only values of a text option, at most 25; absent: any text. */
  readonly choices?: readonly Choice[];
  /**
   * Suggests values while a person types. It answers within a second, or Discord shows none.
   *
   * @returns At most 25 are shown.
   */
  readonly suggest?: (
    typing: OptionTyping,
    context: InteractionContext,
  ) => readonly Choice[] | Promise<readonly Choice[]>;
}

/** A part of a command with options of its own: `/config get`. */
export interface Subcommand {
  /** Lower case, 1 to 32 characters. */
  readonly name: string;
  /** 1 to 100 characters. */
  readonly description: string;
  /** Required ones come first. */
  readonly options: readonly CommandOption[];
}

/** The work of a command, however a person gives it. */
export interface CommandWork {
  /** The right that policy checks before {@link CommandWork.run}. */
  readonly needs: CommandNeeds;
  /**
   * Runs once the asker's rights are checked. A crash may run it a second time, or leave it without
   * an answer. So a command that changes something records the call's id with the change.
   *
   * @returns The answer, 1 to 2000 characters. Only the asker sees that of a slash command.
   */
  run(call: CommandCall, context: InteractionContext): string | Promise<string>;
}

/** A command: its name for Discord, its right and its answer. */
export interface Command extends CommandWork {
  /** Lower case, 1 to 32 characters, without `/`. */
  readonly name: string;
  /** 1 to 100 characters; Discord shows it in the list of commands. */
  readonly description: string;
  /** Required ones come first; none if there are subcommands. */
  readonly options: readonly CommandOption[];
  /** Each call names one of them; absent: the command has none. */
  readonly subcommands?: readonly Subcommand[];
  /** Set if the answer is for the asker alone: as a text, it works in direct messages only. */
  readonly isPrivate?: true;
  /**
   * Puts the words of a text command into the order of the options, for a command that people also
   * write in another one; absent: they are in order.
   */
  readonly inOrder?: (words: string) => string;
  /** Set if it works as a slash command only. */
  readonly isMenuOnly?: true;
  /** Whether the config allows the command now; absent: always. */
  readonly isOffered?: (context: Pick<InteractionContext, "config" | "mcp">) => boolean;
}

/** A command in the menu of a message (K6). */
export interface MessageCommand extends CommandWork {
  /** 1 to 32 characters, as Discord shows it: `"Ask Barnacle"`. */
  readonly name: string;
}
