/** Decodes text files. `tail -c` cuts a character, and old programs write other encodings than UTF-8. */

/** Characters that no text file has, except tabs, line breaks, form feeds and escapes. */
// deno-lint-ignore no-control-regex
const BINARY = /[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]/g;

/** Share of such characters from which a file counts as binary. One alone is damage. */
const MAX_BINARY = 0.002;

/**
 * Decodes a file of anyone: UTF-8, UTF-16, or else Windows-1252, which spreadsheets still write.
 *
 * @returns `undefined` if it is no text.
 */
export function decodeForeignText(bytes: Uint8Array): string | undefined {
  const [first, second] = bytes;
  if (first === 0xff && second === 0xfe) return decode("utf-16le", bytes);
  if (first === 0xfe && second === 0xff) return decode("utf-16be", bytes);
  const text = mostlyUtf8(bytes) ?? new TextDecoder("windows-1252").decode(bytes);
  let room = Math.max(1, text.length * MAX_BINARY); // not all at once: they may be millions
  for (const _ of text.matchAll(BINARY)) if (--room < 0) return bareUtf16(bytes);
  return text.replaceAll("\0", "\ufffd");
}

/** UTF-16 without its mark: it has blanks, and no other reading is text. */
function bareUtf16(bytes: Uint8Array): string | undefined {
  return ["utf-16le", "utf-16be"].map((label) => decode(label, bytes))
    .find((text) => text && /[ \n]/.test(text) && text.search(BINARY) < 0);
}

/**
 * Decodes a file of the operator's, which begins with ASCII: UTF-8 with its mark, or UTF-16, as
 * PowerShell's `>` saves.
 */
export function decodeOwnText(bytes: Uint8Array): string {
  const [first, second] = bytes;
  const encoding = first === 0xff && second === 0xfe || second === 0
    ? "utf-16le"
    : first === 0xfe && second === 0xff || first === 0
    ? "utf-16be"
    : undefined;
  return (encoding && decode(encoding, bytes)) ??
    new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes);
}

function decode(encoding: string, bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder(encoding, { fatal: true }).decode(bytes);
  } catch {
    return undefined; // a TypeError means that it is not in this encoding
  }
}

/** UTF-8 that has as many characters beyond ASCII as wrong bytes: others have them by chance alone. */
function mostlyUtf8(bytes: Uint8Array): string | undefined {
  const whole = decode("utf-8", bytes);
  if (whole !== undefined) return whole;
  const text = new TextDecoder().decode(bytes);
  const broken = text.split("\ufffd").length - 1;
  return broken <= text.replace(/[\0-\x7f\ufffd]+/g, "").length ? text : undefined;
}
