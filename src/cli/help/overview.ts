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

/** Maximum number of commands that `barnacle help` shows. */
const SHOWN = 20;

/** Lines of `barnacle help`: the first tasks, each whole. Those of `barnacle help --all`: all tasks. */
export function overviewLines(
  tasks: readonly CommandTask[],
  version: string,
  style: Style,
  showsAll: boolean,
): readonly string[] {
  const countTo = (at: number) =>
    tasks.slice(0, at + 1).flatMap(({ commands }) => Object.keys(commands)).length;
  const shown = showsAll ? tasks : tasks.filter((_, at) => countTo(at) <= SHOWN);
  return [
    `Barnacle ${version}, ${TAGLINE}`,
    "",
    `${style.bold("Usage:")} barnacle <command> [options]`,
    ...shown.flatMap(({ title, commands }) => section(title, rowsOf(commands), style)),
    ...section("Options", [
      ["-h, --help", "Print this help, or that of a command"],
      ["-v, --version", "Print version, commit, runtime and platform"],
    ], style),
    ...section("More help", [
      ["barnacle help <command>", "Show its options, exit codes and an example"],
      ["barnacle help --all", "List all commands"],
      ["barnacle help <words>", "Search the documentation"],
    ], style),
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
    "`barnacle help` lists more commands.",
  ];
}

function rowsOf(commands: CommandTask["commands"]): readonly HelpRow[] {
  return Object.entries(commands).map(([name, command]): HelpRow => [name, briefOf(command)]);
}

function briefOf(command: CliCommand | CliGroup): string {
  return command.kind === "command" ? command.help.brief : command.brief;
}
