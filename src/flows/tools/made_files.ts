/** Scripts and drawn images of tools: within budgets, and with the attachments of the asker alone. */

import { chargeOf, usedBy } from "../../core/spending/budget.ts";
import type { ModelUsage } from "../../core/model.ts";
import { badArguments, RefusedCall } from "../../core/turn/tool.ts";
import type { ScriptEnd } from "../../core/skills/skill.ts";
import { FileError } from "../../core/turn/media.ts";
import type { DiscordCall } from "../../core/turn/discord_place.ts";
import { decodeForeignText } from "../../lib/text/encoding.ts";
import { filesOf, findFile, messagesOfAsker } from "../media/files.ts";
import { spendOf } from "../limits.ts";

/** Milliseconds that a script may run. */
const TIMEOUT_MS = 5_000;

/** Maximum bytes of all files of a script. */
const MAX_FILE_BYTES = 5_000_000;

/**
 * Runs a script in a sandbox, with limits of time and memory.
 *
 * @param names Attachments of the asker's messages, as the model wrote their names.
 * @throws {Error} If a file cannot be read, or the sandbox fails, with the reason for the model.
 */
export async function runScript(
  source: string,
  names: readonly string[],
  call: DiscordCall,
): Promise<ScriptEnd> {
  const { account, message, signal } = call;
  const files: [name: string, text: string][] = [];
  let left = MAX_FILE_BYTES;
  for (const name of new Set(names)) {
    const bytes = await findFile(account, messagesOfAsker(call), name, signal).catch(
      (error: unknown) => {
        if (!(error instanceof FileError)) throw error;
        throw new Error(`cannot read the file ${JSON.stringify(name)}: ${error.message}`);
      },
    );
    if (!bytes) throw badArguments(`the message has no attachment ${JSON.stringify(name)}`);
    left -= bytes.byteLength;
    if (left < 0) throw badArguments(`the files are larger than ${MAX_FILE_BYTES / 1e6} MB`);
    const text = decodeForeignText(bytes);
    if (text === undefined) throw new Error(`the file ${JSON.stringify(name)} is no text`);
    files.push([name, text]);
  }
  const job = { source, files: Object.fromEntries(files), timeoutMs: TIMEOUT_MS };
  return await account.bot.toolServices.runCode(job, signal, message.sender.id);
}

export interface Drawing {
  /** `"<provider>/<model>"`. */
  readonly modelId: string;
  /**
   * Draws an image.
   *
   * @throws {FileError} If there is none; or the signal's reason.
   */
  readonly draw: (
    prompt: string,
    signal: AbortSignal,
  ) => Promise<{ readonly bytes: Uint8Array; readonly usage: ModelUsage }>;
}

/**
 * Draws an image, and keeps it for the reply of the message's turn.
 *
 * @returns Id of the image: digits.
 * @throws {Error} If a budget is spent, or if there is no image, with the reason for the model.
 */
export async function drawImage(
  prompt: string,
  { account, agentId, message, signal }: DiscordCall,
): Promise<string> {
  const { now, settings: { drawing } } = account;
  if (!drawing) throw new Error("no model draws here");
  const spend = spendOf(account);
  const used = usedBy(message, agentId);
  if (await spend.check(used, "image")) {
    throw new RefusedCall("budget", "today's budget is used up");
  }
  const startedAt = now();
  try {
    const { bytes, usage } = await drawing.draw(prompt, signal);
    const ms = Math.max(0, now() - startedAt);
    spend.record(chargeOf(usage, drawing.modelId, "image", used, ms, now()));
    return await filesOf(account).drawings.keep(message, bytes);
  } catch (error) {
    if (!(error instanceof FileError)) throw error;
    throw new Error(`no image: ${error.message}`, { cause: error });
  }
}
