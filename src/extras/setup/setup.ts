/**
 * `barnacle setup`: asks for everything that a bot needs, tries each answer, and writes the config
 * (O3).
 *
 * The steps and their order are in `state.ts`. This module runs them: Escape goes back to the question
 * before, Ctrl-C ends the setup and leaves nothing behind, and any other end keeps the answers.
 */

import { existsSync, type Stats, statSync } from "node:fs";
import { resolve } from "node:path";
import process from "node:process";
import { setTimeout as sleep } from "node:timers/promises";
import { refuseDivided } from "../../host/files/data_dir.ts";
import { readBounded } from "../../host/files/read_bounded.ts";
import { faultOfFile, faultOfFolder } from "../../host/files/writable_place.ts";
import { readTree } from "../../config/text/tree.ts";
import { printable } from "../../lib/text/quoted.ts";
import { openConfig, type OpenedConfig } from "../../cli/config/write.ts";
import { type CommonFlags, readStdin } from "../../cli/shared/command.ts";
import { apiOf } from "../../cli/shared/discord.ts";
import { EXIT, StartError } from "../../cli/shared/exit_code.ts";
import { problemsText, whyUnreadable } from "../../cli/shared/read_config.ts";
import { reportingErrors } from "../../cli/shared/start_error.ts";
import { dataDirOf, isDataNamed } from "../../cli/shared/store_access.ts";
import type { Io } from "../../cli/terminal/io.ts";
import type { RunStep, SetupPorts } from "./steps/setup_ports.ts";
import { type Dialogue, DialogueEnd, unattendedDialogue } from "./ports/dialogue.ts";
import { createSetupDiscord } from "./ports/discord_port.ts";
import { finish, type SetupEnd } from "./finish.ts";
import { type AnswerFile, givenAnswers, parseAnswers } from "./answers/given_answers.ts";
import { type KeptAnswers, openKeptAnswers } from "./answers/kept_answers.ts";
import { createModelPort } from "./ports/model_port.ts";
import { createOwnCommands } from "./ports/own_commands.ts";
import {
  CHAPTERS,
  type ExampleName,
  nextStep,
  type SetupState,
  type SetupStep,
  wholeAnswers,
} from "./answers/state.ts";
import { askCodeGrant, askIntents, askToken } from "./steps/ask_bot.ts";
import { askLimit, readLimit } from "./steps/ask_limit.ts";
import { askModel } from "./steps/ask_model.ts";
import { askOwner } from "./steps/ask_owner.ts";
import { askChannels } from "./steps/ask_channels.ts";
import { askServers } from "./steps/ask_server.ts";
import { checkWritten, planFiles, writePlanned } from "./steps/write_planned.ts";

export interface SetupFlags extends CommonFlags {
  /** As in {@link AnswerFile}. */
  readonly example?: ExampleName;
  /** Path of the file of answers. */
  readonly answers?: string;
  /** As in {@link AnswerFile}. */
  readonly tokenFile?: string;
  /** As in {@link AnswerFile}. */
  readonly server?: readonly string[];
  /** As in {@link AnswerFile}. */
  readonly channels?: readonly string[];
  /** As in {@link AnswerFile}. */
  readonly owner?: string;
  /** As in {@link AnswerFile}. */
  readonly model?: string;
  /** As in {@link AnswerFile}. */
  readonly dailyLimit?: string;
  /** Minutes to wait for the bot to join a server. */
  readonly joinWait: number;
  /** Whether each question has its default as answer, without a terminal. */
  readonly yes: boolean;
  /** Whether to print the config in place of writing it. */
  readonly dryRun: boolean;
}

/** Columns of a terminal that has room for the invite link's QR code. */
const QR_COLUMNS = 50;

/** Largest file of answers, and largest file with a secret. */
const FILE_MAX_BYTES = 64 * 1_024;

const STEPS: Readonly<Record<Exclude<SetupStep, "write">, RunStep>> = {
  token: askToken,
  codeGrant: askCodeGrant,
  intents: askIntents,
  servers: askServers,
  channels: askChannels,
  owner: askOwner,
  model: askModel,
  limit: askLimit,
};

export async function setUp(flags: SetupFlags, io: Io): Promise<SetupEnd> {
  let end: SetupEnd | undefined;
  const code = await reportingErrors(io, async () => {
    end = await run(flags, io);
    return end.code;
  });
  return end ?? { code };
}

async function run(flags: SetupFlags, io: Io): Promise<SetupEnd> {
  const answers = await answersOf(flags);
  const opened = await fileOf(flags, io);
  if (opened.kind === "opened") {
    assertPlaces(opened, flags, io);
    assertEditable(opened);
    assertNew(opened, answers);
    return await withDialogue(opened, answers, flags, io);
  }
  io.err(problemsText([opened.problem], io));
  return { code: EXIT.config };
}

