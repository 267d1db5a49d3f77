/** Asks for the passphrase of a backup: on the terminal without showing it, or from a file. */

import process from "node:process";
import { createInterface } from "node:readline/promises";
import { Writable } from "node:stream";
import { MIN_PASSPHRASE } from "../../core/store/settings.ts";
import { readBounded } from "../../host/files/read_bounded.ts";
import { printable } from "../../lib/text/quoted.ts";
import { readStdin } from "../../cli/shared/command.ts";
import { EXIT, StartError } from "../../cli/shared/exit_code.ts";
import { whyUnreadable } from "../../cli/shared/read_config.ts";

export interface PassphraseFlags {
  /** Path of a file with the passphrase; `-` for stdin. */
  readonly passphraseFile?: string;
}

/** Asks a person without showing the answer. */
export type AskHidden = (question: string) => Promise<string>;

const MAX_BYTES = 4_096;

/**
 * Reads a new passphrase, for a backup to write.
 *
 * @param ask Absent without a terminal.
 * @throws {StartError} If it is too short, or there is none.
 */
export async function newPassphrase(
  { passphraseFile }: PassphraseFlags,
  ask: AskHidden | undefined,
): Promise<string> {
  if (passphraseFile !== undefined) return checked(await fromFile(passphraseFile));
  if (!ask) {
    throw new StartError("without a terminal, --passphrase-file must name the file", EXIT.usage);
  }
  const passphrase = checked(await ask("Passphrase of the backup: "));
  if (await ask("The same again: ") === passphrase) return passphrase;
  throw new StartError("the two passphrases differ; nothing was written", EXIT.usage);
}

function checked(passphrase: string): string {
  const { length } = [...passphrase];
  if (length >= MIN_PASSPHRASE) return passphrase;
  throw new StartError(
    length === 0
      ? "the passphrase is empty"
      : `the passphrase has ${length} characters; it needs at least ${MIN_PASSPHRASE}`,
    EXIT.usage,
  );
}

/**
 * Reads the passphrase of an existing backup.
 *
 * @returns `undefined` if there is neither a file nor a terminal.
 */
export async function knownPassphrase(
  { passphraseFile }: PassphraseFlags,
  ask: AskHidden | undefined,
): Promise<string | undefined> {
  if (passphraseFile !== undefined) return await fromFile(passphraseFile);
  return await ask?.("Passphrase of the backup: ");
}

/** The first line of a file. */
async function fromFile(path: string): Promise<string> {
  let text: string;
  try {
    text = path === "-"
      ? await readStdin()
      : readBounded(path, { maxBytes: MAX_BYTES, acceptsPipes: true });
  } catch (error) {
    if (error instanceof StartError) throw error;
    throw new StartError(
      `cannot read the passphrase file ${printable(path)}: ${whyUnreadable(error)}`,
      EXIT.usage,
    );
  }
  return text.split(/\r?\n/, 1)[0] ?? "";
}

/**
 * Prepares questions whose answers the terminal does not show.
 *
 * @returns `undefined` without a terminal: the command must not wait for an answer then.
 */
export function hiddenOnTerminal(): AskHidden | undefined {
  const { stdin: input, stderr } = process;
  if (input.isTTY !== true || stderr.isTTY !== true) return undefined;
  return async (question) => {
    stderr.write(question);
    const silent = new Writable({ write: (_chunk, _encoding, done) => done() });
    const lines = createInterface({ input, output: silent, terminal: true });
    try {
      return await lines.question("");
    } finally {
      lines.close();
      stderr.write("\n");
    }
  };
}
