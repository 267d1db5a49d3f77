/**
 * Ends a setup: shows the files and writes them after a yes, installs the service where that is possible,
 * gives the agent its first instructions, and greets the owner by direct message if the bot runs then.
 *
 * Only a setup that creates the config writes the instructions, `AGENTS.md` and `SOUL.md` (S6), and it
 * replaces no file: a person who has deleted them does not want them. They name no server: names of
 * other people are no instructions (H4).
 */

import {
  closeSync,
  constants,
  existsSync,
  fsyncSync,
  lchownSync,
  mkdirSync,
  openSync,
  realpathSync,
  statSync,
  writeSync,
} from "node:fs";
import { homedir } from "node:os";
import { dirname, join, sep } from "node:path";
import process from "node:process";
import type { OpenedConfig } from "../../cli/config/write.ts";
import { EXIT, type ExitCode, StartError } from "../../cli/shared/exit_code.ts";
import { problemsText, readConfig } from "../../cli/shared/read_config.ts";
import { toStartError } from "../../cli/shared/start_error.ts";
import type { Io } from "../../cli/terminal/io.ts";
import { verdictOn } from "../../config/load.ts";
import type { Problem } from "../../config/text/problem.ts";
import { findDataDir, prepareDataDir } from "../../host/files/data_dir.ts";
import { INSTRUCTION_FILES, workspaceOf } from "../../workspace/workspace.ts";
import { startedAs } from "../../host/process/own_process.ts";
import { wordsOfCode } from "../../lib/errors.ts";
import { printable } from "../../lib/text/quoted.ts";
import { send } from "../delivery/send.ts";
import { installService, serviceOffer } from "../service/install.ts";
import type { HostMachine } from "../service/machine.ts";
import type { SetupContext, WholeAnswers } from "./answers.ts";
import { configTextOf, secretFiles } from "./config_text.ts";
import { DialogueEnd } from "./dialogue.ts";
import { backupName, secretPath, secretText, writeFiles } from "./files.ts";

/**
 * Shows the files of the answers and writes them.
 *
 * @returns The exit code if the setup ends here; `undefined` if it goes on.
 * @throws {DialogueEnd} `back` after a no.
 * @throws {StartError} If they cannot be written; then none is.
 */
export async function writeAnswers(
  answers: WholeAnswers,
  opened: OpenedConfig,
  setup: SetupContext,
  isDryRun: boolean,
): Promise<ExitCode | undefined> {
  const { dialogue, present, io } = setup;
  const { file } = opened;
  const edited = configTextOf(opened.text, answers, present);
  if (edited.kind === "refused") {
    const why = `${printable(file)} cannot be changed: ${edited.message}`;
    throw new StartError(`${why}; run \`barnacle config check\``, EXIT.config);
  }
  const { text } = edited;
  if (isDryRun) {
    io.out(text.trimEnd());
    return EXIT.done;
  }
  const secrets = secretFiles(answers, present);
  if (text === opened.text && secrets.length === 0) {
    dialogue.ok(`${printable(file)} has these answers already`);
    return await checkWritten(file, setup);
  }
  const lines = text.trimEnd().split("\n");
  const size = `${lines.length} lines`;
  dialogue.tell(
    [
      opened.text === undefined
        ? `will create  ${printable(file)}  (mode 0600, ${size}, below)`
        : `will change  ${printable(file)}  (${size}; other keys stay)`,
      ...secrets.map(({ name }) =>
        `will write   ${printable(secretPath(file, name))}  (mode 0600, the secret)`
      ),
      // A config that exists may have secrets.
      ...opened.text === undefined
        ? [
          "will write   AGENTS.md, SOUL.md  (instructions, in the agent's folder of the data)",
          "",
          ...lines.map(printable),
        ]
        : [],
    ].join("\n"),
  );
  if (!await dialogue.confirm({ message: "Write these files?" })) throw new DialogueEnd("back");
  const saved = await writeFiles(opened, text, secrets, io.env);
  if (saved.kind === "unwritten") throw new StartError(saved.message, saved.code);
  if (saved.kind === "invalid") {
    io.err(problemsText(saved.problems, io));
    throw new StartError("the config would be invalid; nothing was written", EXIT.config);
  }
  const backup = saved.kind === "saved" ? backupName(saved) : undefined;
  const kept = backup === undefined ? "" : `; the previous one is ${backup}`;
  dialogue.ok(`Wrote ${printable(file)}${kept}`);
  return await checkWritten(file, setup);
}

