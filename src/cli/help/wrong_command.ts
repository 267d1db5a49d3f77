/**
 * Explains command lines that name no command, and reads `help` as `--help`.
 *
 * The library suggests names of one level only. In a group with a default command, it takes a wrong
 * sub-command for an argument of that command. So this module checks the names before it.
 */

import { distance } from "fastest-levenshtein";
import { looksLikeToken } from "../../core/discord/token_shape.ts";
import type { CliCommand, CliGroup } from "./command_help.ts";
import { TOKEN_TYPED } from "./error_texts.ts";

export type Commands = Readonly<Record<string, CliCommand | CliGroup>>;

/** Options of `barnacle` itself. */
const OWN_OPTIONS = ["--help", "-h", "--helpAll", "--help-all", "-H", "--version", "-v"];

/** Names of other programs. */
const OTHER_NAMES: Readonly<Record<string, string>> = {
  start: "run",
  gateway: "run",
  generate_invite_url: "invite",
  init: "setup",
  onboard: "setup",
  validate_env: "doctor",
};

/** Commands of other programs that Barnacle does not have, and the way without them. */
const INSTEAD: Readonly<Record<string, string>> = {
  stop: "Ctrl+C stops the bot, and `systemctl stop barnacle` the service",
  graceful_shutdown: "Ctrl+C or SIGTERM stops the bot, which then finishes its answers first",
  channels:
    "`barnacle status --probe` checks them; `channels.discord.guilds` of the config lists them",
  message_content: "`barnacle doctor --fix` switches the intent Message Content on",
  restart:
    "a running bot applies a changed config; `systemctl restart barnacle` restarts the service",
};

/** Options that ask for help, which `help` does already. */
const HELP_OPTIONS: readonly string[] = ["--help", "-h", "--helpAll", "--help-all", "-H"];

/**
 * Reads `help pairing list` and `pairing help` as `--help` of the command. `help help` is the help of
 * Barnacle itself. Options after a command's name are dropped; one without a command is wrong.
 */
export function withHelpOption(args: readonly string[], commands: Commands): readonly string[] {
  const [first = "", second, ...rest] = args;
  if (first === "help") {
    const others = args.slice(1).filter((word) => !HELP_OPTIONS.includes(word));
    const [name = ""] = others;
    if (name.startsWith("-")) return others;
    const words = others.filter((word) => !word.startsWith("-"));
    return [...name === "help" ? words.slice(1) : words, "--help"];
  }
  const group = Object.hasOwn(commands, first) ? commands[first] : undefined;
  return second === "help" && group?.kind === "group" ? [first, ...rest, "--help"] : args;
}

/** The words after `help` that name no command: a search in the documentation; else `undefined`. */
export function searchedWords(
  [help, ...words]: readonly string[],
  commands: Commands,
): string | undefined {
  const [name = "", sub] = words;
  if (help !== "help" || words.length === 0 || words.some((word) => word.startsWith("-"))) {
    return undefined;
  }
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
  const isCommand = name === "help" || command && (sub === undefined ||
        (command.kind === "group" && Object.hasOwn(command.commands, sub)));
  return isCommand ? undefined : words.join(" ");
}

/**
 * Checks the names of command and sub-command.
 *
 * @returns The message after `barnacle: `; `undefined` if the names are right.
 */
export function wrongCommand(args: readonly string[], commands: Commands): string | undefined {
  const [name = "", sub] = args;
  if ([name, sub].some((word) => word !== undefined && looksLikeToken(word))) {
    // Of a command with arguments, the token may be one; its parser says so.
    const isKnown = Object.hasOwn(commands, name) && commands[name]?.kind === "command";
    if (!isKnown) return TOKEN_TYPED;
  }
  if (name.startsWith("-")) return wrongOption(name);
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (!command) return `unknown command ${JSON.stringify(name)}; ${insteadOf(name, commands)}`;
  if (command.kind === "command" || sub === undefined) return undefined;
  if (sub.startsWith("-")) {
    return command.defaultCommand !== undefined || HELP_OPTIONS.includes(sub)
      ? undefined
      : `option ${sub} before the command of \`${name}\`; options follow it`;
  }
  if (Object.hasOwn(command.commands, sub)) return undefined;
  const names = nearest(sub, Object.keys(command.commands)).map((near) => `${name} ${near}`);
  const unknown = `unknown command ${JSON.stringify(`${name} ${sub}`)}`;
  return `${unknown}; ${
    names.length > 0 ? didYouMean(names) : `\`barnacle help ${name}\` lists its commands`
  }`;
}

function wrongOption(name: string): string | undefined {
  if (OWN_OPTIONS.includes(name)) return undefined;
  const names = nearest(name, ["--help", "--version"]);
  return names.length > 0
    ? `unknown option ${name}; ${didYouMean(names)}`
    : `option ${name} without a command; options follow the command: \`barnacle run ${name}\``;
}

function insteadOf(name: string, commands: Commands): string {
  const other = name.replaceAll("-", "_");
  const text = Object.hasOwn(INSTEAD, other) ? INSTEAD[other] : undefined;
  if (text !== undefined) return text;
  const known = Object.hasOwn(OTHER_NAMES, other) ? OTHER_NAMES[other] : undefined;
  if (known !== undefined) return didYouMean([known]);
  const subCommands = Object.entries(commands).flatMap(([group, command]) =>
    command.kind === "group" && Object.hasOwn(command.commands, name) ? [`${group} ${name}`] : []
  );
  if (subCommands.length > 0) return didYouMean(subCommands);
  const names = nearest(name, [...Object.keys(commands), "help"]);
  return names.length > 0 ? didYouMean(names) : "`barnacle help` lists all commands";
}

/** Number of typing mistakes up to which a name is suggested. */
const MAX_DISTANCE = 2;

/** The names that differ least, if they differ little. */
function nearest(typed: string, names: readonly string[]): readonly string[] {
  const lower = typed.toLowerCase();
  const far = names.map((name) => ({ name, mistakes: distance(lower, name) }))
    .filter(({ mistakes }) => mistakes <= MAX_DISTANCE && mistakes < typed.length);
  const least = Math.min(...far.map(({ mistakes }) => mistakes));
  return far.filter(({ mistakes }) => mistakes === least).map(({ name }) => name);
}

function didYouMean(names: readonly string[]): string {
  return `did you mean ${names.map((name) => `\`${name}\``).join(" or ")}?`;
}
