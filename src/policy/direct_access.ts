/**
 * Decides who may talk to the bot in direct messages and group DMs (P3–P5).
 *
 * @module
 */

import type { ChannelId } from "../core/discord/ids.ts";
import type { KnownFacts } from "../core/inbound/known_facts.ts";
import { quoted } from "../lib/text/quoted.ts";
import {
  type AccessGrant,
  type Caller,
  type Granted,
  onTheList,
  type Refusal,
  type Senders,
} from "./senders.ts";
import { type Ask, ignore, nameOf } from "./rules/checks.ts";
import { isFormOf } from "./rules/entries.ts";
import type { Rights } from "./rights.ts";
import type { AccessPolicy, GroupEntry } from "./rules/rules.ts";

const DM_ENABLED = "channels.discord.dm.enabled";
const DM_POLICY = "channels.discord.dm.policy";
const ALLOW_FROM = "channels.discord.dm.allowFrom";
const GROUP_ENABLED = "channels.discord.dm.groupEnabled";
const GROUP_CHANNELS = "channels.discord.dm.groupChannels";

/** Access outside of guilds, under one policy. */
export interface DirectAccess {
  /** Decides about a direct message. */
  direct(caller: Caller, ask: Ask): Granted | Refusal;
  /**
   * Decides about an event in a group DM.
   *
   * @param name The group's name; `undefined` if it has none.
   */
  group(caller: Caller, ask: Ask, name: string | undefined): Granted | Refusal;
}

/** Prepares a policy's rules for direct messages and group DMs. */
export function prepareDirectAccess(
  { dm }: Pick<AccessPolicy, "dm">,
  rights: Rights,
  { entryFor, unlistedGrant, automatonIsRefused }: Senders,
): DirectAccess {
  function direct(caller: Caller, ask: Ask): Granted | Refusal {
    return dmsAreOff(ask) ?? automatonIsRefused(caller, ask) ?? directSender(caller, ask);
  }

  function dmsAreOff(ask: Ask): Refusal | undefined {
    if (!ask("dm", dm.enabled, DM_ENABLED, () => `dm.enabled is ${dm.enabled}`)) {
      return ignore("dm-disabled", DM_ENABLED);
    }
    const isOn = dm.policy !== "disabled";
    if (!ask("dm-policy", isOn, DM_POLICY, () => `dm.policy is "${dm.policy}"`)) {
      return ignore("dm-disabled", DM_POLICY);
    }
    return undefined;
  }

  function directSender(caller: Caller, ask: Ask): Granted | Refusal {
    const { sender, isChallenged, known } = caller;
    const grant = directGrant(caller);
    const canPair = dm.policy === "pairing";
    const rule = grant?.rule ?? (canPair ? DM_POLICY : ALLOW_FROM);
    const fact = grant?.fact ??
      (() => `${nameOf(sender)} is not on the list${canPair ? notPaired(known) : ""}`);
    ask("sender", grant !== undefined, rule, fact);
    if (grant) return { kind: "granted", why: grant.why, rule };
    if (canPair && isChallenged && !sender.automaton) {
      return { kind: "challenge", why: "pairing", rule };
    }
    return ignore("dm-not-allowed", rule);
  }

  function directGrant({ place, sender, known, needs }: Caller): AccessGrant | undefined {
    if (dm.policy === "open") {
      return { why: "dm-allowed", rule: DM_POLICY, fact: () => `dm.policy is "open"` };
    }
    const entry = entryFor(sender, dm.allowFrom);
    if (entry) return { why: "dm-allowed", rule: ALLOW_FROM, fact: () => onTheList(sender, entry) };
    if (dm.policy === "pairing" && known.isPaired && !sender.automaton) {
      return { why: "dm-paired", rule: DM_POLICY, fact: () => `${nameOf(sender)} is paired` };
    }
    const need = needs();
    if (need === "owner" || need === "approver") {
      const right = rights.needed(need, place, sender, known);
      if (!right?.isTheirs) return undefined;
      return { why: need === "owner" ? "owner" : "allowed", rule: right.rule, fact: right.fact };
    }
    return need === undefined ? undefined : unlistedGrant();
  }

  function group(caller: Caller, ask: Ask, name: string | undefined): Granted | Refusal {
    const off = dmsAreOff(ask);
    if (off) return off;
    if (
      !ask("group", dm.groupEnabled, GROUP_ENABLED, () => `dm.groupEnabled is ${dm.groupEnabled}`)
    ) {
      return ignore("group-dm-disabled", GROUP_ENABLED);
    }
    const { groupChannels } = dm;
    const isListed = isGroupListed(groupChannels, caller.channelId, name);
    const fact = () =>
      groupChannels
        ? `the group ${name === undefined ? "" : `${quoted(name)} `}(${caller.channelId}) is ${
          isListed ? "listed" : "not listed"
        }`
        : "no groups are listed, so all are allowed";
    if (!ask("group-list", isListed, GROUP_CHANNELS, fact)) {
      return ignore("group-dm-not-listed", GROUP_CHANNELS);
    }
    const refusal = automatonIsRefused(caller, ask);
    if (refusal) return refusal;
    // In a group no unpaired sender gets a code. But the store, which settles challenges, knows pairings.
    const isChallenged = caller.isMessage && caller.isChallenged &&
      caller.known.isPaired === undefined;
    const access = directSender({ ...caller, isChallenged }, ask);
    return access.kind === "granted" && access.why.startsWith("dm-")
      ? { ...access, why: "group-dm-allowed" }
      : access;
  }

  return { direct, group };
}

/** Whether a group DM is listed; without a list, every group is. */
export function isGroupListed(
  entries: readonly GroupEntry[] | undefined,
  channelId: ChannelId,
  name: string | undefined,
): boolean {
  if (!entries) return true;
  return entries.some((entry) => {
    switch (entry.kind) {
      case "any":
        return true;
      case "channel":
        return entry.id === channelId;
      case "name":
        return name !== undefined && isFormOf(entry.name, name);
    }
  });
}

function notPaired({ isPaired }: KnownFacts): string {
  return isPaired === undefined
    ? ", and Barnacle does not know yet whether they are paired"
    : ", nor paired";
}
