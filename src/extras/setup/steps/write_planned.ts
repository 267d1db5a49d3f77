/** The last chapter of a setup: shows the files, and writes them after a yes. */

import { checkAnywhere, type OpenedConfig } from "../../../cli/config/write.ts";
import type { Problem } from "../../../config/text/problem.ts";
import { printable } from "../../../lib/text/quoted.ts";
import { EXIT, type ExitCode, StartError } from "../../../cli/shared/exit_code.ts";
import { problemsText, readConfig } from "../../../cli/shared/read_config.ts";
import type { Io } from "../../../cli/terminal/io.ts";
import { configTextOf, secretFiles } from "../answers/config_text.ts";
import type { SetupPorts } from "./setup_ports.ts";
import { DialogueEnd } from "../ports/dialogue.ts";
import type { Present } from "../answers/present.ts";
import type { WholeAnswers } from "../answers/state.ts";
import { backupName, secretPath, writeFiles } from "../ports/write_files.ts";

interface PlannedFiles {
  readonly opened: OpenedConfig;
  readonly text: string;
  readonly secrets: ReturnType<typeof secretFiles>;
}

/**
 * Makes the files of the answers.
 *
 * @throws {StartError} If the config would be invalid.
 */
export async function planFiles(
  opened: OpenedConfig,
  answers: WholeAnswers,
  present: Present,
  io: Io,
): Promise<PlannedFiles> {
  const edited = configTextOf(opened.text, answers, present);
  if (edited.kind === "refused") {
    const why = `${printable(opened.file)} cannot be changed: ${edited.message}`;
    throw new StartError(`${why}; run \`barnacle config check\``, EXIT.config);
  }
  const checked = await checkAnywhere(opened.file, edited.text, io.env);
  if (checked.kind === "refused") {
    io.err(problemsText(checked.problems, io));
    throw new StartError(
      `${printable(opened.file)} would be invalid; nothing was written`,
      EXIT.config,
    );
  }
  return { opened, text: edited.text, secrets: secretFiles(answers, present) };
}

/**
 * Shows the files and writes them.
 *
 * @throws {DialogueEnd} `back` after a no.
 * @throws {StartError} If they cannot be written; then none is.
 */
export async function writePlanned(
  { opened, text, secrets }: PlannedFiles,
  { dialogue }: SetupPorts,
  io: Io,
): Promise<void> {
  const { file } = opened;
  if (text === opened.text && secrets.length === 0) {
    return dialogue.ok(`${printable(file)} has these answers already`);
  }
  const lines = text.trimEnd().split("\n");
  const verb = opened.text === undefined ? "create" : "change";
  dialogue.tell(
    [
      `will ${verb}  ${printable(file)}  (${opened.text === undefined ? "mode 0600, " : ""}` +
      `${lines.length} lines${opened.text === undefined ? ", below" : "; other keys stay"})`,
      ...secrets.map(({ name }) =>
        `will write   ${printable(secretPath(file, name))}  (mode 0600, the secret)`
      ),
      ...opened.text === undefined
        ? ["will write   AGENTS.md, SOUL.md  (instructions, in the agent's folder of the data)"]
        : [],
      // A config that exists may have secrets.
      ...opened.text === undefined ? ["", ...lines.map(printable)] : [],
    ].join("\n"),
  );
  if (!await dialogue.confirm({ message: "Write these files?" })) throw new DialogueEnd("back");
  const saved = await writeFiles(opened, text, secrets, io.env);
  switch (saved.kind) {
    case "invalid":
      io.err(problemsText(saved.problems, io));
      throw new StartError("the config would be invalid; nothing was written", EXIT.config);
    case "unwritten":
      throw new StartError(saved.message, saved.code);
    case "unchanged":
      dialogue.ok(`${printable(file)} has these answers already`);
      return;
    case "saved": {
      const backup = backupName(saved);
      dialogue.ok(
        `Wrote ${printable(file)}` +
          (backup === undefined ? "" : `; the previous one is ${backup}`),
      );
    }
  }
}

/** Checks the written config as `config check` does, and says the result in one line. */
export async function checkWritten(
  file: string,
  { dialogue }: SetupPorts,
  io: Io,
): Promise<ExitCode> {
  const loaded = await readConfig(file, io.env);
  const notable = loaded.problems.filter(({ severity }) => severity !== "note");
  const count = (severity: Problem["severity"]) =>
    notable.filter((problem) => problem.severity === severity).length;
  if (notable.length > 0) io.err(problemsText(notable, io));
  const result = `config check: ${count("error")} errors, ${count("warning")} warnings`;
  if (loaded.kind === "loaded") {
    dialogue.ok(result);
    return EXIT.done;
  }
  dialogue.fail(result);
  return EXIT.config;
}
