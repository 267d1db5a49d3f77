/**
 * Declares an action of the tool `discord`. `actions.ts` lists all of them.
 *
 * @module
 */

import type { z } from "zod";
import type { DiscordCall, DiscordPort } from "../../../core/turn/ports/discord.ts";
import type { ToolGate } from "../../../core/tool_names.ts";

/** One action, with the type of its checked input. */
export interface Action<Input extends z.ZodObject = z.ZodObject> {
  /** Name for the model: a value of the argument `action`. */
  readonly name: string;
  /** Description for the model, in a few words; empty if the name says it all. */
  readonly summary: string;
  /** Gate that the config must leave open; absent if any open gate is enough. */
  readonly gate?: ToolGate;
  /** Rights of the asker beside View Channel, for `docs/tools.md`. */
  readonly rights: string;
  /** Whether a second run changes nothing more. Otherwise a crash never repeats it. */
  readonly isIdempotent: boolean;
  /** Set for a destructive action: whether it can be undone. */
  readonly undo?: "yes" | "no" | "partly";
  /** Checks the arguments beside `action`. */
  readonly input: Input;
  /**
   * Runs the action.
   *
   * @returns The result for the model.
   * @throws {Error} If it failed; the message tells the model why.
   */
  run(input: z.infer<Input>, call: DiscordCall, discord: DiscordPort): Promise<string>;
}

/** Checks an action's types, and hides that of its input from the list of actions. */
export function defineAction<Input extends z.ZodObject>(action: Action<Input>): Action {
  return action;
}
