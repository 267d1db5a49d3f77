/**
 * Decodes text files. Programs of other countries and times still write code pages, and `tail -c`
 * cuts a character. A package for this would read short tables of names wrongly, which are usual here.
 */

/** Characters that no text file has, except tabs, line breaks, form feeds and escapes. */
// deno-lint-ignore no-control-regex
const BINARY = /[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]/g;

/** Share of such characters from which a file counts as binary. One alone is damage. */
const MAX_BINARY = 0.002;

/**
 * Decodes a file: UTF-8, UTF-16 with its mark, the code page that its words suggest, or else
 * Windows-1252, which spreadsheets still write.
 *
 * @returns `undefined` if it is no text.
 */
export function decodeText(bytes: Uint8Array): string | undefined {
  const [first, second] = bytes;
  if (first === 0xff && second === 0xfe) return decode("utf-16le", bytes);
  if (first === 0xfe && second === 0xff) return decode("utf-16be", bytes);
  const text = mostlyUtf8(bytes) ?? new TextDecoder(codePageOf(bytes)).decode(bytes);
  let room = Math.max(1, text.length * MAX_BINARY); // not all at once: they may be millions
  for (const _ of text.matchAll(BINARY)) if (--room < 0) return bareUtf16(bytes);
  return text.replaceAll("\0", "\ufffd");
}

/** UTF-16 without its mark: it has blanks, and no other reading is text. */
function bareUtf16(bytes: Uint8Array): string | undefined {
  return ["utf-16le", "utf-16be"].map((label) => decode(label, bytes))
    .find((text) => text && /[ \n]/.test(text) && text.search(BINARY) < 0);
}

/** Decodes a file that begins with ASCII: UTF-8 with its mark, or UTF-16, as PowerShell's `>` saves. */
export function decodedText(bytes: Uint8Array): string {
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

/** Code pages, the more usual ones first, and the bytes of words in each as Latin-1. */
const CODE_PAGES: readonly (readonly [label: string, words: RegExp])[] = [
  // Latin letters stand beside ASCII ones; Cyrillic words have none, and one case after the first.
  [
    "windows-1251",
    /(?<![A-Za-z_À-ÿ])(?:[À-ÿ¨¥ª¯²³´º¿][à-ÿ¸³´º¿]+|[À-ß¨¥ª¯²]{2,})(?![A-Za-z_À-ÿ])/g,
  ],
  // Greek words have accents where Cyrillic has capitals, and no "а" or "я" of Cyrillic.
  ["windows-1253", /(?<![A-Za-z_À-ÿ])[¢¸-º¼¾¿Á-ßá-þ][Ü-ßá-þ]+(?![A-Za-z_À-ÿ])/g],
  ["koi8-u", /(?<![A-Za-z_À-ÿ])(?:[À-ÿ£-§\xad³-·½][À-ß£-§\xad]+|[à-ÿ³-·½]{2,})(?![A-Za-z_À-ÿ])/g],
  ["ibm866", /(?<![A-Za-z_\x80-\xff])[\x80-¯à-ñ][\xa0-¯à-ïñ]+(?![A-Za-z_\x80-\xff])/g],
  ["shift_jis", /(?:[\x81-\x83\x88-\x9f\xe0-\xea][\x40-\x7e\x80-\xfc]){2,}/g],
  ["euc-kr", /(?<![\x80-\xff])(?:[\xa1-\xa3\xb0-\xc8][\xa1-\xfe]){2,}(?![\x80-\xff])/g],
  ["gb18030", /(?<![\x80-\xff])(?:[\xa1-\xa3\xb0-\xf7][\xa1-\xfe]){2,}(?![\x80-\xff])/g],
  ["euc-jp", /(?<![\x80-\xff])(?:[\xa1-\xa5\xb0-\xf4][\xa1-\xfe]){2,}(?![\x80-\xff])/g],
];

/** Bytes that tell the code page, and their share in such words. */
const SAMPLE_BYTES = 100_000;
const LEAST_SHARE = 0.6;
/** Fewer bytes tell none: `ÀÉÈ` and `§ 5 Abs. 2 ÖÄ` are Western. */
const LEAST_BYTES = 4;

function codePageOf(bytes: Uint8Array): string {
  const sample = Array.from(bytes.subarray(0, SAMPLE_BYTES), (one) => String.fromCharCode(one))
    .join("");
  const beyondAscii = (text: string) => text.replace(/[\0-\x7f]+/g, "").length;
  const least = beyondAscii(sample) * LEAST_SHARE;
  let best = { label: "windows-1252", score: Math.max(least, LEAST_BYTES - 1) };
  for (const [label, words] of CODE_PAGES) {
    const score = beyondAscii(sample.match(words)?.join("") ?? "");
    if (score > best.score) best = { label, score };
  }
  return best.label;
}
