/** `barnacle config diff` and `fmt`. */

import { type KeyChange, planReload } from "../../config/changes.ts";
import { formatText } from "../../config/text/edit_text.ts";
import { parseConfig } from "../../config/parse.ts";
import { readTree, valueAt } from "../../config/text/tree.ts";
import { printable } from "../../lib/text/quoted.ts";
import type { ConfigFlags } from "../../cli/shared/command.ts";
import { changeLine, checkAnywhere, openConfig, writeText } from "../../cli/config/write.ts";
import { EXIT, type ExitCode } from "../../cli/shared/exit_code.ts";
import type { Io } from "../../cli/terminal/io.ts";
import { problemsText } from "../../cli/shared/read_config.ts";

/** The defaults of a config with the section: the keys in it have defaults of their own. */
const WITH_DISCORD = '{ "channels": { "discord": {} } }';

export interface FmtFlags extends ConfigFlags {
  /** Writes nothing, and exits with 1 if the file needs formatting. */
  readonly check: boolean;
}

/**
 * Prints the differences from another file or, without one, from the defaults.
 *
 * Like `diff`, it exits with 1 if it differs from a file. Every config differs from the defaults.
 */
export async function diff(
  { config: flag, json }: ConfigFlags,
  other: string | undefined,
  io: Io,
): Promise<ExitCode> {
  const ours = openConfig(flag, io.env);
  const theirs = other === undefined ? undefined : openConfig(other, io.env, "the command line");
  for (const opened of [ours, theirs]) {
    if (opened?.kind !== "closed") continue;
    io.err(problemsText([opened.problem], io));
    return EXIT.config;
  }
  if (ours.kind === "closed" || theirs?.kind === "closed") return EXIT.config;
  if (ours.text === undefined) return noFile(ours.file, theirs !== undefined, json, io);
  const after = await checkAnywhere(ours.file, ours.text, io.env);
  const written = after.kind === "loaded" ? after.written : {};
  const defaults = valueAt(written, ["channels", "discord"]) === undefined ? "{}" : WITH_DISCORD;
  const base = theirs?.text ?? defaults;
  const before = await checkAnywhere(theirs?.file ?? ours.file, base, io.env);
  if (before.kind === "refused" || after.kind === "refused") {
    const refused = [before, after].filter(({ kind }) => kind === "refused");
    io.err(problemsText(refused.flatMap(({ problems }) => problems), io));
    return EXIT.config;
  }
  const { changes } = planReload(before, after);
  if (json) io.out(JSON.stringify({ same: changes.length === 0, changes }));
  else if (changes.length === 0) {
    io.err(theirs ? "The files say the same." : "Every key has its default.");
  } else for (const change of changes) io.out(line(change));
  return theirs && changes.length > 0 ? EXIT.failed : EXIT.done;
}

/** Without a file, every key has its default; but no other file can be compared with none. */
function noFile(file: string, hasOther: boolean, json: boolean, io: Io): ExitCode {
  if (hasOther) {
    io.problem(`no config file to compare: ${printable(file)} does not exist`);
    return EXIT.config;
  }
  if (json) io.out(JSON.stringify({ same: true, changes: [] }));
  io.err(`no config file: ${printable(file)} does not exist, so every key has its default`);
  return EXIT.done;
}

/** A comparison does not say when a change takes effect. */
function line(change: KeyChange): string {
  return changeLine({ ...change, takesEffect: "now" });
}

/** Formats the config file; values and comments stay. */
export async function fmt({ config: flag, json, check }: FmtFlags, io: Io): Promise<ExitCode> {
  const opened = openConfig(flag, io.env);
  if (opened.kind === "closed") {
    io.err(problemsText([opened.problem], io));
    return EXIT.config;
  }
  const { file, text } = opened;
  if (text === undefined) {
    io.problem(`no config file: ${printable(file)}`);
    return EXIT.failed;
  }
  if (readTree(text).kind === "faults") {
    const { problems } = await parseConfig({ file, text });
    io.err(problemsText(problems, io));
    return EXIT.config;
  }
  const newText = formatText(text);
  const isSame = newText === text;
  if (json) io.out(JSON.stringify({ file, changed: !isSame, wrote: !isSame && !check }));
  else {io.out(
      `${printable(file)}: ${isSame ? "already formatted" : check ? "not formatted" : "formatted"}`,
    );}
  if (isSame) return EXIT.done;
  if (check) return EXIT.failed;
  const result = writeText(opened, newText);
  if (result.kind === "written") return EXIT.done;
  io.problem(result.message);
  return result.code;
}
