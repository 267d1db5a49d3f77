/**
 * Declares the config file, as owners read and change it in Discord (K4), and writes paths of its
 * keys.
 */

import { quoted } from "../lib/text/quoted.ts";

/** The config file, as owners read and change it in Discord (K4). */
export interface ConfigFile {
  /** The value at a path as JSON, in which a secret is its source; `undefined` if there is none. */
  get(path: string): Promise<string | undefined>;
  /**
   * Writes a value; `undefined` removes the key. The whole file is checked first.
   *
   * @returns The problem; then nothing has changed.
   */
  set(path: string, value: string | undefined): Promise<string | undefined>;
  /**
   * Edits a list of texts in one step, and keeps the comments beside its entries. A missing list
   * counts as empty. The whole file is checked first.
   *
   * @param edit Gets the entries of the file; `undefined` changes nothing.
   * @returns The entries of the file afterwards.
   */
  editList(
    path: string,
    edit: (entries: readonly string[]) => readonly string[] | undefined,
  ): Promise<
    | { readonly kind: "changed" | "unchanged"; readonly entries: readonly string[] }
    | { readonly kind: "failed"; readonly problem: string }
  >;
}

/** A key of an object, or the index of a list's entry. */
export type PathSegment = string | number;

/** A path as text: `channels.discord.guilds.123.users[0]`. A key that is no word is in quotes. */
export function pathText(path: readonly PathSegment[]): string {
  return path.reduce<string>(pathTo, "");
}

/** Extends a path as text by one segment. The empty path is `""`. */
export function pathTo(parent: string, segment: PathSegment): string {
  if (typeof segment === "number") return `${parent}[${segment}]`;
  const name = /^[\w*-]+$/.test(segment) ? segment : quoted(segment);
  return parent === "" ? name : `${parent}.${name}`;
}
