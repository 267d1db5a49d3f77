/** Reads OpenClaw's recorded behaviour, from beside the repository; it is never copied into it. */

import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { skipUnless } from "../skip.ts";

/** One call of a function of OpenClaw: its arguments and its result. */
export interface Vector<Input, Expected> {
  readonly fn: string;
  readonly name?: string;
  readonly input: Input;
  readonly expected: Expected;
}

export interface Vectors<Input, Expected> {
  readonly vectors: readonly Vector<Input, Expected>[];
  /** Options for a suite with these vectors: skipped if they are missing. */
  readonly options: { readonly skip: boolean | string };
}

const SHARED = process.env["BARNACLE_SHARED"] ??
  join(import.meta.dirname!, "..", "..", "..", "..", "shared");

/** The calls of one function in a file such as `"seed-slug"`; the caller knows their shape. */
export function vectorsOf<Input, Expected>(file: string, fn: string): Vectors<Input, Expected> {
  const path = join(SHARED, "vectors", `${file}.json`);
  const isHere = existsSync(path);
  const all: readonly Vector<Input, Expected>[] = isHere
    ? JSON.parse(readFileSync(path, "utf8")).vectors
    : [];
  return {
    vectors: all.filter((vector) => vector.fn === fn),
    options: skipUnless(isHere, `OpenClaw's vectors: no ${path} (set BARNACLE_SHARED)`),
  };
}

/** A command in the list of an OpenClaw release. */
export interface ListedCommand {
  readonly name: string;
  readonly acceptsArgs: boolean;
  /** Absent in the list of the latest release. */
  readonly textAliases?: readonly string[];
  /** Absent in the list of the latest release, and for commands without arguments. */
  readonly args?: readonly {
    readonly name: string;
    /** Values, or `"dynamic"`. */
    readonly choices?: string | readonly (string | { readonly value: string })[];
  }[];
}

/** The commands in a file such as `"seed-commands"`. */
export function commandsOf(file: string): {
  readonly commands: readonly ListedCommand[];
  readonly options: Vectors<never, never>["options"];
} {
  const path = join(SHARED, "vectors", `${file}.json`);
  const isHere = existsSync(path);
  const all: readonly (ListedCommand & { readonly nativeName?: string; readonly key?: string })[] =
    isHere ? JSON.parse(readFileSync(path, "utf8")).commands : [];
  return {
    // A command of texts alone has a key, and no name in Discord's menu.
    commands: all.map(({ nativeName, key, ...command }) => ({
      ...command,
      name: nativeName ?? command.name ?? key,
    })),
    options: skipUnless(isHere, `OpenClaw's vectors: no ${path} (set BARNACLE_SHARED)`),
  };
}
