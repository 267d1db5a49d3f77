/**
 * Declares a feature: everything that its folder adds to the program.
 *
 * The entry of a folder is its `feature.ts`, and `features.ts` lists the entries; one with commands of
 * the command line alone needs no entry. So the core knows features by the list, apart from those of
 * `ASKED_BY_NAME` in `tests/architecture_test.ts`. A start loads what an entry declares as a value; a
 * function of it is called, and loads its code, when the core asks for it.
 */

import type { z } from "zod";
import type { Served, ServedPart } from "../cli/run/served_parts.ts";
import type { CliCommand, CliGroup } from "../cli/help/command_help.ts";
import type { TaskTitle } from "../cli/help/overview.ts";
import type { ProblemAt } from "../config/parse.ts";
import type { Settings } from "../config/schema/root.ts";
import type { Problem } from "../config/text/problem.ts";
import type { Tool } from "../core/turn/tool.ts";
import type { Command, Component, MessageCommand } from "../interactions/base/command.ts";
import type { Transactions } from "../store/database/commits.ts";
import type { DeclaredTable } from "../store/schema/columns.ts";
import type { BotFeature } from "../account/features.ts";

export interface Feature extends BotFeature {
  /** Loads its part beside the bot, once that runs. */
  readonly serve?: () => Promise<(running: Served) => ServedPart>;
  /** Keys at the top of the config. */
  readonly config?: Readonly<Record<string, z.ZodType>>;
  /** Finds faults of the config that the schema cannot see, whenever it is loaded. */
  readonly problems?: (judged: JudgedConfig) => Promise<readonly Problem[]>;
  /** In the order in which a person is forgotten in them. */
  readonly tables?: readonly DeclaredTable[];
  /** Creates namespaces of the store. */
  readonly store?: Readonly<Record<string, (transactions: Transactions) => object>>;
  /** Of the model. Each loads its work with its first call, as commands and components do. */
  readonly tools?: readonly Tool[];
  /** Of people in Discord. */
  readonly commands?: readonly Command[];
  /** In the menu of a message. */
  readonly messageCommands?: readonly MessageCommand[];
  /** Buttons, menus and forms of people in Discord. */
  readonly components?: readonly Component[];
  /** Commands for operators; loaded with the command line, and never by `run`. */
  readonly cli?: () => Promise<CliCommands>;
}

export interface JudgedConfig {
  readonly settings: Settings;
  /** The file's own values. */
  readonly written: unknown;
  readonly problemAt: ProblemAt;
  /** Whether the config is for another machine, whose environment and files are unknown. */
  readonly isElsewhere: boolean;
}

/**
 * Commands by name, by the task under which help lists them. Groups with the same name are joined:
 * `config import` is a command of another feature than `config check`.
 */
export type CliCommands = Partial<
  Record<TaskTitle, Readonly<Record<string, CliCommand | CliGroup>>>
>;
