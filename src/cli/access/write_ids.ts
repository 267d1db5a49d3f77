/**
 * Replaces names by ids in the text of a config, for `access resolve --write`.
 *
 * @module
 */

import { parsePath } from "../../config/text/path.ts";
import { policiesIn } from "../../config/policies.ts";
import { type Replacement, replaceWithComment } from "../../config/text/edit_comment.ts";
import type { AccessPolicy, PlaceToolRules } from "../../policy/rules/rules.ts";
import type { Mapping } from "./names.ts";

/** The new text. */
export interface Written {
  /** The config, with ids. */
  readonly text: string;
  /** Config paths of the replaced entries. */
  readonly written: readonly string[];
  /** Entries with one match that nevertheless stay names. */
  readonly left: readonly { readonly rule: string; readonly why: string }[];
}

/** The replacement of one entry. */
interface Change {
  readonly rule: string;
  readonly to: Replacement;
  readonly comment: string;
}

/**
 * Replaces all names that have exactly one match.
 *
 * @param text The file's current text.
 */
export async function withIds(
  text: string,
  file: string,
  mappings: readonly Mapping[],
): Promise<Written> {
  const left: { readonly rule: string; readonly why: string }[] = [];
  const written: string[] = [];
  let now = text;
  for (const { rule, to, comment } of changesOf(mappings, left)) {
    const at = parsePath(rule);
    const edited = at.kind === "path"
      ? replaceWithComment(now, at.path, to, comment)
      : { kind: "refused" as const, message: at.message };
    if (edited.kind === "refused") {
      left.push({ rule, why: edited.message });
    } else if (await keepsEntries(now, edited.text, file)) {
      now = edited.text;
      written.push(rule);
    } else {
      left.push({
        rule,
        why: "an account overrides keys below this name; write the id in both places",
      });
    }
  }
  return { text: now, written, left };
}

/** The deepest first: a replaced key changes the paths of all keys below it. */
function changesOf(
  mappings: readonly Mapping[],
  left: { readonly rule: string; readonly why: string }[],
): readonly Change[] {
  const byRule = Map.groupBy(mappings, ({ rule }) => rule);
  const changes: Change[] = [];
  for (const [rule, matches] of byRule) {
    const [first] = matches;
    if (first?.id === undefined || matches.some(({ id }) => id === undefined)) continue;
    const { id, kind, typed, isKey } = first;
    if (matches.some((match) => match.id !== id)) {
      left.push({ rule, why: "it has a different id in each guild or account" });
      continue;
    }
    const entry = kind === "role" ? `role:${id}` : id;
    const isValue = (kind === "user" || kind === "role") && !isKey;
    changes.push({ rule, to: isValue ? { value: entry } : { key: entry }, comment: typed });
  }
  return changes.sort((a, b) => b.rule.length - a.rule.length);
}

/**
 * Tests whether each account keeps its number of entries. An account that inherits part of an entry
 * by name would lose that part if the key became an id.
 */
async function keepsEntries(before: string, after: string, file: string): Promise<boolean> {
  const sizesOf = async (text: string): Promise<string> =>
    JSON.stringify(
      (await policiesIn(text, file)).map(({ accountId, access }) => [accountId, sizeOf(access)]),
    );
  const size = await sizesOf(after);
  return size !== "[]" && size === await sizesOf(before);
}

/** Numbers of guilds, of channels in each, and of senders with own tools. */
function sizeOf({ guilds = {} }: AccessPolicy): readonly (readonly number[])[] {
  const senders = ({ toolsBySender = [] }: PlaceToolRules): number => toolsBySender.length;
  return Object.values(guilds).map((guild) => [
    senders(guild),
    ...Object.values(guild.channels ?? {}).map(senders),
  ]);
}
