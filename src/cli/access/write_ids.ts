/**
 * Ids in the place of names, in the text of a config: what `access resolve --write` leaves behind.
 *
 * @module
 */

import { parsePath } from "../../config/text/path.ts";
import { policiesIn } from "../../config/policies.ts";
import { type Replacement, replaceWithComment } from "../../config/text/edit_comment.ts";
import type { AccessPolicy } from "../../policy/rules.ts";
import type { Mapping } from "./names.ts";

export interface Written {
  readonly text: string;
  /** Rules whose entries are ids now. */
  readonly written: readonly string[];
  /** Those that are one thing and stay names all the same. */
  readonly left: readonly { readonly rule: string; readonly why: string }[];
}

/** What one entry becomes. */
interface Change {
  readonly rule: string;
  readonly to: Replacement;
  readonly comment: string;
}

/** @param text The file as it is. */
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
    } else if (await saysAsMuch(now, edited.text, file)) {
      now = edited.text;
      written.push(rule);
    } else {
      left.push({
        rule,
        why: "an account has keys of its own below this name; write the id in both places",
      });
    }
  }
  return { text: now, written, left };
}

/** The deepest first: a key that is replaced changes the path of all below it. */
function changesOf(
  mappings: readonly Mapping[],
  left: { readonly rule: string; readonly why: string }[],
): readonly Change[] {
  const byRule = Map.groupBy(mappings, ({ rule }) => rule);
  const changes: Change[] = [];
  for (const [rule, found] of byRule) {
    const [first] = found;
    if (first?.id === undefined || found.some(({ id }) => id === undefined)) continue;
    const { id, kind, typed } = first;
    if (found.some((one) => one.id !== id)) {
      left.push({ rule, why: "it is another thing in each guild, or for each account" });
      continue;
    }
    const to = kind === "user"
      ? { value: id }
      : kind === "role"
      ? { value: `role:${id}` }
      : { key: id };
    changes.push({ rule, to, comment: typed });
  }
  return changes.sort((a, b) => b.rule.length - a.rule.length);
}

/**
 * Whether a text still has as many entries for each account. One that inherits a part of an entry
 * by its name would lose it to another key.
 */
async function saysAsMuch(before: string, after: string, file: string): Promise<boolean> {
  const sizesOf = async (text: string): Promise<string> =>
    JSON.stringify(
      (await policiesIn(text, file)).map(({ accountId, access }) => [accountId, sizeOf(access)]),
    );
  const size = await sizesOf(after);
  return size !== "[]" && size === await sizesOf(before);
}

function sizeOf({ guilds = {} }: AccessPolicy): readonly number[] {
  return Object.values(guilds).map(({ channels = {} }) => Object.keys(channels).length);
}
