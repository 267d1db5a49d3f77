/** `barnacle secret set`: writes a secret into the folder `credentials` beside the config (C5). */

import process from "node:process";
import { checked, isSecretName, Secret } from "../../config/schema/parts/secrets.ts";
import { openConfig } from "../../cli/config/write.ts";
import type { CommonFlags } from "../../cli/shared/command.ts";
import { EXIT, type ExitCode } from "../../cli/shared/exit_code.ts";
import { configBefore } from "../../cli/shared/find_data.ts";
import { problemsText } from "../../cli/shared/read_config.ts";
import type { Io } from "../../cli/terminal/io.ts";
import { printable } from "../../lib/text/quoted.ts";
import { DialogueEnd } from "./ports/dialogue.ts";
import { secretPath, secretText, trySecret } from "./ports/write_files.ts";

/** Asks for the secret without showing it; without a terminal, reads it from stdin. */
export async function setSecret(
  flags: CommonFlags,
  name: string,
  io: Io,
  readStdin: () => Promise<string>,
): Promise<ExitCode> {
  if (!isSecretName(name)) {
    io.problem("a name has letters, digits, - and _ only, such as openai_api_key");
    return EXIT.usage;
  }
  const opened = openConfig(await configBefore(flags, io), io.env);
  if (opened.kind === "closed") {
    io.err(problemsText([opened.problem], io));
    return EXIT.config;
  }
  const text = process.stdin.isTTY === true ? await asked(name, io) : await readStdin();
  if (text === undefined) return EXIT.failed;
  const why = fault(text);
  if (why !== undefined) {
    io.problem(why);
    return EXIT.usage;
  }
  const path = secretPath(opened.file, name);
  const written = trySecret(path, secretText(text.trim()));
  if ("message" in written) {
    io.problem(written.message);
    return written.code;
  }
  if (flags.json) io.out(JSON.stringify({ ok: true, file: path }));
  else {
    io.out(`Wrote ${printable(path)}`, { isWhole: true });
    io.out(`In the config: { "file": "${name}" }`, { isWhole: true });
  }
  return EXIT.done;
}

function fault(text: string): string | undefined {
  const found = checked(text, "The text");
  return found instanceof Secret ? undefined : `${found.why}: ${found.hint}`;
}

async function asked(name: string, { errStyle, err }: Io): Promise<string | undefined> {
  const { terminalDialogue } = await import("./ports/terminal.ts");
  const dialogue = terminalDialogue(errStyle);
  try {
    return await dialogue.secret({ message: `Paste ${name} (not shown)`, check: fault });
  } catch (error) {
    if (!(error instanceof DialogueEnd)) throw error;
    err("Stopped. Nothing was written.");
    return undefined;
  } finally {
    dialogue.close();
  }
}
