/** All commands, by task: `run`, and those of the features. Help and `docs/commands.md` list them so. */

import type { Feature } from "../features/feature.ts";
import { type CliCommand, type CliGroup, describeGroup } from "./help/command_help.ts";
import { type CommandTask, TASK_TITLES } from "./help/overview.ts";
import { runCommand } from "./run/commands.ts";

/** Commands that people need in this order. All others follow by name. */
const FIRST = [
  "demo",
  "setup",
  "invite",
  "run",
  "service",
  "send",
  "sessions",
  "backup",
  "restore",
];

/**
 * The commands of the core and of these features; their names are unique over all tasks.
 *
 * @throws {TypeError} If two features have a command of one name.
 */
export async function allTasks(features: readonly Feature[]): Promise<readonly CommandTask[]> {
  const added = await Promise.all(features.map(({ cli }) => cli?.()));
  const known = new Map<string, { title: string; command: CliCommand | CliGroup }>();
  const add = (title: string, name: string, command: CliCommand | CliGroup) => {
    const other = known.get(name);
    if (!other) return known.set(name, { title, command });
    const both = other.title === title && joined(other.command, command);
    if (!both) throw new TypeError(`Two features have a command ${name}`);
    known.set(name, { title, command: both });
  };
  add("Start", "run", runCommand(features));
  for (const [title, commands] of added.flatMap((more) => Object.entries(more ?? {}))) {
    for (const [name, command] of Object.entries(commands)) add(title, name, command);
  }
  const rank = (name: string) => FIRST.includes(name) ? FIRST.indexOf(name) : FIRST.length;
  const sorted = [...known].sort(([a], [b]) => rank(a) - rank(b) || (a < b ? -1 : 1));
  return TASK_TITLES.map((title): CommandTask => {
    const own = sorted.filter(([, one]) => one.title === title);
    return { title, commands: Object.fromEntries(own.map(([name, one]) => [name, one.command])) };
  });
}

/** The group with the commands of both; `undefined` if they are no groups, or share a command. */
function joined(one: CliCommand | CliGroup, other: CliCommand | CliGroup): CliGroup | undefined {
  if (one.kind !== "group" || other.kind !== "group") return undefined;
  if (Object.keys(one.commands).some((name) => Object.hasOwn(other.commands, name))) {
    return undefined;
  }
  // One of both has the default command, and the text of help.
  const { brief, defaultCommand } = one.defaultCommand === undefined ? other : one;
  return describeGroup(brief, { ...one.commands, ...other.commands }, defaultCommand);
}
