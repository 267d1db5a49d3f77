/**
 * Reads a file of a turn by its name, for tools.
 *
 * @module
 */

import type { InboundMessage } from "../../core/inbound/inbound.ts";
import { filesOf, ownerOf, type ReadFilesPorts } from "./read_files.ts";

/**
 * Reads a file of some messages, or of their quotes. Of several with one name, it reads that of the
 * last message, and the message's own before that of its quote.
 *
 * @returns `undefined` if there is no such file.
 * @throws {FileError} If it cannot be read; or the signal's reason.
 */
export type FindFile = (
  messages: readonly InboundMessage[],
  name: string,
  signal: AbortSignal,
) => Promise<Uint8Array | undefined>;

/** Creates the reading. A file comes from the disk; from Discord only if it is not kept. */
export function createFindFile(
  { media, maxBytes }: {
    readonly media: Pick<ReadFilesPorts["media"], "get">;
    readonly maxBytes: () => number;
  },
): FindFile {
  return async (messages, name, signal) => {
    const [found] = messages.toReversed().flatMap((message) =>
      filesOf(message)
        .filter(({ attachment }) => attachment.name === name)
        .toSorted((one, other) => rank(one) - rank(other))
        .map((file) => ({ ...file, message }))
    );
    if (!found) return undefined;
    const { message, attachment, owner } = found;
    const { bytes } = await media.get(ownerOf(message, owner), attachment, maxBytes(), signal);
    return bytes;
  };
}

function rank({ owner }: ReturnType<typeof filesOf>[number]): number {
  return owner === "message" ? 0 : 1;
}
