/**
 * Decides which answers a person checks before Discord gets them (A5).
 *
 * The model tells by a tag in its answer that it is unsure. All other reasons are rules of the config.
 */

import type { ChannelId, UserId } from "../discord/ids.ts";

/** Which answers of a place a person checks, the strictest first. */
export const APPROVAL_MODES = ["always", "unsure", "never"] as const;

/** `approval` of a guild, a channel, or direct messages. */
export type ApprovalMode = typeof APPROVAL_MODES[number];

/** The rules of a place in which people check answers. */
export interface ApprovalRules {
  readonly mode: Exclude<ApprovalMode, "never">;
  /** Channel of the cards; absent: a direct message to each person. */
  readonly channelId?: ChannelId;
  /** People who may decide besides the owners. */
  readonly people: readonly UserId[];
  readonly newPeople: boolean;
  readonly links: boolean;
  readonly words: readonly string[];
  readonly timeoutMs: number;
}

/** One closing bracket is enough; models forget the second one. */
const FLAG = /\[\[\s{0,9}unsure\s{0,9}(?::([^\]\n]{0,1000}))?\]{1,2}[^\S\n]*\n?/gi;

/** Maximum UTF-16 units of the model's reason, which people read. */
const MAX_FLAG = 200;

/** Takes the tags `[[unsure: why]]` out of an answer. */
export function takeFlag(text: string): {
  readonly text: string;
  /** Why the model is unsure; absent: it is sure. */
  readonly flag?: string;
} {
  if (!text.includes("[[")) return { text };
  let flag: string | undefined;
  const left = text.replace(FLAG, (_, why: string | undefined) => {
    flag ??= (why ?? "").replace(/\s+/g, " ").trim().slice(0, MAX_FLAG).toWellFormed();
    return "";
  });
  return flag === undefined ? { text } : { text: left.trim(), flag };
}

export interface AnswerToCheck {
  readonly question: string;
  readonly answer: string;
  /** Why the model is unsure; absent: it is sure. */
  readonly flag?: string;
  /** Whether no model was asked for its asker before today. Asked only if nothing else decides. */
  readonly isNewPerson: () => Promise<boolean>;
}

/** Why a person checks an answer, in words; `undefined` if none does. */
export async function reasonToCheck(
  { mode, words, links, newPeople }: ApprovalRules,
  { question, answer, flag, isNewPerson }: AnswerToCheck,
): Promise<string | undefined> {
  if (flag !== undefined) {
    return flag === "" ? "the model is unsure" : `the model is unsure: ${flag}`;
  }
  if (mode === "always") return "every answer here is checked";
  const found = words.find((word) => hasWord(question, word) || hasWord(answer, word));
  if (found !== undefined) return `the word "${found}"`;
  if (links && /https?:\/\//i.test(answer)) return "it has a link";
  return newPeople && await isNewPerson() ? "a new person asks" : undefined;
}

/** Whether a text has a word, and not only as a part of a longer one. */
function hasWord(text: string, word: string): boolean {
  const at = (edge: string | undefined, look: string) =>
    edge !== undefined && /[\p{L}\p{N}]/u.test(edge) ? look : "";
  const all = Array.from(word);
  const before = at(all[0], "(?<![\\p{L}\\p{N}])");
  const after = at(all.at(-1), "(?![\\p{L}\\p{N}])");
  const literal = word.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&");
  return new RegExp(`${before}${literal}${after}`, "iu").test(text);
}
