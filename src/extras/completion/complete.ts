/**
 * `barnacle __complete <shell> …`: prints the words that may come next, for the scripts of
 * `barnacle completion`. Each is a line: the word, and after a tab a text about it. `:files` alone
 * means that the shell proposes files.
 *
 * It never fails and writes no error: it would stand in the middle of a command line.
 */

import { bounded } from "../../lib/text/cut.ts";
import { printable } from "../../lib/text/quoted.ts";
import type { useData } from "../../cli/shared/find_data.ts";
import type { Commands } from "../../cli/help/wrong_command.ts";
import { createProcessIo, type Io, type Terminal } from "../../cli/terminal/io.ts";
import type { Proposal } from "./propose.ts";
import { propose } from "./propose.ts";
import { bashWord, wordsOf } from "./shell_words.ts";

/** The line that stands for files. */
const FILES = ":files";

/** Milliseconds after which values of config and store are left out. */
const PATIENCE_MS = 1_000;

/** Words that are printed at most: a shell shows no more. */
const MAX_WORDS = 500;

/** UTF-16 units of the text about a word. */
const ABOUT_CHARS = 80;

/** Prints the next words; `args` are those after `__complete`. */
export async function complete(
  args: readonly string[],
  commands: Commands,
  { stdout, stderr, env }: Terminal,
): Promise<void> {
  try {
    const [shell = "", ...given] = args;
    const { words, cutHead, quote } = shell === "bash"
      ? wordsOf(env["COMP_LINE"] ?? "", env["COMP_WORDBREAKS"] ?? "")
      : { words: given.map((word) => word.replace(/^=/, "")), cutHead: 0, quote: "" };
    const io: Io = {
      ...createProcessIo({ json: true }, { stdout, stderr, env }),
      err() {},
      problem() {},
    };
    for (const line of await linesFor(words, commands, io)) {
      if (line === FILES || shell !== "bash") {
        stdout.write(`${line}\n`);
        continue;
      }
      const word = bashWord(line.slice(cutHead).split("\t", 1)[0] ?? "", quote);
      if (word !== undefined) stdout.write(`${word}\n`);
    }
  } catch {
    // No words are better than an error here.
  }
}

/**
 * The lines for the words after `barnacle`. A file name is the shell's work if values come too late.
 *
 * @param patienceMs Milliseconds after which values of config and store are left out.
 * @param find Finds the data directory; the machine's unless a test has another one.
 */
export async function linesFor(
  words: readonly string[],
  commands: Commands,
  io: Io,
  patienceMs: number = PATIENCE_MS,
  find?: typeof useData,
): Promise<readonly string[]> {
  const { proposals, wanted } = propose(words, commands);
  if (!wanted) return proposals.slice(0, MAX_WORDS).flatMap(lineOf);
  const named = { config: optionIn(words, "config"), data: optionIn(words, "data") };
  const { promise: late, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, patienceMs);
  try {
    const { lateValuesFor, valuesFor } = await import("./values.ts");
    const values = await Promise.race([
      valuesFor(wanted, named, io, find),
      late.then(() => lateValuesFor(wanted)),
    ]);
    if (values === "files") return [FILES];
    return (values.length > 0 ? values : proposals).slice(0, MAX_WORDS).flatMap(lineOf);
  } catch {
    return [];
  } finally {
    clearTimeout(timer);
  }
}

/** The value of `--name value` or `--name=value` among the words. */
function optionIn(words: readonly string[], name: string): string | undefined {
  const option = `--${name}`;
  const at = words.indexOf(option);
  const after = at === -1 || at >= words.length - 2 ? undefined : words[at + 1];
  return after ?? words.find((word) => word.startsWith(`${option}=`))?.slice(option.length + 1);
}

/** A line; none for a word that a shell could not show. */
function lineOf({ value, about = "" }: Proposal): readonly string[] {
  if (value === "" || printable(value) !== value) return [];
  const text = printable(bounded(about.replaceAll(/\s+/g, " ").trim(), ABOUT_CHARS));
  return [text === "" ? value : `${value}\t${text}`];
}
