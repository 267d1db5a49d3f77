/**
 * Messages for command lines that cannot be run: unknown options, missing arguments, wrong values.
 * `wrong_command.ts` has those for unknown commands.
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
import { looksLikeToken } from "../../core/discord/token_shape.ts";
import { type Terminal, wrappedError } from "../terminal/io.ts";
import { printable, safeOutput } from "../../lib/text/quoted.ts";

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
export const TOKEN_TYPED = `no argument takes a token: ${VISIBLE}. ${NEW_TOKEN}`;

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
