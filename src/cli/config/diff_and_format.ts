/**
 * `barnacle config diff` and `fmt`.
 *
 * @module
 */

import { type Change, planReload } from "../../config/changes.ts";
import { formatted } from "../../config/text/format.ts";
import { parseConfig } from "../../config/parse.ts";
import { readTree } from "../../config/text/tree.ts";
import { printable } from "../../lib/text/quoted.ts";
import type { ConfigFlags } from "./show.ts";
import { changeLine, checkAnywhere, openConfig, writeText } from "./write.ts";
import { EXIT, type ExitCode } from "../shared/exit_code.ts";
import type { Io } from "../terminal/io.ts";
import { shown } from "../shared/read_config.ts";

/** A file that says nothing; the section is there, so that its keys have their defaults. */
const DEFAULTS = '{ "channels": { "discord": {} } }';

export interface FmtFlags extends ConfigFlags {
  /** Writes nothing, and ends with 1 where there is something to write. */
  readonly check: boolean;
}

/**
 * Prints how the config differs from another file or, without one, from the defaults.
 *
 * As `diff` does, it ends with 1 where it differs from a file; from the defaults every config does.
 */
export async function diff(
  { config: flag, json }: ConfigFlags,
  other: string | undefined,
  io: Io,
): Promise<ExitCode> {
  const ours = openConfig(flag, io.env);
  const theirs = other === undefined ? undefined : openConfig(other, io.env);
  for (const one of [ours, theirs]) {
    if (one?.kind !== "closed") continue;
    io.err(shown([one.problem], io));
    return EXIT.config;
  }
  if (ours.kind === "closed" || theirs?.kind === "closed") return EXIT.config;
  const [before, after] = await Promise.all([
    checkAnywhere(theirs?.file ?? ours.file, theirs ? theirs.text ?? "{}" : DEFAULTS, io.env),
    checkAnywhere(ours.file, ours.text ?? "{}", io.env),
  ]);
  if (before.kind === "refused" || after.kind === "refused") {
    const refused = [before, after].filter(({ kind }) => kind === "refused");
    io.err(shown(refused.flatMap(({ problems }) => problems), io));
    return EXIT.config;
  }
  const { changes } = planReload(before, after);
  if (json) io.out(JSON.stringify({ same: changes.length === 0, changes }));
  else for (const change of changes) io.out(line(change));
  return theirs && changes.length > 0 ? EXIT.failed : EXIT.done;
}

/** When it takes effect is of no use to who only compares. */
function line(change: Change): string {
  return changeLine({ ...change, takesEffect: "now" });
}

/** Lays the config file out anew; what it says stays, comments and all. */
export async function fmt({ config: flag, json, check }: FmtFlags, io: Io): Promise<ExitCode> {
  const opened = openConfig(flag, io.env);
  if (opened.kind === "closed") {
    io.err(shown([opened.problem], io));
    return EXIT.config;
  }
  const { file, text } = opened;
  if (text === undefined) {
    io.err(`There is no file to lay out: ${printable(file)}`);
    return EXIT.failed;
  }
  if (readTree(text).kind === "faults") {
    const { problems } = await parseConfig({ file, text });
    io.err(shown(problems, io));
    return EXIT.config;
  }
  const laidOut = formatted(text);
  const isSame = laidOut === text;
  if (json) io.out(JSON.stringify({ file, changed: !isSame, wrote: !isSame && !check }));
  else {io.out(
      `${printable(file)}: ${isSame ? "well laid out" : check ? "not laid out" : "laid out"}`,
    );}
  if (isSame) return EXIT.done;
  if (check) return EXIT.failed;
  const written = writeText(opened, laidOut);
  if (written.kind === "written") return EXIT.done;
  io.err(written.message);
  return written.code;
}
