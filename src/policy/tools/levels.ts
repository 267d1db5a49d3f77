/**
 * Finds the levels of a place's tools that are for a sender (T2).
 *
 * In `toolsBySender`, the most exact kind of entry is for the sender: id, name, role, or `"*"`.
 * Several entries of that kind apply together, because a member may have several roles.
 *
 * @module
 */

import { pathTo } from "../../core/config_path.ts";
import type { Sender } from "../../core/inbound/inbound.ts";
import { type AllowEntry, prepareAllowlist } from "../rules/allowlist.ts";
import type { PlaceTools } from "../rules/layers.ts";
import type { SenderTools, ToolLists } from "../rules/rules.ts";

/** Lists that are for a sender. */
export interface ToolLevel {
  /** The lists. */
  readonly lists: ToolLists;
  /** Config path of the object with the lists. */
  readonly rule: string;
}

/**
 * Finds the levels that are for a sender, the most specific first. The first one is chosen.
 *
 * @returns One list for each level, never empty; several entries of `toolsBySender` are one level.
 */
export function levelsOf(
  levels: readonly PlaceTools[],
  sender: Sender,
): readonly (readonly ToolLevel[])[] {
  return levels.flatMap((level): readonly (readonly ToolLevel[])[] => {
    const { rule } = level;
    if (level.kind === "all") return [[{ lists: level.value, rule }]];
    const entries = entriesFor(level.value, sender);
    if (entries.length === 0) return [];
    return [entries.map(({ key, lists }) => ({ lists, rule: pathTo(rule, key) }))];
  });
}

function entriesFor(entries: readonly SenderTools[], sender: Sender): readonly SenderTools[] {
  const matching = preparedOf(entries).filter(({ isFor }) => isFor(sender));
  const exactest = Math.min(...matching.map(({ rank }) => rank));
  return matching.filter(({ rank }) => rank === exactest).map(({ entry }) => entry);
}

/** An entry with its matcher. */
interface Prepared {
  readonly entry: SenderTools;
  readonly rank: number;
  readonly isFor: (sender: Sender) => boolean;
}

/** Prepared entries by those of a policy, which never change. */
const PREPARED = new WeakMap<readonly SenderTools[], readonly Prepared[]>();

function preparedOf(entries: readonly SenderTools[]): readonly Prepared[] {
  const known = PREPARED.get(entries);
  if (known) return known;
  const prepared = entries.map((entry): Prepared => {
    const find = prepareAllowlist([entry.who]);
    return { entry, rank: rankOf(entry.who), isFor: (sender) => find(sender) !== undefined };
  });
  PREPARED.set(entries, prepared);
  return prepared;
}

/** How exactly an entry matches: the most exact kind has rank 0. */
function rankOf({ kind }: AllowEntry): number {
  switch (kind) {
    case "user":
    case "pluralkit":
      return 0;
    case "name":
      return 1;
    case "role":
    case "role_name":
      return 2;
    case "anyone":
      return 3;
  }
}