/** Refuses a config that cannot be changed before the user has answered any question. */
function assertEditable({ file, text = "" }: OpenedConfig): void {
  if (text.trim() === "" || readTree(text).kind === "tree") return;
  const why = "it is no JSON with comments; run `barnacle config check`, which names the line";
  throw new StartError(`${printable(file)} cannot be changed: ${why}`, EXIT.config);
}

/** Refuses an example for a config that exists: its agents and channels would be another bot's. */
function assertNew({ file, text = "" }: OpenedConfig, { example }: AnswerFile): void {
  if (example === undefined || text.trim() === "") return;
  throw new StartError(
    `the example ${example} begins a new config, and ${printable(file)} exists; ` +
      "--config names another file",
    EXIT.usage,
  );
}

/** Refuses paths that could not be written at the end before the user has answered any question. */
function assertPlaces({ file }: OpenedConfig, flags: SetupFlags, io: Io): void {
  const config = flags.dryRun ? undefined : faultOfFile(resolve(file));
  if (config !== undefined) {
    throw new StartError(
      `the config ${printable(file)} cannot be written: ${config}; --config names another file`,
      EXIT.io,
    );
  }
  const folder = dataDirOf(flags.data, io);
  refuseDivided(folder);
  if (!isDataNamed(flags.data, io)) return;
  const data = faultOfFolder(folder);
  if (data === undefined) return;
  throw new StartError(
    `the data directory ${printable(folder)} cannot be used: ${data}; --data names another one`,
    EXIT.io,
  );
}

/** The config to change or to create. Root creates that of the machine's service. */
async function fileOf({ config }: SetupFlags, io: Io): Promise<ReturnType<typeof openConfig>> {
  if (config !== undefined && !existsSync(config)) return { kind: "opened", file: config };
  const opened = openConfig(config, io.env);
  if (opened.kind === "closed" || opened.text !== undefined) return opened;
  const offer = await createOwnCommands(io, { tell: io.err }).offer();
  const isMachines = "name" in offer && offer.isMachines;
  return isMachines ? { kind: "opened", file: offer.config } : opened;
}

async function withDialogue(
  opened: OpenedConfig,
  answers: AnswerFile,
  flags: SetupFlags,
  io: Io,
): Promise<SetupEnd> {
  const { hasTerminal, terminalDialogue } = await import("./ports/terminal.ts");
  const isAttended = hasTerminal() && !flags.yes && !flags.json;
  const dialogue = isAttended ? terminalDialogue(io.errStyle) : unattendedDialogue(io, flags.yes);
  const dataDir = dataDirOf(flags.data, io);
  const kept = isAttended ? openKeptAnswers(dataDir) : undefined;
  const api = apiOf(io.env);
  if ("problem" in api) throw new StartError(api.problem, EXIT.config);
  const ports: SetupPorts = {
    dialogue,
    given: givenAnswers(answers),
    env: io.env,
    style: io.errStyle,
    showsQr: isAttended && (process.stderr.columns ?? 80) >= QR_COLUMNS,
    openDiscord: (token) => createSetupDiscord(token, api.base),
    models: createModelPort(io.env),
    commands: createOwnCommands(io, dialogue),
    readSecret,
    sleep: (ms, signal) => sleep(ms, undefined, { signal }),
    elapsed: () => performance.now(),
    joinMs: flags.joinWait * 60_000,
  };
  if (isAttended) {
    dialogue.tell(
      "Barnacle setup, about two minutes. Nothing is written before the last step.\n" +
        "Escape goes back, Ctrl-C ends it and leaves nothing behind.",
    );
  }
  try {
    return await play(ports, kept, opened, answers, flags, io);
  } catch (error) {
    if (!(error instanceof DialogueEnd)) throw error;
    if (error.kind === "lost") return { code: EXIT.failed };
    kept?.remove();
    io.err("Stopped. Nothing was written.");
    return { code: EXIT.failed };
  } finally {
    dialogue.close();
  }
}

