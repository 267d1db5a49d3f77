/**
 * Finds the place of a config path in the file: as far as the file writes it, and its line.
 *
 * Paths are texts in verdicts and log lines, and may contain shortened keys. So this does not split
 * a path: at each level it looks for the key with whose own path the text begins.
 */

import { pathTo } from "../../core/config_file.ts";
import { isList, isRecord, keyNodeAt, readTree, type Segment } from "./tree.ts";
import { createLines } from "./problem.ts";

/**
 * Follows a path as far as it is written.
 *
 * @param path In the form of `pathText`.
 * @param root Path of `value` itself: `"channels.discord"`; empty for a whole file.
 * @returns Segments to the deepest existing part; empty if no part exists.
 */
export function writtenAt(value: unknown, path: string, root = ""): readonly Segment[] {
  const segments: Segment[] = [];
  let part = value;
  let here = root;
  for (;;) {
    const step = stepTowards(part, path, here);
    if (!step) return segments;
    segments.push(step.segment);
    part = step.value;
    here = step.path;
  }
}

function stepTowards(
  part: unknown,
  path: string,
  here: string,
): { readonly segment: Segment; readonly value: unknown; readonly path: string } | undefined {
  if (path === here) return undefined;
  const entries: Iterable<readonly [Segment, unknown]> = isList(part)
    ? part.entries()
    : isRecord(part)
    ? Object.entries(part)
    : [];
  for (const [segment, value] of entries) {
    const below = pathTo(here, segment);
    if (path.startsWith(below) && /^(?:$|[.[])/.test(path.slice(below.length))) {
      return { segment, value, path: below };
    }
  }
  return undefined;
}

/** Line and column of a key, both from 1, as editors count. */
interface LinePosition {
  /** From 1. */
  readonly line: number;
  /** From 1, in UTF-16 units. */
  readonly column: number;
}

/**
 * Finds a key.
 *
 * @param text Of a config file, with or without its secrets.
 * @param path In the form of `pathText`: `"channels.discord.guilds.123.users"`.
 * @returns Position of the key, or of the nearest key above it; `undefined` if none is written.
 */
export function positionOf(text: string, path: string): LinePosition | undefined {
  return positionsIn(text)(path);
}

/** The same for many paths of one text, which is parsed once. */
export function positionsIn(text: string): (path: string) => LinePosition | undefined {
  const tree = readTree(text);
  if (tree.kind === "faults") return () => undefined;
  const { root, value } = tree;
  const lines = createLines(text, []);
  return (path) => {
    const written = writtenAt(value, path);
    return written.length === 0 ? undefined : lines.positionOf(keyNodeAt(root, written).offset);
  };
}