/** Checks the written config as `config check` does, and says the result in one line. */
async function checkWritten(
  file: string,
  { dialogue, io }: SetupContext,
): Promise<ExitCode | undefined> {
  const loaded = await readConfig(file, io.env);
  const notable = verdictOn(loaded, io.env).filter(({ severity }) => severity !== "note");
  const count = (severity: Problem["severity"]) =>
    notable.filter((problem) => problem.severity === severity).length;
  if (notable.length > 0) io.err(problemsText(notable, io));
  const isWrong = count("error") > 0;
  dialogue[isWrong ? "fail" : "ok"](
    `config check: ${count("error")} errors, ${count("warning")} warnings`,
  );
  return isWrong ? EXIT.config : undefined;
}

export interface SetupEnd {
  /** The command's exit code, unless the bot runs. */
  readonly code: ExitCode;
  /** How the bot shall run; absent if nothing was written. */
  readonly start?: StartWay;
  /** The config to run the bot with now, in this terminal; absent: not now. */
  readonly runs?: { readonly config: string };
}

export type StartWay = "service" | "here" | "later";

interface BotPlace {
  readonly config: string;
  /** Path of the data directory; absent: the usual one. */
  readonly data?: string;
}

/** The service of this machine; none with a DISCORD_API_URL of this shell, which a service does not have. */
export async function offeredService(
  { env }: Io,
  machine: HostMachine,
): Promise<Awaited<ReturnType<typeof serviceOffer>>> {
  return env["DISCORD_API_URL"]?.trim() ? undefined : await serviceOffer(machine);
}

/** Asks how the bot shall run, does that, and greets. */
export async function finish(
  answers: WholeAnswers,
  { file, text }: OpenedConfig,
  setup: SetupContext,
  { config, data }: { readonly config?: string; readonly data?: string },
): Promise<SetupEnd> {
  const { dialogue, io, machine } = setup;
  const offer = await offeredService(io, machine);
  const start = await askStart(offer?.target, setup);
  const place = { config: file, data };
  const isService = start === "service" && offer !== undefined;
  const code = isService ? await install(answers, place, setup) : EXIT.done;
  const isRunning = isService && code === EXIT.done;
  const running = { config: file, data: data ?? (isRunning ? offer.dataDir : undefined) };
  if (text === undefined) await instruct(running, setup);
  if (isRunning) await greet(answers, running, setup);
  const options = (config === undefined ? "" : ` --config ${file}`) +
    (data === undefined ? "" : ` --data ${data}`);
  const ways = isRunning
    ? []
    : [`run${options}`, ...offer === undefined ? [] : [`service install${options}`]];
  const next = [...ways, "status", "dashboard", "doctor", "why <message link>"];
  const program = printable(startedAs());
  dialogue.tell(
    `Done.  ${next.map((command) => `${program} ${command}`).join(" · ")}\n` +
      `Write to it ${whereToWrite(answers)}`,
  );
  return { code, start, runs: start === "here" ? { config: file } : undefined };
}

/** The files are written: an end of the dialogue here only leaves the bot stopped. */
async function askStart(
  service: string | undefined,
  { dialogue }: SetupContext,
): Promise<StartWay> {
  try {
    return await dialogue.choose<StartWay>({
      message: "How shall the bot run?",
      options: [
        ...service === undefined ? [] : [{
          value: "service" as const,
          label: "As a service, which starts with the machine and after a crash",
          hint: service,
        }],
        { value: "here", label: "Start it now, in this terminal" },
        { value: "later", label: "Later: I start it myself" },
      ],
    });
  } catch (error) {
    if (error instanceof DialogueEnd) return "later";
    throw error;
  }
}

/** Installs the service; the config is written also if that fails. */
async function install(
  answers: WholeAnswers,
  place: BotPlace,
  { dialogue, present, io, machine }: SetupContext,
): Promise<ExitCode> {
  const secrets = Object.fromEntries(
    secretFiles(answers, present).map(({ name, text }) => [name, secretText(text)]),
  );
  try {
    return await installService(
      { ...place, secrets, yes: true },
      { ...io, out: dialogue.tell },
      machine,
    );
  } catch (error) {
    const { message, code } = toStartError(error);
    dialogue.fail(message);
    dialogue.tell("The config is written. Try again with `barnacle service install`");
    return code;
  }
}

/** The data directory; a search for data would find the bots of other users, too. */
function dataDirOf({ data }: BotPlace, { io: { env } }: SetupContext): string {
  return data ?? findDataDir({ env, home: homedir() });
}

