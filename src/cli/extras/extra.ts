/**
 * Declares what an extra adds to the program: the one interface between the core and `extras/`.
 *
 * An extra has a folder of its own, whose `extra.ts` is its entry. `extras/extras.ts` lists the entries,
 * and `main.ts` passes the list on. So the core knows no extra by name, and an entry loads the code of
 * its extra only when the core asks for it.
 */

import type { BotExtra } from "../../account/extra_parts.ts";
import type { CliCommand, CliGroup } from "../help/command_help.ts";
import type { TaskTitle } from "../help/overview.ts";
import type { ServeExtra } from "./served_parts.ts";

/** What an extra adds; the core asks for each member in one place. */
export interface Extra extends BotExtra, ServeExtra {
  /** Commands for operators; loaded with the command line, and never by `run`. */
  readonly commands?: () => Promise<ExtraCommands>;
}

/**
 * Commands by name, by the task under which help lists them. Groups with the same name are joined:
 * `config import` is a command of another extra than `config check`.
 */
export type ExtraCommands = Partial<
  Record<TaskTitle, Readonly<Record<string, CliCommand | CliGroup>>>
>;
