/** Offers the setup to a person who starts a bot without config and token. */

import { type CommonFlags } from "../../cli/shared/command.ts";
import type { Io } from "../../cli/terminal/io.ts";
import { DialogueEnd } from "./ports/dialogue.ts";
import { type SetupEnd } from "./finish.ts";
import { hasTerminal, terminalDialogue } from "./ports/terminal.ts";

/**
 * Asks, and runs the setup after a yes.
 *
 * @returns `undefined` after a no, or without a terminal.
 */
export async function offerSetup(flags: CommonFlags, io: Io): Promise<SetupEnd | undefined> {
  if (!hasTerminal() || flags.json) return undefined;
  const dialogue = terminalDialogue(io.errStyle);
  try {
    const message = "There is no config and no bot token yet. Set the bot up now?";
    if (!await dialogue.confirm({ message })) return undefined;
  } catch (error) {
    if (error instanceof DialogueEnd) return undefined;
    throw error;
  } finally {
    dialogue.close();
  }
  const { setUp } = await import("./setup.ts");
  const { config, data, json } = flags;
  return await setUp({ config, data, json, dryRun: false }, io);
}
