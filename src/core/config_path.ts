/**
 * How a place in the config is written, in every message, log line and verdict: one spelling, so
 * that what one of them names can be searched for in the others.
 *
 * @module
 */

import { quoted } from "../lib/text/quoted.ts";

/** A key, or the index of a list's entry. */
export type PathSegment = string | number;

/** `channels.discord.guilds.123.users[0]`; a key that is no word is in quotes. */
export function pathText(path: readonly PathSegment[]): string {
  return path.reduce<string>(pathTo, "");
}

/** The path of what a place holds under a key. */
export function pathTo(parent: string, segment: PathSegment): string {
  if (typeof segment === "number") return `${parent}[${segment}]`;
  const name = /^[\w*-]+$/.test(segment) ? segment : quoted(segment);
  return parent === "" ? name : `${parent}.${name}`;
}
