/**
 * Writes the path of a config value, in one spelling for all messages, log lines and verdicts. So a
 * reader can search for a path from one of them in the others.
 *
 * @module
 */

import { quoted } from "../lib/text/quoted.ts";

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
