/**
 * Decodes the files that people write: UTF-8, or UTF-16 as PowerShell's `>` and Notepad save it.
 *
 * These texts begin with an ASCII character, so a zero beside it shows UTF-16 without a mark.
 */

/** The text of a file. The byte order mark of UTF-16 is left out, and that of UTF-8 stays. */
export function decodedText(bytes: Uint8Array): string {
  const [first, second] = bytes;
  const encoding = first === 0xff && second === 0xfe || second === 0
    ? "utf-16le"
    : first === 0xfe && second === 0xff || first === 0
    ? "utf-16be"
    : undefined;
  try {
    if (encoding) return new TextDecoder(encoding, { fatal: true }).decode(bytes);
  } catch {
    // It is no UTF-16, either.
  }
  return new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes);
}
