/**
 * Ends a setup: shows the files, writes them after a yes, installs the service where that is possible, greets the owner by direct message if
 * the bot runs then, and says how it runs.
 */

import { checkAnywhere, type OpenedConfig } from "../../cli/config/write.ts";
import { EXIT, type ExitCode, StartError } from "../../cli/shared/exit_code.ts";
import { problemsText, readConfig } from "../../cli/shared/read_config.ts";
import { toStartError } from "../../cli/shared/start_error.ts";
import type { Io } from "../../cli/terminal/io.ts";
import { verdictOn } from "../../config/load.ts";
import type { Problem } from "../../config/text/problem.ts";
import { printable } from "../../lib/text/quoted.ts";
import { configTextOf, secretFiles } from "./answers/config_text.ts";
import type { Present } from "./answers/present.ts";
import type { WholeAnswers } from "./answers/state.ts";
import { DialogueEnd } from "./ports/dialogue.ts";
import type { BotPlace, OfferedService } from "./ports/own_commands.ts";
import { backupName, secretPath, secretText, writeFiles } from "./ports/write_files.ts";
import type { SetupPorts } from "./steps/setup_ports.ts";

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
  const notable = verdictOn(loaded, io.env).filter(({ severity }) => severity !== "note");
  const count = (severity: Problem["severity"]) =>
    notable.filter((problem) => problem.severity === severity).length;
  if (notable.length > 0) io.err(problemsText(notable, io));
  const result = `config check: ${count("error")} errors, ${count("warning")} warnings`;
  if (count("error") > 0) {
    dialogue.fail(result);
    return EXIT.config;
  }
  dialogue.ok(result);
  return EXIT.done;
}

export interface SetupEnd {
  /** The command's exit code, unless the bot runs. */
  readonly code: ExitCode;
  /** How the bot shall run; absent if nothing was written. */
  readonly start?: StartWay;
  /** The config to run the bot with now, in this terminal; absent: not now. */
  readonly runs?: { readonly config: string };
}

/** How the bot runs after the setup. */
export type StartWay = "service" | "here" | "later";

/** Asks how the bot shall run, does that, and greets. */
export async function finish(
  answers: WholeAnswers,
  { file, text }: OpenedConfig,
  ports: SetupPorts,
  { config, data }: { readonly config?: string; readonly data?: string },
): Promise<SetupEnd> {
  const { dialogue } = ports;
  const offer = await ports.commands.offer();
  const start = await askStart(offer, ports);
  const place = { config: file, data };
  const installed = start === "service" && "name" in offer
    ? await install(answers, place, offer, ports)
    : { code: EXIT.done };
  const running = { config: file, data: installed.dataDir ?? data };
  if (text === undefined) await instruct(running, ports);
  if (installed.dataDir !== undefined) await greet(answers, running, ports);
  const options = (config === undefined ? "" : ` --config ${file}`) +
    (data === undefined ? "" : ` --data ${data}`);
  const { program } = ports.commands;
  const ways = installed.dataDir === undefined
    ? [`run${options}`, ..."name" in offer ? [`service install${options}`] : []]
    : [];
  const next = [...ways, "status", "dashboard", "doctor", "why <message link>"];
  dialogue.tell(
    `Done.  ${next.map((command) => `${program} ${command}`).join(" · ")}\n` +
      `Write to it:  ${whereToWrite(answers)}`,
  );
  const runs = start === "here" ? { config: file } : undefined;
  return { code: installed.code, start, runs };
}

/** The files are written: an end of the dialogue here only leaves the bot stopped. */
async function askStart(
  offer: OfferedService | { readonly why: string },
  { dialogue }: SetupPorts,
): Promise<StartWay> {
  const service = "name" in offer
    ? [{
      value: "service" as const,
      label: "As a service, which starts with the machine and after a crash",
      hint: offer.name,
    }]
    : [];
  try {
    return await dialogue.choose<StartWay>({
      message: "How shall the bot run?",
      options: [
        ...service,
        { value: "here", label: "Start it now, in this terminal" },
        { value: "later", label: "Later: I start it myself" },
      ],
    });
  } catch (error) {
    if (error instanceof DialogueEnd) return "later";
    throw error;
  }
}

/** Installs the service. @returns Its data directory, if it runs. */
async function install(
  answers: WholeAnswers,
  place: BotPlace,
  offer: OfferedService,
  ports: SetupPorts,
): Promise<{ readonly code: ExitCode; readonly dataDir?: string }> {
  const { dialogue, commands } = ports;
  const secrets = Object.fromEntries(
    secretFiles(answers, ports.present).map(({ name, text }) => [name, secretText(text)]),
  );
  try {
    const code = await commands.install(place, secrets);
    return { code, dataDir: place.data ?? offer.dataDir };
  } catch (error) {
    const { message, code } = toStartError(error);
    dialogue.fail(message);
    dialogue.tell("The config is written. Try again with `barnacle service install`");
    return { code };
  }
}

/** Gives the agent of a new bot its first instructions; it works without them, too. */
async function instruct(place: BotPlace, { dialogue, commands }: SetupPorts): Promise<void> {
  const written = await commands.instruct(place);
  if (!written) return;
  if ("folder" in written) {
    dialogue.ok(
      `Wrote AGENTS.md and SOUL.md to ${printable(written.folder)}: ` +
        "the agent's instructions, for you to edit",
    );
  } else dialogue.warn(`No AGENTS.md and SOUL.md: ${printable(written.why)}`);
}

/** Sends the owner a first message, through the outbox, as the bot itself would. */
async function greet(
  answers: WholeAnswers,
  place: BotPlace,
  { dialogue, commands }: SetupPorts,
): Promise<void> {
  const { bot, owner } = answers;
  const text = `Hi ${owner.name}, I am ${bot.name}, and I am set up. ` +
    `Write to me ${whereToWrite(answers)}.`;
  const why = await dialogue.during(
    "Sending you a first message",
    () => commands.greet(owner, text, place),
  );
  if (why === undefined) {
    return dialogue.ok(`Sent you a direct message on Discord, @${owner.name}`);
  }
  dialogue.warn(
    `No first direct message: ${printable(why)}. ` +
      "Your server's privacy settings may close direct messages; the bot works without",
  );
}

function whereToWrite({ places, bot }: WholeAnswers): string {
  const [first] = places;
  if (!first) return "in direct messages";
  const where = first.channels === "all" || first.channels === undefined
    ? first.name
    : `${first.name}, ${first.channels.slice(0, 3).map(({ name }) => `#${name}`).join(", ")}`;
  return `by \`@${bot.name} hello\` on ${where}, or in direct messages`;
}
