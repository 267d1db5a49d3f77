/**
 * Parses an entry of `dm.groupChannels`: a group DM that the bot may answer in (P4, P5).
 *
 * @module
 */

import { parseSnowflake } from "../../core/discord/ids.ts";
import type { AllowEntryProblem } from "../../policy/rules/allowlist.ts";
import type { GroupEntry } from "../../policy/rules/rules.ts";

/** Prefixes of entries for people, which name no group. */
const PERSON = /^(?:<@|(?:user|discord|role|pk):)/i;

/**
 * Parses one entry.
 *
 * @param text `"*"`, `"<id>"`, `"channel:<id>"`, or a group's slug or exact name.
 */
export function parseGroupEntry(text: string): GroupEntry | AllowEntryProblem {
  const entry = text.trim();
  if (entry === "") return { kind: "problem", why: "An entry is blank" };
  if (entry === "*") return { kind: "any" };
  if (PERSON.test(entry)) {
    return { kind: "problem", why: `"${entry}" is not a group DM: users belong in allowFrom` };
  }
  const digits = /^(?:channel:(.*)|(\d+))$/is.exec(entry);
  if (!digits) return { kind: "name", name: entry };
  const id = parseSnowflake<"channel">(digits[1] ?? digits[2] ?? "");
  return id
    ? { kind: "channel", id }
    : { kind: "problem", why: `"${entry}" contains no Discord channel id` };
}
