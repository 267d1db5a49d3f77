/**
 * Finds the line of a config path, so that a verdict can name it.
 *
 * @module
 */

import { findNodeAtLocation } from "jsonc-parser";
import { createLines } from "./problem.ts";
import { readTree } from "./tree.ts";
import { writtenAt } from "./written.ts";

/** Line and column of a key, both from 1, as editors count. */
export interface Position {
  /** From 1. */
  readonly line: number;
  /** From 1, in UTF-16 units. */
  readonly column: number;
}

/** Finds the positions of one file. */
export type PositionOf = (path: string) => Position | undefined;

/**
 * Finds a key.
 *
 * @param text Of a config file, with or without its secrets.
 * @param path In the form of `pathText`: `"channels.discord.guilds.123.users"`.
 * @returns Position of the key, or of the nearest key above it; `undefined` if none is written.
 */
export function positionOf(text: string, path: string): Position | undefined {
  return positionsIn(text)(path);
}

/** The same for many paths of one text, which is parsed once. */
export function positionsIn(text: string): PositionOf {
  const tree = readTree(text);
  if (tree.kind === "faults") return () => undefined;
  const { root, value } = tree;
  const lines = createLines(text, []);
  return (path) => {
    const written = writtenAt(value, path);
    const node = written.length === 0 ? undefined : findNodeAtLocation(root, [...written]);
    if (!node) return undefined;
    const at = node.parent?.type === "property" ? node.parent.children?.[0] ?? node : node;
    return lines.positionOf(at.offset);
  };
}
