/** Does parts of a setup by commands that Barnacle has: `service install` and `send`. */

import { homedir } from "node:os";
import { findDataDir } from "../../../host/files/data_dir.ts";
import { startedAs } from "../../../host/process/own_process.ts";
import { wordsOfCode } from "../../../lib/errors.ts";
import { printable } from "../../../lib/text/quoted.ts";
import { workspaceOf } from "../../../workspace/skill_library.ts";
import { send } from "../../delivery/exports.ts";
import { installService, serviceOffer, servicePaths } from "../../service/exports.ts";
import { EXIT, type ExitCode } from "../../../cli/shared/exit_code.ts";
import { readConfig } from "../../../cli/shared/read_config.ts";
import type { Io } from "../../../cli/terminal/io.ts";
import type { SetupPerson } from "../answers/state.ts";
import type { Dialogue } from "./dialogue.ts";
import { writeInstructions } from "./instructions.ts";

export interface OfferedService {
  readonly name: string;
  /** Whether it is the machine's, and not this user's. */
  readonly isMachines: boolean;
  readonly config: string;
  readonly dataDir: string;
}

export interface BotPlace {
  readonly config: string;
  /** Path of the data directory; absent: the usual one. */
  readonly data?: string;
}

/** Seconds in which Discord must take the greeting. */
const GREETING_SEC = 10;

/** A search for data would find the bots of other users, too. */
function ownDataDir({ env }: Pick<Io, "env">): string {
  return findDataDir({ env, home: homedir() });
}

export function createOwnCommands(io: Io, { tell }: Pick<Dialogue, "tell">) {
  return {
    /** The program as the person started it: `"./barnacle"`. */
    program: printable(startedAs()),
    /** The service of this machine, or why there is none. */
    async offer(): Promise<OfferedService | { readonly why: string }> {
      if (io.env["DISCORD_API_URL"]?.trim()) {
        return { why: "a service does not have DISCORD_API_URL of this shell" };
      }
      const offer = await serviceOffer(io);
      if ("why" in offer) return offer;
      const { target: name } = offer;
      const isMachines = name === "systemd";
      return { name, isMachines, ...servicePaths(name, io) };
    },
    /**
     * Installs and starts the service.
     *
     * @throws {StartError} If that fails.
     */
    install: (place: BotPlace, secrets: Readonly<Record<string, string>>): Promise<ExitCode> =>
      installService({ ...place, secrets, yes: true }, { ...io, out: tell }),
    /**
     * Writes the first agent's instructions into its workspace, unless it has some.
     *
     * @returns Their folder, or why there are none; `undefined` if it has some.
     */
    async instruct(
      { config, data }: BotPlace,
    ): Promise<{ readonly folder: string } | { readonly why: string } | undefined> {
      const loaded = await readConfig(config, io.env);
      const agent = loaded.kind === "loaded" ? loaded.config.agentList[0] : undefined;
      if (loaded.kind !== "loaded" || !agent) return { why: "the config is not valid" };
      const dataDir = data ?? ownDataDir(io);
      const folder = workspaceOf(loaded.config, agent, dataDir);
      try {
        return writeInstructions(folder, dataDir) ? { folder } : undefined;
      } catch (error) {
        return {
          why: wordsOfCode(error) ?? (error instanceof Error ? error.message : "unknown reason"),
        };
      }
    },
    /**
     * Sends a person a direct message through the outbox.
     *
     * @returns Why it was not sent; `undefined` if it was.
     */
    async greet(
      { id }: SetupPerson,
      text: string,
      { config, data }: BotPlace,
    ): Promise<string | undefined> {
      const problems: string[] = [];
      const quiet: Io = {
        ...io,
        out() {},
        err() {},
        problem: (message) => void problems.push(message),
        during: (_text, work) => work,
      };
      const dataDir = data ?? ownDataDir(io);
      const sent = await send(
        { config, data: dataDir, json: false, wait: GREETING_SEC },
        { target: `user:${id}`, text },
        quiet,
        () => Promise.resolve(""),
      );
      return sent === EXIT.done ? undefined : problems.join("; ") || "Discord does not answer";
    },
  };
}

export type OwnCommands = ReturnType<typeof createOwnCommands>;