/** Gives the agent of a new bot its first instructions; it works without them, too. */
async function instruct(place: BotPlace, setup: SetupContext): Promise<void> {
  const { dialogue, io } = setup;
  const loaded = await readConfig(place.config, io.env);
  const agent = loaded.kind === "loaded" ? loaded.config.agentList[0] : undefined;
  if (loaded.kind !== "loaded" || !agent) return; // the check has said so
  const dataDir = dataDirOf(place, setup);
  const folder = workspaceOf(loaded.config, agent, dataDir);
  try {
    if (!writeInstructions(folder, dataDir)) return;
    dialogue.ok(
      `Wrote AGENTS.md and SOUL.md to ${printable(folder)}: ` +
        "the agent's instructions, for you to edit",
    );
  } catch (error) {
    const why = wordsOfCode(error) ?? (error instanceof Error ? error.message : "unknown reason");
    dialogue.warn(`No AGENTS.md and SOUL.md: ${printable(why)}`);
  }
}

/** Seconds in which Discord must take the greeting. */
const GREETING_SEC = 10;

/** Sends the owner a first message, through the outbox, as the bot itself would. */
async function greet(answers: WholeAnswers, place: BotPlace, setup: SetupContext): Promise<void> {
  const { bot, owner } = answers;
  const { dialogue, io } = setup;
  const text = `Hi ${owner.name}, I am ${bot.name}, and I am set up. ` +
    `Write to me ${whereToWrite(answers)}.`;
  const problems: string[] = [];
  const sent = await dialogue.during("Sending you a first message", () =>
    send(
      { config: place.config, data: dataDirOf(place, setup), json: false, wait: GREETING_SEC },
      { target: `user:${owner.id}`, text },
      {
        ...io,
        out() {},
        err() {},
        problem: (message) => void problems.push(message),
        during: (_text, work) => work,
      },
      () => Promise.resolve(""),
    ));
  if (sent === EXIT.done) {
    return dialogue.ok(`Sent you a direct message on Discord, @${owner.name}`);
  }
  const why = problems.join("; ") || "Discord does not answer";
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

/** The texts: short, so that a person reads and changes them. */
const TEXTS: Readonly<Record<typeof INSTRUCTION_FILES[number], string>> = {
  "AGENTS.md": `# Instructions

The model reads this file and SOUL.md before each answer. Edit both: a change counts from the next message on.

- Answer the question first. Then explain as much as the question needs.
- If you do not know something, or cannot do it, say so in one sentence.
- Before you change or delete something on the server, say what you are going to do.
`,
  "SOUL.md": `# Character

You are friendly and calm. You write short, plain sentences, in the language of the person who asks.
`,
};

const FOLDER_MODE = 0o700;
const FILE_MODE = 0o600;

/**
 * Writes both files, unless one of them exists.
 *
 * @param workspace Folder of the agent.
 * @param dataDir The data directory, which need not exist. If it belongs to the user of a service, so
 *   do the files.
 * @returns Whether it wrote them.
 * @throws {Error} If the system refuses, or if a link leads out of the data directory of a service.
 */
export function writeInstructions(workspace: string, dataDir: string): boolean {
  if (INSTRUCTION_FILES.some((name) => existsSync(join(workspace, name)))) return false;
  if (!existsSync(dataDir)) prepareDataDir(dataDir);
  const { uid, gid } = statSync(dataDir);
  const isOthers = process.geteuid?.() === 0 && uid !== 0;
  const own = (path: string) => isOthers ? lchownSync(path, uid, gid) : undefined;
  const missing = missingFolders(workspace);
  const existing = missing[0] === undefined ? workspace : dirname(missing[0]);
  if (isOthers && !isWithin(existing, dataDir)) {
    // The service's user could have put a link there, which would lead root to any folder.
    throw new Error("a link leads out of the data directory");
  }
  for (const folder of missing) {
    mkdirSync(folder, { mode: FOLDER_MODE });
    own(folder);
  }
  for (const name of INSTRUCTION_FILES) {
    writeNew(join(workspace, name), TEXTS[name], isOthers ? { uid, gid } : undefined);
  }
  return true;
}

/** The folders of a path that do not exist, the outermost first. */
function missingFolders(path: string): readonly string[] {
  if (existsSync(path)) return [];
  const above = dirname(path);
  return above === path ? [] : [...missingFolders(above), path];
}

function isWithin(path: string, folder: string): boolean {
  const real = realpathSync(folder);
  return `${realpathSync(path)}${sep}`.startsWith(`${real}${sep}`);
}

function writeNew(
  path: string,
  text: string,
  owner: { readonly uid: number; readonly gid: number } | undefined,
): void {
  const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL |
    (constants.O_NOFOLLOW ?? 0);
  const descriptor = openSync(path, flags, FILE_MODE);
  try {
    writeSync(descriptor, text);
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
  if (owner) lchownSync(path, owner.uid, owner.gid);
}
