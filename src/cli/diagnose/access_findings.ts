/**
 * Finds allow list entries that match by name, which another user may take (P4).
 *
 * Roles are not checked: only managers of a guild can name them.
 *
 * @module
 */

import { pathTo } from "../../core/config_path.ts";
import type { Finding } from "../../core/finding.ts";
import type { ResolvedName } from "../../core/names.ts";
import { quoted } from "../../lib/text/quoted.ts";
import { unresolvedNames, withNames } from "../../policy/rules/pinned.ts";
import type { AccessPolicy } from "../../policy/rules/rules.ts";

/** Names in the row; it counts the others. */
const SHOWN = 5;

/**
 * Judges the entries of all allow lists.
 *
 * @param names Names that the bot has resolved.
 */
export function judgeNames(
  policy: AccessPolicy,
  names: readonly ResolvedName[],
): Finding {
  const about = { id: "access.names", what: "Allowlists" };
  const open = [...byName(withNames(policy, names))];
  if (open.length === 0) {
    return { ...about, status: "pass", why: "all entries are ids" };
  }
  const shown = open.slice(0, SHOWN).map(({ typed, rule }) => `${quoted(typed)} (${rule})`);
  const others = open.length > SHOWN ? ` and ${open.length - SHOWN} more` : "";
  return {
    ...about,
    status: "warn",
    why: `entries matched by a name, which another user may take: ${shown.join(", ")}${others}`,
    fix: "run `barnacle access resolve --write` to replace them by ids",
  };
}

function* byName(
  policy: AccessPolicy,
): Generator<{ readonly typed: string; readonly rule: string }> {
  for (const name of unresolvedNames(policy)) if (name.kind !== "role") yield name;
  const rule = policy.ruleOf("channels.discord.dm.groupChannels");
  for (const [at, entry] of policy.dm.groupChannels?.entries() ?? []) {
    if (entry.kind === "name") yield { typed: entry.name, rule: pathTo(rule, at) };
  }
}
