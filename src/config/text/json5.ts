/**
 * The text of a JSON5 or JSONC file as a tree that keeps its comments.
 *
 * A comment belongs to the entry that it stands beside or above, and goes where that goes: what is
 * printed from the tree, or moved within it, takes its comments along. Read by momoa, which gives
 * places and comments; it is loaded by the commands that need it only.
 *
 * @module
 */

import { type DocumentNode, parse, type Token, type ValueNode } from "@humanwhocodes/momoa";

/** A comment with its marks. */
export interface Note {
  readonly text: string;
  /** `// …` */
  readonly isLine: boolean;
  /** Whether an empty line comes before it. */
  readonly hasGap: boolean;
}

/** What an object holds under a key, or a list at an index. */
export interface Entry {
  /** Absent in a list. */
  readonly key?: string;
  readonly value: Part;
  /** From 1; 0 of what no file says. */
  readonly line: number;
  /** Comments above it. */
  readonly before: readonly Note[];
  /** Comments between key and value; no line comments. */
  readonly between: readonly Note[];
  /** Comments beside it. */
  readonly after: readonly Note[];
  readonly hasGap: boolean;
  /** As it is written, without the comments around it. */
  readonly source: string;
}

export interface Container {
  readonly kind: "object" | "list";
  readonly entries: readonly Entry[];
  /** Beside the opening bracket. */
  readonly opening: readonly Note[];
  /** Below the last entry. */
  readonly closing: readonly Note[];
  /** Whether its writer began a line after the opening bracket. */
  readonly isOnLines: boolean;
  /** Whether its writer put a comma behind the last entry. */
  readonly endsInComma: boolean;
}

export interface Scalar {
  readonly kind: "scalar";
  /** `NaN` and the infinities are numbers that JSON does not have. */
  readonly value: string | number | boolean | null;
  /** As JSON; of a number all digits that were written. */
  readonly text: string;
}

export type Part = Container | Scalar;

export interface Document {
  readonly kind: "document";
  readonly root: Entry;
}

/** Why a text cannot be read. */
export interface Fault {
  readonly kind: "fault";
  readonly message: string;
  /** From 1. */
  readonly line: number;
  readonly column: number;
}

/** UTF-16 units, as of our own file. */
const MAX_LENGTH = 2 ** 20;

const JSON_NUMBER = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/;

/** Reads a text. */
export function readJson5(text: string): Document | Fault {
  if (text.length > MAX_LENGTH) return fault(`The file is too large: ${text.length} characters`);
  let document: DocumentNode;
  // A backslash at the very end of a text would have the parser read on for ever.
  const whole = text.endsWith("\\") ? `${text}\n` : text;
  try {
    document = parse(whole, { mode: "json5", ranges: true, tokens: true });
  } catch (cause) {
    if (cause instanceof RangeError) return fault("The file is nested too deep");
    if (!(cause instanceof Error)) throw cause;
    const at = /\((\d+):(\d+)\)$/.exec(cause.message);
    const message = cause.message.replace(/\s*\(\d+:\d+\)$/, "").replace(/\.$/, "");
    return fault(message, Number(at?.[1] ?? 1), Number(at?.[2] ?? 1));
  }
  const reader = createReader(text, commentsOf(document.tokens ?? []));
  return { kind: "document", root: reader.document(document.body) };
}

function fault(message: string, line = 1, column = 1): Fault {
  return { kind: "fault", message, line, column };
}

function commentsOf(tokens: readonly Token[]): readonly Token[] {
  return tokens.filter(({ type }) => type === "LineComment" || type === "BlockComment");
}

/** A comment that was read, and where it ends. */
interface Placed extends Note {
  readonly from: number;
  readonly to: number;
}

