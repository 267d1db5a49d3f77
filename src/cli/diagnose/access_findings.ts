/**
 * What `barnacle doctor` says of who may talk to the bot: every entry that is still matched by a
 * name, which somebody else may take (P4).
 *
 * Roles are left out: only who manages a guild can give one its name.
 *
 * @module
 */

import { pathTo } from "../../core/config_path.ts";
import type { Finding } from "../../core/finding.ts";
import type { ResolvedName } from "../../core/names.ts";
import { quoted } from "../../lib/text/quoted.ts";
import { unresolvedNames, withNames } from "../../policy/pinned.ts";
import type { AccessPolicy } from "../../policy/rules.ts";

/** Names in one row; the rest are counted. */
const SHOWN = 5;

/** @param names What the bot has found so far. */
export function judgeNames(
  policy: AccessPolicy,
  names: readonly ResolvedName[],
): Finding {
  const about = { id: "access.names", what: "Allowlists" };
  const open = [...byName(withNames(policy, names))];
  if (open.length === 0) {
    return { ...about, status: "pass", why: "no entry is matched by a name: all are ids" };
  }
  const shown = open.slice(0, SHOWN).map(({ typed, rule }) => `${quoted(typed)} (${rule})`);
  const more = open.length > SHOWN ? ` and ${open.length - SHOWN} more` : "";
  return {
    ...about,
    status: "warn",
    why: `matched by a name, which somebody else may take: ${shown.join(", ")}${more}`,
    fix: "`barnacle access resolve --write` puts ids in their place, where a name is one thing's",
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
