/**
 * Declares a slash command. Each is a module of its own, listed in `registry.ts`.
 *
 * @module
 */

import type { CommandNeeds } from "../core/inbound/commands.ts";
import type { SlashCommand } from "../core/inbound/interactions.ts";
import type { InteractionContext } from "./context.ts";

/** A value that a person may give with a command. */
export interface CommandOption {
  /** Lower case, 1 to 32 characters. */
  readonly name: string;
  /** 1 to 100 characters. */
  readonly description: string;
  /** `whole` is an integer. */
  readonly type: "text" | "whole" | "boolean";
  /** Whether Discord refuses a call without it. */
  readonly isRequired: boolean;
}

/** A slash command: its name for Discord, its right and its answer. */
export interface Command {
  /** Lower case, 1 to 32 characters, without `/`. */
  readonly name: string;
  /** 1 to 100 characters; Discord shows it in the list of commands. */
  readonly description: string;
  /** Required ones come first. */
  readonly options: readonly CommandOption[];
  /** The right that policy checks before {@link Command.run}. */
  readonly needs: CommandNeeds;
  /**
   * Runs once the asker's rights are checked. A crash may run it a second time, or leave it without
   * an answer. So a command that changes something records the call's id with the change.
   *
   * @returns The answer, which only the asker sees: 1 to 2000 characters.
   */
  run(call: SlashCommand, context: InteractionContext): string | Promise<string>;
}
