/** Options and inputs that several commands share. */

import process from "node:process";
import { Buffer } from "node:buffer";
import { EXIT, StartError } from "./exit_code.ts";

/** An option without a value. */
export function flag(
  brief: string,
): { readonly kind: "boolean"; readonly brief: string; readonly default: false } {
  return { kind: "boolean", brief, default: false };
}

export function text(brief: string, placeholder: string): {
  readonly kind: "parsed";
  readonly parse: (text: string) => string;
  readonly brief: string;
  readonly placeholder: string;
} {
  return { kind: "parsed", parse: String, brief, placeholder };
}

/** An optional option with a path. An empty one, as of an unset variable, is no default. */
export function path(brief: string): ReturnType<typeof text> & { readonly optional: true } {
  return { ...text(brief, "path"), parse: toPath, optional: true };
}

function toPath(text: string): string {
  if (text !== "") return text;
  throw new RangeError("the path is empty; name one, or leave the option out");
}

/** A positional argument; help shows the placeholder. */
export function word(brief: string, placeholder: string): {
  readonly parse: (text: string) => string;
  readonly brief: string;
  readonly placeholder: string;
} {
  return { parse: String, brief, placeholder };
}

/**
 * A positional argument with the number of a row.
 *
 * @param list The command that shows the numbers: `"barnacle memory list"`.
 */
export function rowNumber(list: string): {
  readonly parse: (text: string) => number;
  readonly brief: string;
  readonly placeholder: string;
} {
  return {
    parse(text) {
      if (/^[1-9]\d{0,14}$/.test(text)) return Number(text);
      throw new RangeError(`"${text}" is no number; \`${list}\` shows them`);
    },
    brief: `Number in \`${list}\``,
    placeholder: "number",
  };
}

/** A common option with a value that a command accepts and ignores; help leaves it out. */
export const UNUSED_PATH = { ...path("Has no effect here"), hidden: true } as const;
/** A common option without a value that a command accepts and ignores; help leaves it out. */
export const UNUSED_FLAG = { ...flag("Has no effect here"), hidden: true } as const;

/** `--account` of commands that act on one account. */
export const ACCOUNT = {
  ...text("Account of channels.discord.accounts (default: `default`, or the only one)", "id"),
  optional: true,
} as const;

/** `--account` of commands that act on all accounts unless the user names one. */
export const ONE_ACCOUNT = {
  ...ACCOUNT,
  brief: "Account of channels.discord.accounts (default: all)",
};

/** Options of every command (O10). */
export const COMMON = {
  config: path(
    "Config file (default: $BARNACLE_CONFIG, or config.jsonc in ., ~/.config/barnacle or " +
      "/etc/barnacle)",
  ),
  data: path(
    "Data directory (default: $BARNACLE_DATA, $STATE_DIRECTORY or ~/.local/share/barnacle)",
  ),
  json: flag("Print the result as JSON"),
};

/** The same, of commands that look for the data of a running bot (X2). */
export const BOT_COMMON = {
  ...COMMON,
  data: path(
    "Data directory (default: $BARNACLE_DATA, $STATE_DIRECTORY, that of the running bot, " +
      "~/.local/share/barnacle or /var/lib/barnacle)",
  ),
};

/** Largest input in bytes: as much text as a config may have. */
export const STDIN_MAX_BYTES = 1_024 * 1_024;

/**
 * Reads all of stdin as UTF-8, for commands that take `-`. An endless input must fill no memory.
 *
 * @param input Chunks of bytes; those of the process, unless a test has others.
 * @throws {StartError} If there is more.
 */
export async function readStdin(input: AsyncIterable<Uint8Array> = process.stdin): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of input) {
    size += chunk.length;
    if (size > STDIN_MAX_BYTES) {
      throw new StartError("stdin has more than 1 MiB", EXIT.usage);
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

/** Options of every command (O10). */
export interface CommonFlags {
  /** Path of the config file. */
  readonly config?: string;
  /** Path of the data directory. */
  readonly data?: string;
  /** Whether the result is printed as JSON. */
  readonly json: boolean;
}

/** Options of commands that need the config file alone. */
export type ConfigFlags = Pick<CommonFlags, "config" | "json">;

export interface AccountFlags extends CommonFlags {
  /** The account that the user named; absent: all, or the only one. */
  readonly account?: string;
}
