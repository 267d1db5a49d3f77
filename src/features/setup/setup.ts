/**
 * `barnacle setup`: asks for everything that a bot needs, tries each answer, and writes the config
 * (O3).
 *
 * The steps and their order are in `answers.ts`. This module runs them: Escape goes back to the question
 * before, and Ctrl-C ends the setup and leaves nothing behind.
 */

import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { resolve } from "node:path";
import process from "node:process";
import { checkAnywhere, openConfig, type OpenedConfig } from "../../cli/config/write.ts";
import type { CommonFlags } from "../../cli/shared/command.ts";
import { apiOf } from "../../cli/shared/discord.ts";
import { EXIT, type ExitCode, StartError } from "../../cli/shared/exit_code.ts";
import { checkConfig, problemsText } from "../../cli/shared/read_config.ts";
import { reportingErrors } from "../../cli/shared/start_error.ts";
import { dataDirOf, isDataNamed } from "../../cli/shared/store_access.ts";
import type { Io } from "../../cli/terminal/io.ts";
import { faultOfFile, faultOfFolder } from "../../host/files/write_file.ts";
import { ownCommand } from "../../host/process/own_process.ts";
import { printable } from "../../lib/text/quoted.ts";
import { openMachine } from "../service/machine.ts";
import {
  CHAPTERS,
  nextStep,
  presentIn,
  type SetupContext,
  type SetupState,
  type SetupStep,
  wholeAnswers,
} from "./answers.ts";
import { askCodeGrant, askIntents, askToken } from "./ask_bot.ts";
import { askLimit, askModel } from "./ask_model.ts";
import { askChannels, askOwner, askServers } from "./ask_places.ts";
import { DialogueEnd, hasTerminal, openDialogue } from "./dialogue.ts";
import { finish, offeredService, type SetupEnd, writeAnswers } from "./finish.ts";

export interface SetupFlags extends CommonFlags {
  /** Whether to print the config in place of writing it. */
  readonly dryRun: boolean;
}

/** Each step takes the answers so far, and returns more of them. */
const STEPS: Readonly<
  Record<
    Exclude<SetupStep, "write">,
    (state: SetupState, setup: SetupContext) => Promise<SetupState>
  >
> = {
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

/**
 * Offers the setup to a person who starts a bot without config and token, and runs it after a yes.
 *
 * @returns `undefined` after a no, or without a terminal.
 */
export async function offerSetup(flags: CommonFlags, io: Io): Promise<SetupEnd | undefined> {
  if (!hasTerminal() || flags.json) return undefined;
  const dialogue = openDialogue(io.errStyle);
  try {
    const message = "There is no config and no bot token yet. Set the bot up now?";
    if (!await dialogue.confirm({ message })) return undefined;
  } catch (error) {
    if (error instanceof DialogueEnd) return undefined;
    throw error;
  } finally {
    dialogue.close();
  }
  const { config, data, json } = flags;
  return await setUp({ config, data, json, dryRun: false }, io);
}

/**
 * Replaces this process by `barnacle run`, so that the bot has the terminal and its signals alone. On a system that cannot replace processes, it is a child.
 */
export async function runInstead(
  { config, data }: { readonly config: string; readonly data?: string },
  { env }: Io,
): Promise<ExitCode> {
  const { program, args } = ownCommand();
  const all = [...args, "run", "--config", config, ...data === undefined ? [] : ["--data", data]];
  const { execve } = process;
  if (execve && process.platform !== "win32") execve(program, [process.argv0, ...all], { ...env });
  const child = spawn(program, all, { env: { ...env }, stdio: "inherit" });
  const ignore = () => {}; // the terminal sends Ctrl-C to both; the bot decides
  process.on("SIGINT", ignore);
  const code = await new Promise<number>((resolve) => {
    child.once("error", () => resolve(EXIT.failed));
    child.once("close", (code) => resolve(code ?? EXIT.failed));
  });
  process.off("SIGINT", ignore);
  return Object.values(EXIT).find((one) => one === code) ?? EXIT.failed;
}

async function run(flags: SetupFlags, io: Io): Promise<SetupEnd> {
  const opened = await fileOf(flags, io);
  if (opened.kind === "closed") {
    io.err(problemsText([opened.problem], io));
    return { code: EXIT.config };
  }
  assertPlaces(opened, flags, io);
  // An invalid config is refused before the user has answered any question.
  const { file, text = "" } = opened;
  const loaded =
    await (text.trim() === "" ? checkConfig(undefined, {}) : checkAnywhere(file, text, io.env));
  if (loaded.kind === "refused") {
    io.err(problemsText(loaded.problems, io));
    return { code: EXIT.config };
  }
  if (!hasTerminal()) {
    throw new StartError(
      "setup asks its questions on a terminal; without one, write the config by hand " +
        "(docs/by-hand.md)",
      EXIT.usage,
    );
  }
  const api = apiOf(io.env);
  if ("problem" in api) throw new StartError(api.problem, EXIT.config);
  const dialogue = openDialogue(io.errStyle);
  const machine = openMachine(io.env);
  const setup = { io, dialogue, present: presentIn(loaded, io.env), api: api.base, machine };
  dialogue.tell(
    "Barnacle setup, about two minutes. Nothing is written before the last step.\n" +
      "Escape goes back, Ctrl-C ends it and leaves nothing behind.",
  );
  try {
    return await play(setup, opened, flags);
  } catch (error) {
    if (!(error instanceof DialogueEnd)) throw error;
    if (error.kind !== "lost") io.err("Stopped. Nothing was written.");
    return { code: EXIT.failed };
  } finally {
    dialogue.close();
  }
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
  const named = config ?? (io.env["BARNACLE_CONFIG"] || undefined);
  if (named !== undefined && !existsSync(named)) return { kind: "opened", file: named };
  const opened = openConfig(config, io.env);
  if (opened.kind === "closed" || opened.text !== undefined) return opened;
  const offer = await offeredService(io, openMachine(io.env));
  return offer?.target === "systemd" ? { kind: "opened", file: offer.config } : opened;
}

/** Runs step after step. */
async function play(
  setup: SetupContext,
  opened: OpenedConfig,
  flags: SetupFlags,
): Promise<SetupEnd> {
  const { dialogue, io } = setup;
  let state: SetupState = {};
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
        const code = await writeAnswers(answers, opened, setup, flags.dryRun);
        if (code !== undefined) return { code };
        const end = await finish(answers, opened, setup, flags);
        const { file: config } = opened;
        const ok = end.code === EXIT.done;
        if (flags.json) io.out(JSON.stringify({ ok, config, start: end.start }));
        return end;
      }
      if (step === "write") throw new RangeError("A setup without a missing step lacks an answer");
      const next = await STEPS[step](state, setup);
      if (dialogue.asked() > asked) before.push(state);
      state = next;
    } catch (error) {
      if (!(error instanceof DialogueEnd) || error.kind !== "back") throw error;
      // The question before a step's second one is of the same step: the step begins again.
      const earlier = dialogue.asked() > asked + 1 ? undefined : before.pop();
      // The intents that the bot has switched on stay on.
      if (earlier) state = { ...earlier, bot: earlier.bot && state.bot };
    }
  }
}
