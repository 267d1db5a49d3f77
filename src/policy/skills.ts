/**
 * Decides which skills the turn of a message may use (T7).
 *
 * @module
 */

import type { InboundMessage } from "../core/inbound/inbound.ts";
import { type Skill, type SkillSet, skillsFor } from "../core/skills/skill.ts";
import { rulesFor } from "./rules/place_rules.ts";
import type { AccessPolicy } from "./rules/rules.ts";

/** The skills that a message's turn may use. */
export function skillsOf(
  { place }: Pick<InboundMessage, "place">,
  set: SkillSet,
  policy: AccessPolicy,
): readonly Skill[] {
  if (place.kind !== "guild" || set.skills.length === 0) return set.skills;
  const rules = rulesFor(place, policy);
  return rules.kind === "open" ? skillsFor(set, rules.skills) : [];
}
