/** The table of commands, in the order in which the pages list it: for `docs/commands.md` and the man page. */

import {
  argumentRows,
  type CliCommand,
  type HelpRow,
  optionRows,
} from "../../src/cli/help/command_help.ts";
import type { CommandTask } from "../../src/cli/help/overview.ts";
import { BOT_COMMON, COMMON } from "../../src/cli/shared/command.ts";

/** Options that each command has, which a page lists once. */
export const COMMON_ROWS: readonly HelpRow[] = [
  ["--config <path>", COMMON.config.brief],
  [
    "--data <path>",
    `${COMMON.data.brief}. Commands about a bot's data also look for those of the running bot, and ` +
    "in /var/lib/barnacle",
  ],
  ["--json", COMMON.json.brief],
  ["-h, --help", "Print the command's help"],
];

export interface NamedCommand {
  /** `"barnacle config set"`. */
  readonly name: string;
  readonly command: CliCommand;
  /** Remarks beside those of its help. */
  readonly extra: readonly string[];
}

/** The commands of a task, those of a group each by its own name. */
export function commandsOf({ commands }: CommandTask): readonly NamedCommand[] {
  return Object.entries(commands).flatMap(([name, command]): readonly NamedCommand[] =>
    command.kind === "command"
      ? [{ name: `barnacle ${name}`, command, extra: [] }]
      : Object.entries(command.commands).map(([action, inner]) => ({
        name: `barnacle ${name} ${action}`,
        command: inner,
        extra: action === command.defaultCommand ? [`\`barnacle ${name}\` does the same.`] : [],
      }))
  );
}

/** Arguments and options of a command, without those that all commands have. */
export function ownRows({ target }: CliCommand): readonly HelpRow[] {
  const { config, data, json } = COMMON;
  return [...argumentRows(target), ...optionRows(target)]
    .filter(([, text]) => ![config, data, json].some(({ brief }) => brief === text));
}

/** Those of a page, which describes the `--data` of commands about a bot's data once. */
export function rowsOfPage(command: CliCommand): readonly HelpRow[] {
  return ownRows(command).filter(([, text]) => text !== BOT_COMMON.data.brief);
}
