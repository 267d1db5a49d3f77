/**
 * Decides in which places the bot may act: for any author, so that catch-up skips all other places
 * (G6), and for the person whose turn wants to act in another channel (T5).
 *
 * Discord's permissions alone do not decide about another channel: the config may close it to the bot,
 * or open it to some people only.
 */

import type { GuildPlace, Sender } from "../core/inbound/inbound.ts";
import type { ChannelId } from "../core/discord/ids.ts";
import type { AllowEntry } from "./rules/allowlist.ts";
import { rulesFor } from "./rules/place_rules.ts";
import type { AccessPolicy } from "./rules/rules.ts";
import { preparePlaceAccess } from "./place_access.ts";
import { prepareRights } from "./rights.ts";
import { recordNothing } from "./rules/checks.ts";

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
    const isForTools = rules.tools.some((level) =>
      level.kind === "by-sender" && level.value.some(({ who }) => isRole(who))
    );
    if (isForTools || !rules.users) return isForTools;
    const { value: entries } = rules.users;
    const asks = known.get(entries) ?? entries.some(isRole);
    known.set(entries, asks);
    return asks;
  };
}

function isRole({ kind }: AllowEntry): boolean {
  return kind === "role" || kind === "role_name";
}

/**
 * Prepares the search for the rule that closes a channel to a person's turn: its config path, or
 * `undefined` if the policy opens the channel. The sender's roles are those in this guild. Owners of
 * the bot need an open place only.
 */
export function prepareClosedBy(policy: AccessPolicy) {
  const checkAccess = preparePlaceAccess(policy, prepareRights(policy));
  return ({ channelId, place, sender, isOwner }: {
    readonly channelId: ChannelId;
    readonly place: GuildPlace;
    readonly sender: Sender;
    readonly isOwner: boolean;
  }): string | undefined => {
    const rules = rulesFor(place, policy);
    if (rules.kind === "closed") return policy.ruleOf(rules.rule);
    if (isOwner) return undefined;
    const access = checkAccess({
      channelId,
      place,
      sender,
      known: {},
      needs: () => undefined,
      isChallenged: false,
      isMessage: false,
    }, recordNothing);
    return access.kind === "granted" ? undefined : policy.ruleOf(access.rule);
  };
}