/** Goes through the tree and the comments side by side, in the order of the text. */
function createReader(text: string, comments: readonly Token[]) {
  let next = 0;

  const take = (until: number, since: number): readonly Placed[] => {
    const taken: Placed[] = [];
    let end = since;
    for (let token = comments[next]; token; token = comments[next]) {
      const { offset: from } = token.loc.start;
      const { offset: to } = token.loc.end;
      if (from >= until) break;
      taken.push({
        text: text.slice(from, to).replace(/\r\n?/g, "\n"),
        isLine: token.type === "LineComment",
        hasGap: hasGap(end, from),
        from,
        to,
      });
      end = to;
      next += 1;
    }
    return taken;
  };

  const breaks = (from: number, to: number): number =>
    text.slice(from, to).match(/\r\n|[\r\n\u2028\u2029]/g)?.length ?? 0;
  const hasGap = (from: number, to: number): boolean => breaks(from, to) > 1;

  /** Those that stand beside what ended at `end`, and those that belong to what comes. */
  const split = (
    notes: readonly Placed[],
    end: number,
    upTo: number,
  ): readonly [beside: readonly Placed[], rest: readonly Placed[]] => {
    let last = end;
    let count = 0;
    for (const note of notes) {
      const gap = text.slice(last, note.from);
      const isSameLine = breaks(last, note.from) === 0;
      const standsAlone = breaks(note.to, upTo) > 0 || !gap.includes(",");
      if (!isSameLine || !standsAlone) break;
      count += 1;
      last = note.to;
    }
    return [notes.slice(0, count), notes.slice(count)];
  };

  const withoutNotes = (from: number, to: number, notes: readonly Placed[]): string =>
    [...notes, { from: to, to }].map((note, index) =>
      text.slice(notes[index - 1]?.to ?? from, note.from)
    ).join("");

  const part = (node: ValueNode): Part => {
    if (node.type === "Object" || node.type === "Array") return container(node);
    const written = text.slice(node.loc.start.offset, node.loc.end.offset);
    if (node.type === "String") return { kind: "scalar", ...stringOf(written, node.value) };
    if (node.type === "Number") {
      const digits = written.replace(/^\+/, "");
      const number = JSON_NUMBER.test(digits) ? digits : JSON.stringify(node.value);
      return { kind: "scalar", value: node.value, text: number };
    }
    if (node.type === "Boolean") {
      return { kind: "scalar", value: node.value, text: String(node.value) };
    }
    if (node.type === "Null") return { kind: "scalar", value: null, text: "null" };
    return { kind: "scalar", value: NaN, text: "null" };
  };

  const container = (node: Extract<ValueNode, { type: "Object" | "Array" }>): Container => {
    const isObject = node.type === "Object";
    const close = node.loc.end.offset - 1;
    let end = node.loc.start.offset + 1;
    const entries: Entry[] = [];
    let opening: readonly Note[] = [];
    const children = isObject ? node.members : node.elements;
    const firstStart = Math.min(comments[next]?.loc.start.offset ?? close, close);
    const isOnLines = breaks(end, Math.min(firstStart, children[0]?.loc.start.offset ?? close)) > 0;

    /** Gives what stands beside the last thing to it. */
    const settle = (notes: readonly Placed[], upTo: number): readonly Placed[] => {
      const [beside, rest] = split(notes, end, upTo);
      const previous = entries.pop();
      if (previous) entries.push({ ...previous, after: [...previous.after, ...beside] });
      else opening = beside;
      end = beside.at(-1)?.to ?? end;
      return rest;
    };

    for (const child of children) {
      const start = child.loc.start.offset;
      const notes = settle(take(start, end), start);
      const isFirstGap = hasGap(end, notes[0]?.from ?? start);
      const { before, between, value } = inner(child.value, notes);
      entries.push({
        ...(child.type === "Member" && {
          key: child.name.type === "Identifier" ? child.name.name : child.name.value,
        }),
        value,
        line: child.loc.start.line,
        before,
        between,
        after: [],
        hasGap: notes.length === 0 ? isFirstGap : hasGap(notes.at(-1)?.to ?? end, start),
        source: text.slice(start, child.loc.end.offset),
      });
      end = child.loc.end.offset;
    }
    const last = end;
    const notes = take(close, end);
    const endsInComma = withoutNotes(last, close, notes).includes(",");
    const closing = settle(notes, close);
    return {
      kind: isObject ? "object" : "list",
      entries,
      opening,
      closing,
      isOnLines,
      endsInComma,
    };
  };

  /** A value, with the comments between it and its key. */
  const inner = (
    node: ValueNode,
    above: readonly Note[],
  ): Pick<Entry, "before" | "between" | "value"> => {
    const notes = take(node.loc.start.offset, node.loc.start.offset);
    return {
      before: [...above, ...notes.filter(({ isLine }) => isLine)],
      between: notes.filter(({ isLine }) => !isLine),
      value: part(node),
    };
  };

  return {
    document(body: ValueNode): Entry {
      const start = body.loc.start.offset;
      const before = take(start, 0);
      const value = part(body);
      return {
        value,
        line: body.loc.start.line,
        before,
        between: [],
        after: take(text.length, body.loc.end.offset),
        hasGap: hasGap(before.at(-1)?.to ?? start, start),
        source: text.slice(start, body.loc.end.offset),
      };
    },
  };
}

/** A text that is JSON already keeps its escapes. */
function stringOf(written: string, value: string): Pick<Scalar, "value" | "text"> {
  try {
    if (JSON.parse(written) === value) return { value, text: written };
  } catch {
    // A SyntaxError is how JSON says that this is JSON5.
  }
  return { value, text: JSON.stringify(value) };
}
