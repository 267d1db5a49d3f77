/**
 * `barnacle setup`: asks for everything that a bot needs, tries each answer, and writes the config
 * (O3).
 *
 * The steps and their order are in `state.ts`. This module runs them: Escape goes back to the question
 * before, and Ctrl-C ends the setup and leaves nothing behind.
 */

import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { faultOfFile, faultOfFolder } from "../../host/files/write_file.ts";
import { printable } from "../../lib/text/quoted.ts";
import { type Present, presentIn } from "./answers/present.ts";
import type { Loaded } from "../../config/load.ts";
import { checkAnywhere, openConfig, type OpenedConfig } from "../../cli/config/write.ts";
import type { CommonFlags } from "../../cli/shared/command.ts";
import { apiOf } from "../../cli/shared/discord.ts";
import { EXIT, StartError } from "../../cli/shared/exit_code.ts";
import { checkConfig, problemsText } from "../../cli/shared/read_config.ts";
import { reportingErrors } from "../../cli/shared/start_error.ts";
import { dataDirOf, isDataNamed } from "../../cli/shared/store_access.ts";
import type { Io } from "../../cli/terminal/io.ts";
import type { RunStep, SetupPorts } from "./steps/setup_ports.ts";
import { type Dialogue, DialogueEnd } from "./ports/dialogue.ts";
import { createSetupDiscord } from "./ports/discord_port.ts";
import { checkWritten, finish, planFiles, type SetupEnd, writePlanned } from "./finish.ts";
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
import { askLimit } from "./steps/ask_limit.ts";
import { askModel } from "./steps/ask_model.ts";
import { askOwner } from "./steps/ask_owner.ts";
import { askChannels } from "./steps/ask_channels.ts";
import { askServers } from "./steps/ask_server.ts";

export interface SetupFlags extends CommonFlags {
  /** The example that the config begins with. */
  readonly example?: ExampleName;
  /** `all`, or names or ids of channels. */
  readonly channels?: readonly string[];
  /** Whether to print the config in place of writing it. */
  readonly dryRun: boolean;
}

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
  const opened = await fileOf(flags, io);
  if (opened.kind === "opened") {
    assertPlaces(opened, flags, io);
    assertNew(opened, flags);
    const loaded = await readWritten(opened, io);
    if (loaded.kind === "refused") {
      io.err(problemsText(loaded.problems, io));
      return { code: EXIT.config };
    }
    const { hasTerminal, terminalDialogue } = await import("./ports/terminal.ts");
    if (!hasTerminal()) {
      throw new StartError(
        "setup asks its questions on a terminal; without one, write the config by hand " +
          "(docs/by-hand.md)",
        EXIT.usage,
      );
    }
    const present = presentIn(loaded, io.env);
    return await withDialogue(opened, present, terminalDialogue(io.errStyle), flags, io);
  }
  io.err(problemsText([opened.problem], io));
  return { code: EXIT.config };
}

/** The config that exists; an invalid one is refused before the user has answered any question. */
function readWritten({ file, text = "" }: OpenedConfig, { env }: Io): Promise<Loaded> {
  return text.trim() === "" ? checkConfig(undefined, {}) : checkAnywhere(file, text, env);
}

/** Refuses an example for a config that exists: its agents and channels would be another bot's. */
function assertNew({ file, text = "" }: OpenedConfig, { example }: SetupFlags): void {
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
  const offer = await createOwnCommands(io, io.err).offer();
  const isMachines = "name" in offer && offer.isMachines;
  return isMachines ? { kind: "opened", file: offer.config } : opened;
}

async function withDialogue(
  opened: OpenedConfig,
  present: Present,
  dialogue: Dialogue,
  flags: SetupFlags,
  io: Io,
): Promise<SetupEnd> {
  const api = apiOf(io.env);
  if ("problem" in api) throw new StartError(api.problem, EXIT.config);
  const ports: SetupPorts = {
    dialogue,
    channels: flags.channels,
    present,
    env: io.env,
    openDiscord: (token) => createSetupDiscord(token, api.base),
    models: createModelPort(io.env),
    commands: createOwnCommands(io, dialogue.tell),
  };
  dialogue.tell(
    "Barnacle setup, about two minutes. Nothing is written before the last step.\n" +
      "Escape goes back, Ctrl-C ends it and leaves nothing behind.",
  );
  try {
    return await play(ports, opened, flags, io);
  } catch (error) {
    if (!(error instanceof DialogueEnd)) throw error;
    if (error.kind === "lost") return { code: EXIT.failed };
    io.err("Stopped. Nothing was written.");
    return { code: EXIT.failed };
  } finally {
    dialogue.close();
  }
}

/** Runs step after step. */
async function play(
  ports: SetupPorts,
  opened: OpenedConfig,
  flags: SetupFlags,
  io: Io,
): Promise<SetupEnd> {
  const { dialogue } = ports;
  const { example } = flags;
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
        const planned = await planFiles(opened, answers, ports.present, io);
        if (flags.dryRun) {
          io.out(planned.text.trimEnd());
          return { code: EXIT.done };
        }
        await writePlanned(planned, ports, io);
        const code = await checkWritten(opened.file, ports, io);
        if (code !== EXIT.done) return { code };
        const end = await finish(answers, opened, ports, flags);
        const { file: config } = opened;
        const ok = end.code === EXIT.done;
        if (flags.json) io.out(JSON.stringify({ ok, config, start: end.start }));
        return end;
      }
      if (step === "write") throw new RangeError("A setup without a missing step lacks an answer");
      const next = await STEPS[step](state, ports);
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
