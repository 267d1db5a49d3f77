/**
 * Decides in which places the bot may act, for any author. So catch-up skips all other places (G6).
 *
 * @module
 */

import type { GuildPlace } from "../core/inbound/inbound.ts";
import type { AllowEntry } from "./rules/allowlist.ts";
import { rulesFor } from "./rules/place_rules.ts";
import type { AccessPolicy } from "./rules/rules.ts";

/** Prepares the check of whether a policy opens a place, for many places of guilds. */
export function prepareMayAct(policy: AccessPolicy): (place: GuildPlace) => boolean {
  return (place) => rulesFor(place, policy).kind === "open";
}

/** Whether the policy allows any direct message at all. Group DMs need this, too. */
export function mayActInDirect({ dm }: AccessPolicy): boolean {
  return dm.enabled && dm.policy !== "disabled";
}

/**
 * Prepares the check of whether access to a place, or its tools, depend on the author's roles.
 *
 * A channel's history contains no roles. There, Barnacle must fetch them with one request for each
 * author.
 */
export function prepareAsksRoles(policy: AccessPolicy): (place: GuildPlace) => boolean {
  const known = new Map<readonly AllowEntry[], boolean>();
  return (place) => {
    const rules = rulesFor(place, policy);
    if (rules.kind === "closed") return false;
    const isForTools = rules.tools.flat().some((level) =>
      level.kind === "by-sender" && level.value.some(({ who }) => isRole(who))
    );
    return isForTools || rules.users.some(({ value: entries }) => {
      const asks = known.get(entries) ?? entries.some(isRole);
      known.set(entries, asks);
      return asks;
    });
  };
}

function isRole({ kind }: AllowEntry): boolean {
  return kind === "role" || kind === "role_name";
}
