/** Declares the ports that each step of a setup gets: its user, Discord, models and this machine. */

import type { Env } from "../../../lib/env.ts";
import { type ExitCode, StartError } from "../../../cli/shared/exit_code.ts";
import type { Style } from "../../../cli/terminal/style.ts";
import type { Dialogue } from "../ports/dialogue.ts";
import type { SetupDiscord } from "../ports/discord_port.ts";
import type { GivenAnswers } from "../answers/given_answers.ts";
import type { ModelPort } from "../ports/model_port.ts";
import type { OwnCommands } from "../ports/own_commands.ts";
import type { SetupState } from "../answers/state.ts";

export interface SetupPorts {
  readonly dialogue: Dialogue;
  /** Answers of the command line and of the file of answers; each is used once. */
  readonly given: GivenAnswers;
  readonly env: Env;
  readonly style: Style;
  /** Whether the terminal has room for a QR code. */
  readonly showsQr: boolean;
  openDiscord(token: string): SetupDiscord;
  readonly models: ModelPort;
  readonly commands: OwnCommands;
  /** Reads a secret from a file, or from stdin for `-`; a problem is a text for the user. */
  readSecret(path: string): Promise<
    { readonly text: string; readonly warning?: string } | { readonly problem: string }
  >;
  /** Resolves after so many milliseconds; rejects if the signal is aborted first. */
  sleep(ms: number, signal: AbortSignal): Promise<void>;
  /** Milliseconds to wait for the bot to join a server. */
  readonly joinMs: number;
  /** Milliseconds of a clock that never goes back. */
  elapsed(): number;
}

/** One step: takes the answers so far, and returns more of them. */
export type RunStep = (state: SetupState, ports: SetupPorts) => Promise<SetupState>;

/**
 * Says that an answer is wrong, so that the user gives another one.
 *
 * @throws {StartError} Without a person to ask.
 */
export function reject(
  { dialogue }: Pick<SetupPorts, "dialogue">,
  problem: string,
  code: ExitCode,
): void {
  if (!dialogue.isInteractive) throw new StartError(problem, code);
  dialogue.fail(problem);
}

/** Runs a task with Discord, and closes it afterwards. */
export async function withDiscord<Result>(
  { openDiscord }: Pick<SetupPorts, "openDiscord">,
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
