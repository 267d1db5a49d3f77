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
import { StartError } from "../shared/exit_code.ts";

/** The library's texts, with Barnacle's own for errors. */
export function errorTexts(): ApplicationText {
  return {
    ...text_en,
    exceptionWhileParsingArguments: (error) => `barnacle: ${problemOf(error)}`,
    exceptionWhileRunningCommand: (error) => {
      if (error instanceof StartError) return `barnacle: ${error.message}`;
      const stack = error instanceof Error ? error.stack ?? error.message : String(error);
      return `barnacle: internal error, please report it: ${stack}`;
    },
  };
}

function problemOf(error: unknown): string {
  if (error instanceof FlagNotFoundError) {
    const { input, corrections } = error;
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
    return `unexpected argument ${quotedInput(error.input)}; ${SEE_HELP}`;
  }
  if (error instanceof UnexpectedFlagError) {
    return `--${error.externalFlagName} is given more than once; ${SEE_HELP}`;
  }
  return error instanceof Error ? error.message : String(error);
}

const SEE_HELP = "--help shows the usage";

function quotedInput(input: string): string {
  return JSON.stringify(input);
}

/** `"--insecure-permissions"` for the library's `insecurePermissions`. */
export function dashed(name: string): string {
  return `--${name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}
