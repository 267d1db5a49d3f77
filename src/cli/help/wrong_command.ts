/**
 * Explains command lines that name no command, and reads `help` as `--help`.
 *
 * The library suggests names of one level only. In a group with a default command, it takes a wrong
 * sub-command for an argument of that command. So this module checks the names before it.
 */

import {
  AliasNotFoundError,
  type ApplicationText,
  ArgumentParseError,
  EnumValidationError,
  FlagNotFoundError,
  text_en,
  UnexpectedFlagError,
  UnexpectedPositionalError,
  UnsatisfiedFlagError,
  UnsatisfiedPositionalError,
} from "@stricli/core";
import { distance } from "fastest-levenshtein";
import { looksLikeToken } from "../../core/discord/ids.ts";
import { printable, safeOutput } from "../../lib/text/quoted.ts";
import { type Terminal, wrappedError } from "../terminal/io.ts";
import type { CliCommand, CliGroup } from "./command_help.ts";

/** The library's texts, with Barnacle's own for errors, as wide as stderr is. */
export function errorTexts(stderr: Terminal["stderr"]): ApplicationText {
  const said = (problem: string) => wrappedError(`barnacle: ${problem}`, stderr);
  return {
    ...text_en,
    exceptionWhileParsingArguments: (error) => said(printable(problemOf(error))),
    exceptionWhileRunningCommand: (error) =>
      said(safeOutput(error instanceof Error ? error.message : String(error))),
  };
}

function problemOf(error: unknown): string {
  if (error instanceof FlagNotFoundError) {
    const { input, corrections } = error;
    const instead = SECRETS[input.toLowerCase().replaceAll(/[^a-z]/g, "")];
    if (instead !== undefined) return `no option takes a secret: ${VISIBLE}. ${instead}`;
    return `unknown option --${input}; ` +
      (corrections.length === 0
        ? SEE_HELP
        : `did you mean ${corrections.map(dashed).join(" or ")}?`);
  }
  if (error instanceof AliasNotFoundError) return `unknown option -${error.input}; ${SEE_HELP}`;
  if (error instanceof ArgumentParseError) {
    const { externalFlagNameOrPlaceholder: name, exception } = error;
    return `${name}: ${exception instanceof Error ? exception.message : String(exception)}`;
  }
  if (error instanceof EnumValidationError) {
    const { externalFlagName, input, values } = error;
    return `--${externalFlagName} ${quotedInput(input)} is not one of ${values.join(", ")}`;
  }
  if (error instanceof UnsatisfiedFlagError) {
    return `--${error.externalFlagName} is missing or has no value; ${SEE_HELP}`;
  }
  if (error instanceof UnsatisfiedPositionalError) {
    return `missing argument: ${error.placeholder}; ${SEE_HELP}`;
  }
  if (error instanceof UnexpectedPositionalError) {
    if (looksLikeToken(error.input)) return TOKEN_TYPED;
    return `unexpected argument ${quotedInput(error.input)}; ${SEE_HELP}`;
  }
  if (error instanceof UnexpectedFlagError) {
    return `--${error.externalFlagName} is given more than once; ${SEE_HELP}`;
  }
  return error instanceof Error ? error.message : String(error);
}

/** Why no secret belongs on a command line. */
const VISIBLE = "other programs see a command line, and the shell keeps it in its history";

const NEW_TOKEN = "Reset a token that you gave here, and put the new one into the variable " +
  "DISCORD_BOT_TOKEN, or paste it into `barnacle setup`";
const NEW_KEY = "Make a new key if you gave one here, and put it into the variable of its " +
  "provider, or into a file";

/** The message about a token among the arguments, without the token. */
const TOKEN_TYPED = `no argument takes a token: ${VISIBLE}. ${NEW_TOKEN}`;

/** The way of a secret, by names of options that people try for it, in small letters alone. */
const SECRETS: Readonly<Record<string, string>> = {
  token: NEW_TOKEN,
  bottoken: NEW_TOKEN,
  discordtoken: NEW_TOKEN,
  discordbottoken: NEW_TOKEN,
  key: NEW_KEY,
  apikey: NEW_KEY,
};

const SEE_HELP = "--help shows the usage";

function quotedInput(input: string): string {
  return JSON.stringify(input);
}

/** `"--insecure-permissions"` for the library's `insecurePermissions`. */
export function dashed(name: string): string {
  return `--${name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

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
 * Reads `help pairing list` and `pairing help` as `--help` of the command, and `help --all` as
 * `--help-all`, the library's option that shows everything. `help help` is the help of
 * Barnacle itself. Options after a command's name are dropped; one without a command is wrong.
 */
export function withHelpOption(args: readonly string[], commands: Commands): readonly string[] {
  const [first = "", second, ...rest] = args;
  if (first === "help") {
    const others = args.slice(1).filter((word) => !HELP_OPTIONS.includes(word));
    const [name = ""] = others;
    if (name === "--all") return ["--help-all"];
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
  const names = nearest(name, [...Object.keys(commands), "help", "--version"]);
  return names.length > 0 ? didYouMean(names) : "`barnacle help --all` lists all commands";
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
