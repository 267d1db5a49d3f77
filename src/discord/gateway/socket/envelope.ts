/**
 * Reads the envelope of a payload (`op`, `t`, `s`) without parsing its data.
 *
 * Barnacle uses few types of dispatches. Discord writes the envelope before `d`, so a scan of the
 * first few bytes finds the type (0.1 µs against 2 µs for parsing all). The scan walks key by key
 * from the opening brace and stops at `d`. So it never reads message text, even text that contains
 * `"t":`. A payload with any other order is parsed.
 *
 * @module
 */

import { parseForeignJson } from "../../../lib/text/json.ts";

/** The fields of a payload beside its data. */
export interface Envelope {
  /** The opcode. */
  readonly op: number;
  /** Type of a dispatch; absent for other opcodes. */
  readonly t?: string;
  /** Sequence number of a dispatch; absent for other opcodes. */
  readonly s?: number;
}

/** One `"key":value,` of the envelope. Strings with escapes do not match: they are parsed. */
const FIELD = /\s*"(t|s|op)"\s*:\s*(?:"([A-Z_]*)"|(\d+)|null)\s*,/y;
const OPENING = /^\s*\{/;
const START_OF_DATA = /\s*"d"\s*:/y;

/** The start of a dispatch whose fields have Discord's usual order. */
const USUAL = /^\{"t":"([A-Z_]*)","s":(\d+),"op":(\d+),"d":/;

/**
 * Reads an envelope without parsing the payload.
 *
 * @returns `undefined` if the text does not start with a complete envelope.
 */
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

/** A parsed payload: its envelope and its data. */
export interface Payload extends Envelope {
  /** The data, not validated. */
  readonly d: unknown;
}

/**
 * Parses a whole payload.
 *
 * @returns `undefined` if the text is no gateway payload.
 */
export function parsePayload(text: string): Payload | undefined {
  const value = parseForeignJson(text);
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
