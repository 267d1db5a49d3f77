/**
 * Decides who may talk to the bot in which place, for every kind of event (P2–P11, P13).
 *
 * Every event passes this check first. So if one kind of event is not allowed in a place, no other
 * kind is (P16).
 *
 * @module
 */

import type { CommandNeeds } from "../core/inbound/commands.ts";
import type { ChannelId } from "../core/discord/ids.ts";
import type { GuildPlace, Place, Sender } from "../core/inbound/inbound.ts";
import type { KnownFacts } from "../core/inbound/known_facts.ts";
import type { AcceptReason, Verdict } from "../core/inbound/verdict.ts";
import { quoted } from "../lib/text/quoted.ts";
import { type AllowEntry, entryText, prepareAllowlist } from "./allowlist.ts";
import { isFormOf } from "./entries.ts";
import { type Ask, ignore, nameOf } from "./checks.ts";
import type { Rights } from "./rights.ts";
import { type OpenPlace, rulesFor } from "./place_rules.ts";
import type { AccessPolicy, GroupEntry } from "./rules.ts";

/** The sender of an event, with its place. */
export interface Caller {
  /** The channel with its names. */
  readonly place: Place;
  /** Id of that channel, thread or direct message channel. */
  readonly channelId: ChannelId;
  /** The person, bot or webhook. */
  readonly sender: Sender;
  /** Facts known beside the event. */
  readonly moment: KnownFacts;
  /** Returns the right that the event's command needs; `undefined` if it is no command. */
  readonly needs: () => CommandNeeds | undefined;
  /** Whether a stranger may get a pairing code for this in a direct message. */
  readonly isChallenged: boolean;
  /** Whether it is a message, for which PluralKit can name the author. */
  readonly isMessage: boolean;
}

/** The sender may talk here. */
export interface Entered {
  /** Tells permission from a {@link Refusal}. */
  readonly kind: "entered";
  /** Reason of the verdict, unless a later check replaces it. */
  readonly why: AcceptReason;
  /** Config path of the rule that allows it. */
  readonly rule: string;
  /** The rules of the place; absent outside guilds. */
  readonly open?: OpenPlace;
}

/** The sender may not talk here, or not yet. */
export type Refusal = Exclude<Verdict, { readonly kind: "accept" }>;

/**
 * Discord's id of PluralKit's application. A webhook of another application is never PluralKit's
 * (SEC-R33).
 */
const PLURALKIT_APPLICATION = "466378653216014359";

const DM_ENABLED = "channels.discord.dm.enabled";
const DM_POLICY = "channels.discord.dm.policy";
const ALLOW_FROM = "channels.discord.dm.allowFrom";
const GROUP_ENABLED = "channels.discord.dm.groupEnabled";
const GROUP_CHANNELS = "channels.discord.dm.groupChannels";
const ALLOW_BOTS = "channels.discord.allowBots";
const LOOP_GUARD = "channels.discord.loopGuard";
const ACCESS_GROUPS = "commands.useAccessGroups";
const NO_SELF_TALK = "router.noSelfTalk";
/** Config path of the rule by which Barnacle asks PluralKit. */
export const PLURALKIT = "channels.discord.pluralkit.enabled";

