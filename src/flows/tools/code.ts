/** Scripts, for tools: a sandbox with the attachments of the turn's messages. */

import type { UserId } from "../../core/discord/ids.ts";
import { FileError } from "../../core/turn/media.ts";
import type { ScriptEnd } from "../../core/skills/skill_tool.ts";
import type { CodePort } from "../../core/turn/ports/host.ts";
import type { FindFile } from "../media/find_files.ts";
import { badArguments } from "../../core/refused_call.ts";
import { decodeText } from "../../lib/text/encoding.ts";

/** Milliseconds that a script may run. */
const TIMEOUT_MS = 5_000;

/** Maximum bytes of all files of a script. */
const MAX_FILE_BYTES = 5_000_000;

export function createCodePort({ runCode, readFile }: {
  /** Runs a script in a process of its own. */
  readonly runCode: (
    job: {
      readonly source: string;
      readonly files: Readonly<Record<string, string>>;
      readonly timeoutMs: number;
    },
    signal: AbortSignal,
    by?: UserId,
  ) => Promise<ScriptEnd>;
  /** Reads an attachment of the messages and of their quotes. */
  readonly readFile: FindFile;
}): CodePort {
  return {
    async run({ source, files: names }, messages, signal) {
      const files: [name: string, text: string][] = [];
      let left = MAX_FILE_BYTES;
      for (const name of new Set(names)) {
        const bytes = await readFile(messages, name, signal).catch((error: unknown) => {
          if (!(error instanceof FileError)) throw error;
          throw new Error(`cannot read the file ${JSON.stringify(name)}: ${error.message}`);
        });
        if (!bytes) throw badArguments(`the message has no attachment ${JSON.stringify(name)}`);
        left -= bytes.byteLength;
        if (left < 0) throw badArguments(`the files are larger than ${MAX_FILE_BYTES / 1e6} MB`);
        const text = decodeText(bytes);
        if (text === undefined) throw new Error(`the file ${JSON.stringify(name)} is no text`);
        files.push([name, text]);
      }
      return await runCode(
        { source, files: Object.fromEntries(files), timeoutMs: TIMEOUT_MS },
        signal,
        messages[0]?.sender.id,
      );
    },
  };
}
