/** Computes the checksums of a backup's files while they are written or read. */

import { createHash } from "node:crypto";

/** A file whose content passes a hash. `digest()` is right once the content is used up. */
export function hashing<
  File extends { readonly content: AsyncIterable<Uint8Array> | Iterable<Uint8Array> },
>(
  file: File,
): Omit<File, "content"> & { readonly content: AsyncIterable<Uint8Array>; digest(): string } {
  const hash = createHash("sha256");
  async function* content() {
    for await (const chunk of file.content) {
      hash.update(chunk);
      yield chunk;
    }
  }
  return { ...file, content: content(), digest: () => hash.digest("hex") };
}

/** A line of the list of checksums, as `sha256sum` writes it. */
export function sumLine(path: string, sum: string): string {
  return `${sum}  ${path}\n`;
}