/** Prepares a policy for many events. */
export function preparePlaceAccess(
  policy: AccessPolicy,
  rights: Rights,
): (caller: Caller, ask: Ask) => Entered | Refusal {
  const { dm, allowBots, asksPluralkit, commands } = policy;
  const lists = new Map<readonly AllowEntry[], (sender: Sender) => AllowEntry | undefined>();

  /** Indexes each list when it is first needed, so a verdict costs a few look-ups. */
  function entryFor(sender: Sender, list: readonly AllowEntry[]): AllowEntry | undefined {
    let find = lists.get(list);
    if (!find) lists.set(list, find = prepareAllowlist(list));
    return find(sender);
  }

  function direct(caller: Caller, ask: Ask): Entered | Refusal {
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

  function directSender(caller: Caller, ask: Ask): Entered | Refusal {
    const { sender, isChallenged, moment } = caller;
    const pass = directPass(caller);
    const canPair = dm.policy === "pairing";
    const rule = pass?.rule ?? (canPair ? DM_POLICY : ALLOW_FROM);
    const fact = pass?.fact ??
      (() => `${nameOf(sender)} is not on the list${canPair ? notPaired(moment) : ""}`);
    ask("sender", pass !== undefined, rule, fact);
    if (pass) return { kind: "entered", why: pass.why, rule };
    if (canPair && isChallenged && !sender.automaton) {
      return { kind: "challenge", why: "pairing", rule };
    }
    return ignore("dm-not-allowed", rule);
  }

  function directPass({ place, sender, moment, needs }: Caller): Pass | undefined {
    if (dm.policy === "open") {
      return { why: "dm-allowed", rule: DM_POLICY, fact: () => `dm.policy is "open"` };
    }
    const entry = entryFor(sender, dm.allowFrom);
    if (entry) return { why: "dm-allowed", rule: ALLOW_FROM, fact: () => onTheList(sender, entry) };
    if (dm.policy === "pairing" && moment.isPaired && !sender.automaton) {
      return { why: "dm-paired", rule: DM_POLICY, fact: () => `${nameOf(sender)} is paired` };
    }
    const need = needs();
    if (need === "owner" || need === "approver") {
      const right = rights.needed(need, place, sender, moment);
      if (!right?.isTheirs) return undefined;
      return { why: need === "owner" ? "owner" : "allowed", rule: right.rule, fact: right.fact };
    }
    return need === undefined ? undefined : unlistedPass();
  }

  /** Access for a command if the allow lists do not apply to commands (K3). */
  function unlistedPass(): Pass | undefined {
    if (commands.usesAccessGroups) return undefined;
    return {
      why: "command",
      rule: ACCESS_GROUPS,
      fact: () => "the lists do not hold for commands",
    };
  }

  function group(caller: Caller, ask: Ask, name: string | undefined): Entered | Refusal {
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
        : "every group is, for none are listed";
    if (!ask("group-list", isListed, GROUP_CHANNELS, fact)) {
      return ignore("group-dm-not-listed", GROUP_CHANNELS);
    }
    const refusal = automatonIsRefused(caller, ask);
    if (refusal) return refusal;
    // In a group no stranger gets a code. But the store, which settles challenges, knows pairings.
    const isChallenged = caller.isMessage && caller.isChallenged &&
      caller.moment.isPaired === undefined;
    const entered = directSender({ ...caller, isChallenged }, ask);
    return entered.kind === "entered" && entered.why.startsWith("dm-")
      ? { ...entered, why: "group-dm-allowed" }
      : entered;
  }

  function guild(caller: Caller, ask: Ask, place: GuildPlace): Entered | Refusal {
    const rules = rulesFor(place, policy, ask);
    if (rules.kind === "closed") return ignore(rules.why, rules.rule);
    return pluralkitIsAsked(caller, ask) ?? automatonIsRefused(caller, ask) ??
      guildSender(caller, ask, rules);
  }

  function pluralkitIsAsked(
    { sender, moment: { pluralkit }, isMessage }: Caller,
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
  ): Entered | Refusal {
    const { users } = open;
    if (!users) return { kind: "entered", why: "allowed", rule: open.rule, open };
    const entry = entryFor(sender, users.value);
    const pass = entry || needs() === undefined ? undefined : unlistedPass();
    const rule = pass?.rule ?? users.rule;
    const fact = pass?.fact ??
      (() => entry ? onTheList(sender, entry) : `${nameOf(sender)} is not on the list`);
    if (!ask("sender", entry !== undefined || pass !== undefined, rule, fact)) {
      return ignore("sender-not-listed", rule);
    }
    return { kind: "entered", why: "allowed", rule, open };
  }

  function automatonIsRefused({ sender, moment }: Caller, ask: Ask): Refusal | undefined {
    const { automaton } = sender;
    if (!automaton) return undefined;
    const fact = () => `${nameOf(sender)} is a ${automaton}, and allowBots is ${allowBots}`;
    if (!ask("bots", allowBots, ALLOW_BOTS, fact)) return ignore(automaton, ALLOW_BOTS);
    const isHeard = moment.isMuted !== true;
    const loop = () => `bots only have spoken here of late: ${isHeard ? "not so" : "so it is"}`;
    return ask("loop", isHeard, LOOP_GUARD, loop) ? undefined : ignore("loop-guard", LOOP_GUARD);
  }

  return (caller, ask) => {
    const { place, sender, moment } = caller;
    if (moment.isOurs) {
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

/** The reason for which a sender gets access. */
interface Pass {
  readonly why: AcceptReason;
  readonly rule: string;
  readonly fact: () => string;
}

const PLURALKIT_SAYS = {
  unasked: "PluralKit posted it, and was not asked yet for whom",
  found: "PluralKit knows it, and this is the webhook's own word all the same",
  none: "PluralKit does not know it, so it is a webhook's",
  failed: "PluralKit did not say in time whose it is, so it is a webhook's",
} as const;

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

function onTheList(sender: Sender, entry: AllowEntry): string {
  return `${nameOf(sender)} is on the list as ${quoted(entryText(entry))}`;
}

function notPaired({ isPaired }: KnownFacts): string {
  return isPaired === undefined ? ", and whether they are paired is not known yet" : ", nor paired";
}
