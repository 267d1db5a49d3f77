/**
 * A slash command. Each is a module of its own, listed in `registry.ts`.
 *
 * @module
 */

import type { CommandNeeds } from "../core/inbound/commands.ts";
import type { SlashCommand } from "../core/inbound/interactions.ts";
import type { InteractionContext } from "./context.ts";

export interface CommandOption {
  /** Lower case, 1 to 32 characters. */
  readonly name: string;
  /** 1 to 100 characters. */
  readonly description: string;
  readonly type: "text" | "whole" | "boolean";
  readonly isRequired: boolean;
}

export interface Command {
  /** Lower case, 1 to 32 characters, without `/`. */
  readonly name: string;
  /** 1 to 100 characters; Discord shows it in the list of commands. */
  readonly description: string;
  /** Those that are required come first. */
  readonly options: readonly CommandOption[];
  readonly needs: CommandNeeds;
  /**
   * Runs once the asker's rights are checked.
   *
   * @returns The answer, which only the asker sees: 1 to 2000 characters.
   */
  run(call: SlashCommand, context: InteractionContext): string | Promise<string>;
}
