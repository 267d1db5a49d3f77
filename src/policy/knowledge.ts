/**
 * Decides which places' messages are kept for searches, and which places look questions up by
 * themselves (T17).
 */

import type { GuildPlace } from "../core/inbound/inbound.ts";
import { rulesFor } from "./rules/place_rules.ts";
import type { AccessPolicy, GuildRules, KnowledgeMode } from "./rules/rules.ts";

/** What messages of a place are kept for. Places without a known name keep none (T17). */
export function knowledgeIn(place: GuildPlace, policy: AccessPolicy): KnowledgeMode {
  if (!hasKnowledge(policy) || place.isUnknown) return "off";
  const rules = rulesFor(place, policy);
  return (rules.kind === "open" && rules.knowledge) || "off";
}

/** Whether a policy keeps messages of any place for searches, by policy. */
const HAVE_KNOWLEDGE = new WeakMap<AccessPolicy, boolean>();

/** Whether messages of any place are kept for searches. */
export function hasKnowledge(policy: AccessPolicy): boolean {
  const known = HAVE_KNOWLEDGE.get(policy);
  if (known !== undefined) return known;
  const isOn = ({ knowledge = "off" }: Pick<GuildRules, "knowledge">) => knowledge !== "off";
  const has = Object.values(policy.guilds ?? {}).some((guild) =>
    isOn(guild) || Object.values(guild.channels ?? {}).some(isOn)
  );
  HAVE_KNOWLEDGE.set(policy, has);
  return has;
}
