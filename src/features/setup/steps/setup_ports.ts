/** Declares the ports that each step of a setup gets: its user, Discord, models and this machine. */

import type { Env } from "../../../lib/env.ts";
import type { Dialogue } from "../ports/dialogue.ts";
import type { SetupDiscord } from "../ports/discord_port.ts";
import type { ModelPort } from "../ports/model_port.ts";
import type { OwnCommands } from "../ports/own_commands.ts";
import type { Present } from "../answers/present.ts";
import type { SetupState } from "../answers/state.ts";

export interface SetupPorts {
  readonly dialogue: Dialogue;
  /** Channels of the command line, by name, server/name or id; or `all`. Absent: not given. */
  readonly channels: readonly string[] | undefined;
  /** The answers of the config that exists. */
  readonly present: Present;
  readonly env: Env;
  openDiscord(token: string): SetupDiscord;
  readonly models: ModelPort;
  readonly commands: OwnCommands;
}

/** One step: takes the answers so far, and returns more of them. */
export type RunStep = (state: SetupState, ports: SetupPorts) => Promise<SetupState>;

/** Asks Discord once, with a line about it. */
export function askDiscord<Result>(
  ports: SetupPorts,
  state: SetupState,
  task: (discord: SetupDiscord) => Promise<Result>,
): Promise<Result> {
  return ports.dialogue.during("Asking Discord", () => withDiscord(ports, state, task));
}

/** Runs a task with Discord, and closes it afterwards. */
export async function withDiscord<Result>(
  { openDiscord }: SetupPorts,
  { token = "" }: SetupState,
  task: (discord: SetupDiscord) => Promise<Result>,
): Promise<Result> {
  const discord = openDiscord(token);
  try {
    return await task(discord);
  } finally {
    discord.stop();
  }
}
