/**
 * Scripts, for tools: a sandbox with the attachments of the turn's message.
 *
 * @module
 */

import type { InboundMessage } from "../../core/inbound/inbound.ts";
import type { CodePort } from "../../core/turn/ports/code.ts";
import type { MediaFolder } from "../../media/folder.ts";
import type { CodeEnd, CodeJob } from "../../sandbox/evaluate.ts";

/** The dependencies of the port. */
export interface CodePortOptions {
  /** Runs a script in a process of its own. */
  readonly runCode: (job: CodeJob, signal: AbortSignal) => Promise<CodeEnd>;
  /** The bytes of an attachment by its name; `undefined` if the message has none of that name. */
  readonly readFile: (message: InboundMessage, name: string) => Promise<Uint8Array | undefined>;
}

/** Milliseconds that a script may run. */
const TIMEOUT_MS = 5_000;

/** Maximum bytes of all files of a script. */
const MAX_FILE_BYTES = 5_000_000;

/** Creates the port. */
export function createCodePort({ runCode, readFile }: CodePortOptions): CodePort {
  return {
    async run({ source, files: names }, message, signal) {
      const files: [name: string, text: string][] = [];
      let left = MAX_FILE_BYTES;
      for (const name of new Set(names)) {
        const bytes = await readFile(message, name);
        if (!bytes) {
          const size = `${MAX_FILE_BYTES / 1e6} MB`;
          throw new Error(
            `the message has no attachment ${JSON.stringify(name)} of at most ${size}`,
          );
        }
        left -= bytes.byteLength;
        if (left < 0) throw new Error(`the files are larger than ${MAX_FILE_BYTES / 1e6} MB`);
        files.push([name, textOf(bytes, name)]);
      }
      return await runCode(
        { source, files: Object.fromEntries(files), timeoutMs: TIMEOUT_MS },
        signal,
      );
    },
  };
}

/**
 * Reads an attachment of a message from the kept files: the turn has kept them before it calls a
 * tool.
 */
export async function readAttachment(
  media: Pick<MediaFolder, "list" | "read">,
  { id, attachments = [] }: InboundMessage,
  name: string,
): Promise<Uint8Array | undefined> {
  const announced = attachments.find((attachment) => attachment.name === name);
  const kept = announced && (await media.list(id)).find(({ fileId }) => fileId === announced.id);
  return kept && await media.read(kept, MAX_FILE_BYTES);
}

function textOf(bytes: Uint8Array, name: string): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new Error(`the file ${JSON.stringify(name)} is no text`, { cause });
  }
}
