/**
 * Where the bot may act at all, whoever speaks: what catch-up need not read is not read (G6).
 *
 * @module
 */

import type { GuildPlace } from "../core/inbound/inbound.ts";
import type { AllowEntry } from "./allowlist.ts";
import { type AccessPolicy, rulesFor } from "./rules.ts";

/** Prepares a policy for many places of guilds. */
export function prepareMayAct(policy: AccessPolicy): (place: GuildPlace) => boolean {
  return (place) => rulesFor(place, policy).kind === "open";
}

/** Whether anybody's direct message can be answered; a group's is one, and is no more than that. */
export function mayActInDirect({ dm }: AccessPolicy): boolean {
  return dm.enabled && dm.policy !== "disabled";
}

/**
 * Prepares the question whether somebody's roles decide in a place. A channel's history leaves them
 * out, so there they must be asked for, one request for each author.
 */
export function prepareAsksRoles(policy: AccessPolicy): (place: GuildPlace) => boolean {
  const known = new Map<readonly AllowEntry[], boolean>();
  return (place) => {
    const rules = rulesFor(place, policy);
    if (rules.kind === "closed" || !rules.users) return false;
    const entries = rules.users.value;
    const asks = known.get(entries) ?? entries.some(isRole);
    known.set(entries, asks);
    return asks;
  };
}

function isRole({ kind }: AllowEntry): boolean {
  return kind === "role" || kind === "role_name";
}