/** Runs step after step. */
async function play(
  ports: SetupPorts,
  kept: KeptAnswers | undefined,
  opened: OpenedConfig,
  { example }: AnswerFile,
  flags: SetupFlags,
  io: Io,
): Promise<SetupEnd> {
  const { dialogue } = ports;
  const isChanged = !dialogue.isInteractive || !opened.text?.trim() ||
    await dialogue.choose({
      key: "write",
      message: "There is a config already: change it, or start anew?",
      options: [{ value: true, label: "Change it" }, { value: false, label: "Start anew" }],
    });
  const base = isChanged ? opened : { ...opened, text: undefined };
  let state: SetupState = example === undefined ? {} : { example: { name: example } };
  const before: SetupState[] = [];
  let chapter = 0;
  for (;;) {
    const step = nextStep(state);
    const [number, title] = CHAPTERS[step];
    if (number !== chapter) dialogue.chapter(number, title);
    chapter = number;
    const asked = dialogue.asked();
    try {
      const answers = wholeAnswers(state);
      if (step === "write" && answers) {
        const planned = await planFiles(base, answers, io);
        if (flags.dryRun) {
          io.out(planned.text.trimEnd());
          kept?.remove();
          return { code: EXIT.done };
        }
        await writePlanned(planned, opened, ports, io);
        kept?.remove();
        const code = await checkWritten(opened.file, ports, io);
        if (code !== EXIT.done) return { code };
        const end = await finish(answers, base, ports, flags);
        const { file: config } = opened;
        const ok = end.code === EXIT.done;
        if (flags.json) io.out(JSON.stringify({ ok, config, start: end.start }));
        return end;
      }
      if (step === "write") throw new RangeError("A setup without a missing step lacks an answer");
      const answered = await STEPS[step](state, ports);
      const next = step === "token" ? await resumed(answered, kept, dialogue) : answered;
      if (dialogue.asked() > asked) before.push(state);
      state = next;
      kept?.keep(state);
    } catch (error) {
      if (!(error instanceof DialogueEnd) || error.kind !== "back") throw error;
      // The question before a step's second one is of the same step: the step begins again.
      const earlier = dialogue.asked() > asked + 1 ? undefined : before.pop();
      // The intents that the bot has switched on stay on.
      if (earlier) state = { ...earlier, bot: earlier.bot && state.bot };
    }
  }
}

/** The answers with those of a setup before, if the user wants them. */
async function resumed(
  state: SetupState,
  kept: KeptAnswers | undefined,
  dialogue: Dialogue,
): Promise<SetupState> {
  const known = state.bot && kept?.read(state.bot.applicationId);
  if (!known || !known.places && !known.owner && !known.model) return state;
  const isWanted = await dialogue.confirm({
    key: "write",
    message: "A setup of this bot was not finished. Go on with its answers?",
  });
  return isWanted ? { ...known, ...state, ...withExample(state, known) } : state;
}

/** The example of the kept answers, unless another one is wanted now: its channels are others. */
function withExample(
  { example }: SetupState,
  { example: before, places }: Partial<SetupState>,
): Pick<SetupState, "example" | "places"> {
  if (!example || example.name === before?.name) return { example: before };
  return { example, places: places?.map(({ id, name }) => ({ id, name })) };
}

/** The answers of the file and of the options; an option wins. */
async function answersOf(flags: SetupFlags): Promise<AnswerFile> {
  const { answers: path, example, tokenFile, server, channels, owner, model, dailyLimit } = flags;
  const options = Object.fromEntries(
    Object.entries({ example, tokenFile, server, channels, owner, model, dailyLimit })
      .filter(([, value]) => value !== undefined),
  );
  const isYes = flags.yes ? { intents: true, pull: true } : {};
  assertLimit(dailyLimit, "--daily-limit");
  if (path === undefined) return { ...isYes, ...options };
  const text = path === "-" ? await readStdin() : fileText(path);
  const parsed = await parseAnswers(text);
  const shown = path === "-" ? "stdin" : printable(path);
  if ("answers" in parsed) {
    assertLimit(parsed.answers.dailyLimit, `${shown}: dailyLimit`);
    return { ...isYes, ...parsed.answers, ...options };
  }
  throw new StartError(
    parsed.problems.map((problem) => `${shown}: ${printable(problem)}`).join("\n"),
    EXIT.usage,
  );
}

/** Refuses a wrong limit also for a model that costs nothing, for which nobody asks. */
function assertLimit(typed: string | number | undefined, place: string): void {
  const read = typed === undefined ? undefined : readLimit(String(typed));
  if (read && "problem" in read) throw new StartError(`${place}: ${read.problem}`, EXIT.usage);
}

function fileText(path: string): string {
  try {
    return readBounded(path, { maxBytes: FILE_MAX_BYTES, acceptsPipes: true });
  } catch (cause) {
    throw new StartError(
      `${printable(path)} cannot be read: ${whyUnreadable(cause)}`,
      EXIT.usage,
      cause,
    );
  }
}

async function readSecret(path: string): ReturnType<SetupPorts["readSecret"]> {
  if (path === "-") return { text: await readStdin() };
  try {
    const text = readBounded(path, { maxBytes: FILE_MAX_BYTES, acceptsPipes: true }).trim();
    const isOpen = process.platform !== "win32" && isReadByOthers(statSync(path));
    return { text, warning: isOpen ? OPEN_SECRET : undefined };
  } catch (cause) {
    return { problem: `it cannot be read: ${whyUnreadable(cause)}` };
  }
}

const OPEN_SECRET = "other users of this machine may read it; setup copies it to a file of mode " +
  "0600, so delete it afterwards";

/** Whether users beside the owner may read a file. A pipe's mode tells nothing. */
function isReadByOthers(stats: Stats): boolean {
  return stats.isFile() && (stats.mode & 0o044) !== 0;
}
