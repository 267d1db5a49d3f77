/**
 * Reads the envelope of a payload — `op`, `t`, `s` — without parsing what is in it.
 *
 * Most dispatches are of types that nobody uses. Discord writes the envelope
 * before `d`, so a scan of the first few bytes tells which (0.1 µs against 2 µs
 * for the whole). It walks key by key from the opening brace and stops at `d`:
 * what people write, `"t":` included, is never looked at. Any other order is
 * left to the parser.
 *
 * @module
 */

export interface Envelope {
  readonly op: number;
  /** Type of a dispatch. */
  readonly t?: string;
  /** Sequence number of a dispatch. */
  readonly s?: number;
}

/** One `"key":value,` of the envelope; strings with escapes are for the parser. */
const FIELD = /\s*"(t|s|op)"\s*:\s*(?:"([A-Z_]*)"|(\d+)|null)\s*,/y;
const OPENING = /^\s*\{/;
const START_OF_DATA = /\s*"d"\s*:/y;

/** An envelope of a dispatch as Discord writes it. */
const USUAL = /^\{"t":"([A-Z_]*)","s":(\d+),"op":(\d+),"d":/;

/** @returns `undefined` where the envelope does not come first, or is none. */
export function scanEnvelope(text: string): Envelope | undefined {
  const usual = USUAL.exec(text);
  if (!usual) return scanFields(text);
  const [, t = "", s, op] = usual;
  return { op: Number(op), t, s: Number(s) };
}

function scanFields(text: string): Envelope | undefined {
  const opening = OPENING.exec(text);
  if (!opening) return undefined;
  let at = opening[0].length;
  let op: number | undefined;
  let t: string | undefined;
  let s: number | undefined;
  let seen = 0;
  for (;;) {
    FIELD.lastIndex = at;
    const field = FIELD.exec(text);
    if (!field) break;
    const [, key, word, digits] = field;
    if (key === "op" && digits !== undefined) op = Number(digits);
    if (key === "s" && digits !== undefined) s = Number(digits);
    if (key === "t" && word !== undefined) t = word;
    at = FIELD.lastIndex;
    seen++;
  }
  START_OF_DATA.lastIndex = at;
  if (op === undefined || seen !== 3 || !START_OF_DATA.test(text)) return undefined;
  return { op, ...(t !== undefined && { t }), ...(s !== undefined && { s }) };
}

/** A payload that was parsed: its envelope and what is in it. */
export interface Payload extends Envelope {
  readonly d: unknown;
}

/** @returns `undefined` if the text is no payload of the gateway. */
export function parsePayload(text: string): Payload | undefined {
  const value = parseJson(text);
  if (typeof value !== "object" || value === null || !("op" in value)) return undefined;
  const { op } = value;
  if (typeof op !== "number" || !Number.isSafeInteger(op)) return undefined;
  const t = "t" in value ? value.t : undefined;
  const s = "s" in value ? value.s : undefined;
  return {
    op,
    ...(typeof t === "string" && { t }),
    ...(typeof s === "number" && Number.isSafeInteger(s) && { s }),
    d: "d" in value ? value.d : undefined,
  };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // its message quotes the text, which may hold people's words
  }
}
