/** The help of the program as a whole: all commands by task, and the few to begin with. */

import type { Style } from "../terminal/io.ts";
import { type CliCommand, type CliGroup, type HelpRow, section } from "./command_help.ts";

export const TASK_TITLES = [
  "Start",
  "Diagnose",
  "Control access",
  "Conversations",
  "Back up and move",
  "Configure",
  "About",
  "Send messages",
  "Look after the agent",
] as const;

export type TaskTitle = (typeof TASK_TITLES)[number];

export interface CommandTask {
  /** The heading: a {@link TaskTitle} in the program. */
  readonly title: string;
  readonly commands: Readonly<Record<string, CliCommand | CliGroup>>;
}

const TAGLINE = "an AI agent for Discord";

/** Commands that bare `barnacle` names, in this order. */
const FIRST_COMMANDS = ["demo", "setup", "run", "doctor"];

/** Commands that `barnacle --help` explains. It names the others in one line. */
const EXPLAINED = 20;

/** Lines of `barnacle --help`. */
export function overviewLines(
  tasks: readonly CommandTask[],
  version: string,
  style: Style,
): readonly string[] {
  const names = tasks.flatMap(({ commands }) => Object.keys(commands));
  const explained = new Set(names.slice(0, EXPLAINED));
  return [
    `Barnacle ${version}, ${TAGLINE}`,
    "",
    `${style.bold("Usage:")} barnacle <command> [options]`,
    ...tasks.flatMap(({ title, commands }) => section(title, rowsOf(commands, explained), style)),
    ...(names.length > EXPLAINED
      ? ["", `${style.bold("More commands:")} ${names.slice(EXPLAINED).toSorted().join(", ")}`]
      : []),
    ...section("Options", [
      ["-h, --help", "Print this help, or that of a command"],
      ["-v, --version", "Print the version"],
    ], style),
    "",
    "`barnacle help <command>` shows the options, exit codes and an example, and",
    "`barnacle help <words>` searches the documentation.",
  ];
}

/** Lines of `barnacle` without arguments: at most twelve. */
export function welcomeLines(
  tasks: readonly CommandTask[],
  version: string,
  style: Style,
): readonly string[] {
  const all = tasks.flatMap(({ commands }) => Object.entries(commands));
  const rows = FIRST_COMMANDS.flatMap((name) =>
    all.filter(([other]) => other === name).map(([, command]): HelpRow => [
      `barnacle ${name}`,
      briefOf(command),
    ])
  );
  return [
    `Barnacle ${version}, ${TAGLINE}`,
    ...section("Start here", rows, style),
    "",
    "`barnacle help` lists all commands.",
  ];
}

function rowsOf(
  commands: CommandTask["commands"],
  explained: ReadonlySet<string>,
): readonly HelpRow[] {
  return Object.entries(commands).filter(([name]) => explained.has(name))
    .map(([name, command]): HelpRow => [name, briefOf(command)]);
}

function briefOf(command: CliCommand | CliGroup): string {
  return command.kind === "command" ? command.help.brief : command.brief;
}
