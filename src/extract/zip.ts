/**
 * Reads parts of a zip archive, as office files are, within limits (SEC-R25).
 *
 * The archive is inflated in small pieces, and each piece is counted before the next one. So it
 * does not matter which sizes its headers claim. Parts that no caller asks for are never inflated.
 */

import { Unzip, UnzipInflate } from "fflate";
import {
  MAX_ENTRIES,
  MAX_INFLATED_BYTES,
  MAX_RATIO,
  MAX_RATIO_SO_FAR,
  RATIO_FREE_BYTES,
  UnreadableError,
} from "./limits.ts";

export interface PartReader {
  /** Takes the next piece. Throws to refuse the archive. */
  write(bytes: Uint8Array): void;
  end(): void;
}

/**
 * Bytes of the archive that are inflated at once: a bomb makes at most a thousand times as many of
 * them, 4 MB.
 */
const PIECE_BYTES = 4_096;

/**
 * Reads an archive once.
 *
 * @param choose Returns the reader of the part with this name; `undefined` skips it. Of several
 * parts with one name, only the first is read.
 * @throws {UnreadableError} If the archive is beyond a limit, or damaged; or a reader's error.
 */
export function readZip(
  archive: Uint8Array,
  choose: (name: string) => PartReader | undefined,
): void {
  const seen = new Set<string>();
  let entries = 0;
  let total = 0;
  let open = 0;
  let pieceEnd = 0;
  let failure: Error | undefined;
  const unzip = new Unzip((file) => {
    entries += 1;
    if (entries > MAX_ENTRIES) {
      throw new UnreadableError(`the archive has more than ${MAX_ENTRIES} parts`);
    }
    if (seen.has(file.name)) return;
    seen.add(file.name);
    const reader = choose(file.name);
    if (!reader) return;
    open += 1;
    let size = 0;
    const partStart = pieceEnd - PIECE_BYTES;
    file.ondata = (error, bytes, isLast) => {
      if (error) {
        failure = error;
        return;
      }
      size += bytes.length;
      total += bytes.length;
      const compressed = Math.max(1, file.size ?? archive.length);
      const isFar = size / compressed > MAX_RATIO ||
        size / (pieceEnd - partStart) > MAX_RATIO_SO_FAR;
      if (total > MAX_INFLATED_BYTES || (size > RATIO_FREE_BYTES && isFar)) {
        throw new UnreadableError("the archive is far larger than the file says: a zip bomb");
      }
      reader.write(bytes);
      if (!isLast) return;
      open -= 1;
      reader.end();
    };
    file.start();
  });
  unzip.register(UnzipInflate);
  try {
    for (let from = 0; from < archive.length; from += PIECE_BYTES) {
      const to = from + PIECE_BYTES;
      pieceEnd = to;
      unzip.push(archive.subarray(from, to), to >= archive.length);
      if (failure) throw failure;
    }
  } catch (error) {
    if (error instanceof UnreadableError) throw error;
    throw new UnreadableError("the file is damaged", { cause: error });
  }
  if (open > 0) throw new UnreadableError("the file is damaged");
}
