/**
 * A tree with its comments as the text of a config file.
 *
 * What its writer put on one line stays there while it fits; where a line was begun after a
 * bracket, each entry has its own. So nobody's layout is turned over, and what is formatted once
 * stays as it is.
 *
 * @module
 */

import type { Container, Document, Entry, Note, Part } from "./json5.ts";

const WIDTH = 100;
const UNIT = "  ";

/** The text of a file, with a line break at its end. */
export function printed({ root }: Document): string {
  const { before, value, after, hasGap } = root;
  const head = ownLines(before, "").map((line) => `${line}\n`).join("").replace(/^\n+/, "");
  const body = partOf(value, "", 0);
  const tail = ownLines(after, "").map((line) => `${line}\n`).join("");
  return `${head}${hasGap && head !== "" ? "\n" : ""}${body}\n${tail}`;
}

/**
 * @param indent Of the line in which it begins.
 * @param column How much of that line is taken.
 */
function partOf(part: Part, indent: string, column: number): string {
  if (part.kind === "scalar") return part.text;
  const inline = inlineOf(part);
  if (inline !== undefined && !part.isOnLines && column + inline.length < WIDTH) return inline;
  return onLines(part, indent);
}

/** On one line; `undefined` where something in it takes more. */
function inlineOf(part: Part): string | undefined {
  if (part.kind === "scalar") return part.text;
  const [open, close] = bracketsOf(part);
  const { entries, opening, closing } = part;
  if (entries.length + opening.length + closing.length === 0) return open + close;
  const written: string[] = [];
  for (const entry of entries) {
    const value = inlineOf(entry.value);
    if (value === undefined || isSpread(entry.value)) return undefined;
    const notes = [entry.before, entry.between, entry.after].map(inlineNotes);
    const [before, between, after] = notes;
    if (before === undefined || between === undefined || after === undefined) return undefined;
    const name = entry.key === undefined ? "" : `${JSON.stringify(entry.key)}: `;
    const words = after === "" ? "" : ` ${after.trimEnd()}`;
    written.push(`${before}${name}${between}${value}${words}`);
  }
  const head = inlineNotes(opening);
  const tail = inlineNotes(closing);
  if (head === undefined || tail === undefined) return undefined;
  const inner = [head, written.join(", "), tail].map((words) => words.trim())
    .filter((words) => words !== "").join(" ");
  return part.kind === "object" ? `${open} ${inner} ${close}` : `${open}${inner}${close}`;
}

function isSpread(part: Part): boolean {
  return part.kind !== "scalar" && part.isOnLines && part.entries.length > 0;
}

/** Each with a blank behind it. */
function inlineNotes(notes: readonly Note[]): string | undefined {
  if (notes.some(({ isLine, text }) => isLine || text.includes("\n"))) return undefined;
  return notes.map(({ text }) => `${text} `).join("");
}

function onLines(part: Container, indent: string): string {
  const [open, close] = bracketsOf(part);
  const { entries, opening, closing } = part;
  const deeper = indent + UNIT;
  const lines = besides(open, opening, deeper);
  for (const [index, entry] of entries.entries()) {
    const above = ownLines(entry.before, deeper);
    const isFirst = index === 0 && lines.length === 1;
    // Right behind a bracket an empty line says nothing.
    if (isFirst && above[0] === "") above.shift();
    lines.push(...above);
    if (entry.hasGap && (!isFirst || above.length > 0)) lines.push("");
    lines.push(...entryLines(entry, deeper, index < entries.length - 1 || part.endsInComma));
  }
  const below = ownLines(closing, deeper);
  if (entries.length === 0 && lines.length === 1 && below[0] === "") below.shift();
  return [...lines, ...below, `${indent}${close}`].join("\n");
}

function entryLines(entry: Entry, indent: string, hasComma: boolean): readonly string[] {
  const name = entry.key === undefined ? "" : `${JSON.stringify(entry.key)}: `;
  const between = entry.between.map(({ text }) => `${text} `).join("");
  const head = `${indent}${name}${between}`;
  const value = partOf(entry.value, indent, head.length);
  return besides(`${head}${value}${hasComma ? "," : ""}`, entry.after, indent);
}

/** Comments behind something in its line; what comes after a line comment has lines of its own. */
function besides(written: string, notes: readonly Note[], indent: string): string[] {
  const lines = [written];
  let isClosed = false;
  for (const { text, isLine } of notes) {
    if (isClosed) lines.push(`${indent}${text}`);
    else lines.push(`${lines.pop() ?? ""} ${text}`);
    isClosed = isLine;
  }
  return lines;
}

function ownLines(notes: readonly Note[], indent: string): string[] {
  return notes.flatMap(({ text, hasGap }) => [...(hasGap ? [""] : []), `${indent}${text}`]);
}

function bracketsOf({ kind }: Container): readonly [open: string, close: string] {
  return kind === "object" ? ["{", "}"] : ["[", "]"];
}
