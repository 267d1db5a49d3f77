/**
 * Decodes text files.
 *
 * @module
 */

/** Characters that no text file has, except tabs, line breaks, form feeds and escapes. */
// deno-lint-ignore no-control-regex
const BINARY = /[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]/g;

/** Share of such characters from which a file counts as binary. */
const MAX_BINARY = 0.002;

/**
 * Decodes a file: UTF-8, UTF-16 with its mark, or else Windows-1252, which spreadsheets still write.
 *
 * @returns `undefined` if it is no text.
 */
export function decodeText(bytes: Uint8Array): string | undefined {
  const [first, second] = bytes;
  if (first === 0xff && second === 0xfe) return decode("utf-16le", bytes);
  if (first === 0xfe && second === 0xff) return decode("utf-16be", bytes);
  const text = decode("utf-8", bytes) ?? decode("windows-1252", bytes);
  if (text === undefined) return undefined;
  const binary = text.match(BINARY)?.length ?? 0;
  return text.includes("\0") || binary / text.length > MAX_BINARY ? undefined : text;
}

function decode(encoding: string, bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder(encoding, { fatal: true }).decode(bytes);
  } catch {
    return undefined; // a TypeError means that it is not in this encoding
  }
}
