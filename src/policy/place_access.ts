/**
 * Decides who may talk to the bot in which place, for every kind of event (P2–P11, P13).
 *
 * Every event passes this check first. So if one kind of event is not allowed in a place, no other
 * kind is (P16).
 *
 * @module
 */

import type { GuildPlace } from "../core/inbound/inbound.ts";
import type { Verdict } from "../core/inbound/verdict.ts";
import { type Caller, type Granted, onTheList, prepareSenders, type Refusal } from "./senders.ts";
import { type Ask, ignore, nameOf } from "./rules/checks.ts";
import { prepareDirectAccess } from "./direct_access.ts";
import type { OpenPlace } from "./rules/place_entry.ts";
import { rulesFor } from "./rules/place_rules.ts";
import type { Rights } from "./rights.ts";
import type { AccessPolicy } from "./rules/rules.ts";

/**
 * Discord's id of PluralKit's application. A webhook of another application is never PluralKit's
 * (SEC-R33).
 */
const PLURALKIT_APPLICATION = "466378653216014359";

const NO_SELF_TALK = "router.noSelfTalk";
/** Config path of the rule by which Barnacle asks PluralKit. */
export const PLURALKIT = "channels.discord.pluralkit.enabled";

/** Prepares a policy for many events. */
export function preparePlaceAccess(
  policy: AccessPolicy,
  rights: Rights,
): (caller: Caller, ask: Ask) => Granted | Refusal {
  const { asksPluralkit } = policy;
  const senders = prepareSenders(policy);
  const { entryFor, unlistedGrant: unlistedPass, automatonIsRefused } = senders;
  const { direct, group } = prepareDirectAccess(policy, rights, senders);

  function guild(caller: Caller, ask: Ask, place: GuildPlace): Granted | Refusal {
    const rules = rulesFor(place, policy, ask);
    if (rules.kind === "closed") return ignore(rules.why, rules.rule);
    return ownerIsMissing(caller, ask) ?? pluralkitIsAsked(caller, ask) ??
      automatonIsRefused(caller, ask) ?? guildSender(caller, ask, rules);
  }

  /** Refuses a guild without an owner. A message without the fact may still be refused otherwise. */
  function ownerIsMissing(
    { known: { ownerInGuild }, isMessage }: Caller,
    ask: Ask,
  ): Refusal | undefined {
    if (!policy.needsOwnerInGuild) return undefined;
    if (!ownerInGuild) return isMessage ? undefined : ownerIsAsked(policy, ask);
    const { groupPolicyRule: rule } = policy;
    if (ask("owner", ownerInGuild === "member", rule, () => OWNER_SAYS[ownerInGuild])) {
      return undefined;
    }
    return ignore(ownerInGuild === "absent" ? "owner-not-in-guild" : "owner-unknown", rule);
  }

  function pluralkitIsAsked(
    { sender, known: { pluralkit }, isMessage }: Caller,
    ask: Ask,
  ): Refusal | undefined {
    const { automaton, applicationId } = sender;
    if (!isMessage || !asksPluralkit) return undefined;
    if (automaton !== "webhook" || applicationId !== PLURALKIT_APPLICATION) return undefined;
    const isKnown = pluralkit !== undefined;
    if (ask("pluralkit", isKnown, PLURALKIT, () => PLURALKIT_SAYS[pluralkit ?? "unasked"])) {
      return undefined;
    }
    return { kind: "undecided", why: "pluralkit", rule: PLURALKIT };
  }

  function guildSender(
    { sender, needs }: Caller,
    ask: Ask,
    open: OpenPlace,
  ): Granted | Refusal {
    let { rule } = open;
    for (const users of open.users) {
      const entry = entryFor(sender, users.value);
      const grant = entry || needs() === undefined ? undefined : unlistedPass();
      rule = grant?.rule ?? users.rule;
      const fact = grant?.fact ??
        (() => entry ? onTheList(sender, entry) : `${nameOf(sender)} is not on the list`);
      if (!ask("sender", entry !== undefined || grant !== undefined, rule, fact)) {
        return ignore("sender-not-listed", rule);
      }
    }
    return { kind: "granted", why: "allowed", rule, open };
  }

  return (caller, ask) => {
    const { place, sender, known } = caller;
    if (known.isOurs) {
      ask("own", false, NO_SELF_TALK, () => `${nameOf(sender)} is an account of this Barnacle`);
      return ignore("own", NO_SELF_TALK);
    }
    switch (place.kind) {
      case "dm":
        return direct(caller, ask);
      case "group_dm":
        return group(caller, ask, place.name);
      case "guild":
        return guild(caller, ask, place);
    }
  };
}

/** Lets an event wait until Discord has told whether an owner is in its guild (P6). */
export function ownerIsAsked(
  { groupPolicyRule: rule }: Pick<AccessPolicy, "groupPolicyRule">,
  ask: Ask,
): Verdict & { readonly kind: "undecided" } {
  ask("owner", false, rule, () => "Barnacle has not asked Discord yet who of the owners is there");
  return { kind: "undecided", why: "owner-in-guild", rule };
}

const OWNER_SAYS = {
  member: "an owner of the bot is a member of the guild",
  absent: "no owner of the bot is a member of the guild",
  unknown: "Discord did not tell whether an owner of the bot is a member of the guild",
} as const;

const PLURALKIT_SAYS = {
  unasked: "PluralKit posted it, and Barnacle has not asked yet for the author",
  found: "PluralKit knows it, but it counts as the webhook's message",
  none: "PluralKit does not know it, so it counts as a webhook's message",
  failed: "PluralKit did not answer in time, so it counts as a webhook's message",
} as const;
