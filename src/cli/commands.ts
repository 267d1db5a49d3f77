/** All commands, by task: `run`, and those of the extras. Help and `docs/commands.md` list them so. */

import type { Extra } from "./extras/extra.ts";
import { type CliCommand, type CliGroup, describeGroup } from "./help/command_help.ts";
import type { CommandTask } from "./help/overview.ts";
import { runCommand } from "./run/commands.ts";

/** The tasks, in the order of help. */
const TITLES = [
  "Start",
  "Diagnose",
  "Control access",
  "Send messages",
  "Conversations",
  "Look after the agent",
  "Back up and move",
  "Configure",
  "About",
];

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
  "verify",
  "restore",
];

/** The commands of the core and of these extras; their names are unique over all tasks. */
export async function allTasks(extras: readonly Extra[]): Promise<readonly CommandTask[]> {
  const added = await Promise.all(extras.map(({ commands }) => commands?.()));
  return TITLES.map((title): CommandTask => {
    const all = new Map<string, CliCommand | CliGroup>();
    if (title === "Start") all.set("run", runCommand(extras));
    for (const more of added) {
      for (const [name, command] of Object.entries(more?.[title] ?? {})) {
        all.set(name, joined(all.get(name), command));
      }
    }
    const rank = (name: string) => FIRST.includes(name) ? FIRST.indexOf(name) : FIRST.length;
    const sorted = [...all].sort(([a], [b]) => rank(a) - rank(b) || (a < b ? -1 : 1));
    return { title, commands: Object.fromEntries(sorted) };
  });
}

/** The group of help with the commands of both; its text is that of the group with a default command. */
function joined(known: CliCommand | CliGroup | undefined, added: CliCommand | CliGroup) {
  if (known?.kind !== "group" || added.kind !== "group") return added;
  const { brief, defaultCommand } = known.defaultCommand === undefined ? added : known;
  return describeGroup(brief, { ...known.commands, ...added.commands }, defaultCommand);
}
