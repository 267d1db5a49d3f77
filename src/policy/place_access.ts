/**
 * Decides who may talk to the bot in which place, for every kind of event: in guilds, direct messages
 * and group DMs (P2–P11, P13).
 *
 * Every event passes this check first. So if one kind of event is not allowed in a place, no other
 * kind is (P16).
 *
 * It also decides where the bot may act: for any author, so that catch-up skips all other places
 * (G6), and for the person whose turn acts in another channel (T5): the config may close it, or
 * open it to some people only.
 */

import type { ChannelId } from "../core/discord/ids.ts";
import type { KnownFacts } from "../core/inbound/inbox.ts";
import type { CommandNeeds, GuildPlace, Place, Sender } from "../core/inbound/inbound.ts";
import { type AcceptReason, ignored, type Verdict } from "../core/inbound/inbox.ts";
import { quoted } from "../lib/text/quoted.ts";
import { prepareRights, type Rights } from "./rights.ts";
import { type AllowEntry, entryText, prepareAllowlist } from "./rules/allowlist.ts";
import { isFormOf, nameOf, type RecordCheck, recordNothing } from "./rules/checks.ts";
import { type OpenPlace, rulesFor } from "./rules/rules.ts";
import type { AccessPolicy, GroupEntry } from "./rules/rules.ts";

interface AccessGrant {
  readonly why: AcceptReason;
  /** Config path that gives access. */
  readonly rule: string;
  /** Writes the observed fact, for the operator. */
  readonly fact: () => string;
}

const ALLOW_BOTS = "channels.discord.allowBots";
const LOOP_GUARD = "channels.discord.loopGuard";
const ACCESS_GROUPS = "commands.useAccessGroups";

/** Prepares a policy's allow lists and its rules for bots. */
function prepareSenders({ allowBots, commands }: AccessPolicy) {
  const lists = new Map<readonly AllowEntry[], (sender: Sender) => AllowEntry | undefined>();
  return {
    /** Indexes each list when it is first needed, so a verdict costs a few look-ups. */
    entryFor(sender: Sender, list: readonly AllowEntry[]): AllowEntry | undefined {
      let find = lists.get(list);
      if (!find) lists.set(list, find = prepareAllowlist(list));
      return find(sender);
    },
    /** Access for a command if the allow lists do not apply to commands (K3); else `undefined`. */
    unlistedGrant(): AccessGrant | undefined {
      if (commands.usesAccessGroups) return undefined;
      return {
        why: "command",
        rule: ACCESS_GROUPS,
        fact: () => "the allow lists do not apply to commands",
      };
    },
    /** Refuses a bot or webhook that the policy does not let in, or that the loop guard mutes. */
    automatonIsRefused({ sender, known }: Caller, ask: RecordCheck): AccessRefusal | undefined {
      const { automaton } = sender;
      if (!automaton) return undefined;
      const fact = () => `${nameOf(sender)} is a ${automaton}, and allowBots is ${allowBots}`;
      if (!ask("bots", allowBots, ALLOW_BOTS, fact)) return ignored(automaton, ALLOW_BOTS);
      const isAllowed = known.isMuted !== true;
      const loop = () =>
        isAllowed
          ? "the last messages here are not only by bots"
          : "the last messages here are all by bots, so none of them is answered until a person " +
            "writes or they have been quiet";
      return ask("loop", isAllowed, LOOP_GUARD, loop)
        ? undefined
        : ignored("loop-guard", LOOP_GUARD);
    },
  };
}

/** The fact that a sender is on an allow list, for the operator. */
function onTheList(sender: Sender, entry: AllowEntry): string {
  return `${nameOf(sender)} is on the list as ${quoted(entryText(entry))}`;
}

interface Caller {
  readonly place: Place;
  /** Id of that channel, thread or direct message channel. */
  readonly channelId: ChannelId;
  readonly sender: Sender;
  readonly known: KnownFacts;
  /** Returns the right that the event's command needs; `undefined` if it is no command. */
  readonly needs: () => CommandNeeds | undefined;
  /** Whether an unpaired sender may get a pairing code for this in a direct message. */
  readonly isChallenged: boolean;
  /** Whether it is a message, for which PluralKit can name the author. */
  readonly isMessage: boolean;
}

export interface Granted {
  readonly kind: "granted";
  /** Reason of the verdict, unless a later check replaces it. */
  readonly why: AcceptReason;
  readonly rule: string;
  /** The rules of the place; absent outside guilds. */
  readonly open?: OpenPlace;
}

/** The sender may not talk here, or not yet. */
type AccessRefusal = Exclude<Verdict, { readonly kind: "accept" }>;

/**
 * Discord's id of PluralKit's application. A webhook of another application is never PluralKit's
 * (SEC-R33).
 */
const PLURALKIT_APPLICATION = "466378653216014359";

const NO_SELF_TALK = "router.noSelfTalk";
/** Config path of the rule by which Barnacle asks PluralKit. */
export const PLURALKIT = "channels.discord.pluralkit.enabled";

export function preparePlaceAccess(
  policy: AccessPolicy,
  rights: Rights,
): (caller: Caller, ask: RecordCheck) => Granted | AccessRefusal {
  const { asksPluralkit } = policy;
  const senders = prepareSenders(policy);
  const { entryFor, unlistedGrant, automatonIsRefused } = senders;
  const { decideDirect, decideGroup } = prepareDirectAccess(policy, rights, senders);

  function decideGuild(
    caller: Caller,
    ask: RecordCheck,
    place: GuildPlace,
  ): Granted | AccessRefusal {
    const rules = rulesFor(place, policy, ask);
    if (rules.kind === "closed") return ignored(rules.why, rules.rule);
    return pluralkitIsAsked(caller, ask) ?? automatonIsRefused(caller, ask) ??
      guildSender(caller, ask, rules);
  }

  function pluralkitIsAsked(
    { sender, known: { pluralkit }, isMessage }: Caller,
    ask: RecordCheck,
  ): AccessRefusal | undefined {
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
    ask: RecordCheck,
    open: OpenPlace,
  ): Granted | AccessRefusal {
    const { users } = open;
    if (!users) return { kind: "granted", why: "allowed", rule: open.rule, open };
    const entry = entryFor(sender, users.value);
    const grant = entry || needs() === undefined ? undefined : unlistedGrant();
    const rule = grant?.rule ?? users.rule;
    const fact = grant?.fact ??
      (() => entry ? onTheList(sender, entry) : `${nameOf(sender)} is not on the list`);
    if (!ask("sender", entry !== undefined || grant !== undefined, rule, fact)) {
      return ignored("sender-not-listed", rule);
    }
    return { kind: "granted", why: "allowed", rule, open };
  }

  return (caller, ask) => {
    const { place, sender, known } = caller;
    if (known.isOurs) {
      ask("own", false, NO_SELF_TALK, () => `${nameOf(sender)} is an account of this Barnacle`);
      return ignored("own", NO_SELF_TALK);
    }
    switch (place.kind) {
      case "dm":
        return decideDirect(caller, ask);
      case "group_dm":
        return decideGroup(caller, ask, place.name);
      case "guild":
        return decideGuild(caller, ask, place);
    }
  };
}

const PLURALKIT_SAYS = {
  unasked: "PluralKit posted it, and Barnacle has not asked yet for the author",
  found: "PluralKit knows it, but it counts as the webhook's message",
  none: "PluralKit does not know it, so it counts as a webhook's message",
  failed: "PluralKit did not answer in time, so it counts as a webhook's message",
} as const;

const DM_ENABLED = "channels.discord.dm.enabled";
const DM_POLICY = "channels.discord.dm.policy";
const ALLOW_FROM = "channels.discord.dm.allowFrom";
const GROUP_ENABLED = "channels.discord.dm.groupEnabled";
const GROUP_CHANNELS = "channels.discord.dm.groupChannels";

/** Prepares a policy's rules for direct messages and group DMs. */
function prepareDirectAccess(
  { dm }: AccessPolicy,
  rights: Rights,
  { entryFor, unlistedGrant, automatonIsRefused }: ReturnType<typeof prepareSenders>,
) {
  function decideDirect(caller: Caller, ask: RecordCheck): Granted | AccessRefusal {
    return dmsAreOff(ask) ?? automatonIsRefused(caller, ask) ?? directSender(caller, ask);
  }

  function dmsAreOff(ask: RecordCheck): AccessRefusal | undefined {
    if (!ask("dm", dm.enabled, DM_ENABLED, () => `dm.enabled is ${dm.enabled}`)) {
      return ignored("dm-disabled", DM_ENABLED);
    }
    const isOn = dm.policy !== "disabled";
    if (!ask("dm-policy", isOn, DM_POLICY, () => `dm.policy is "${dm.policy}"`)) {
      return ignored("dm-disabled", DM_POLICY);
    }
    return undefined;
  }

  function directSender(caller: Caller, ask: RecordCheck): Granted | AccessRefusal {
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
    return ignored("dm-not-allowed", rule);
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
    const owner = dm.policy === "pairing" && rights.needed("owner", place, sender, known);
    // Only owners approve, so an owner would approve themselves.
    if (owner && owner.isTheirs) return { why: "dm-allowed", rule: owner.rule, fact: owner.fact };
    const need = needs();
    if (need === "owner" || need === "approver") {
      const right = rights.needed(need, place, sender, known);
      if (!right?.isTheirs) return undefined;
      return { why: need === "owner" ? "owner" : "allowed", rule: right.rule, fact: right.fact };
    }
    return need === undefined ? undefined : unlistedGrant();
  }

  function decideGroup(
    caller: Caller,
    ask: RecordCheck,
    name: string | undefined,
  ): Granted | AccessRefusal {
    const off = dmsAreOff(ask);
    if (off) return off;
    if (
      !ask("group", dm.groupEnabled, GROUP_ENABLED, () => `dm.groupEnabled is ${dm.groupEnabled}`)
    ) {
      return ignored("group-dm-disabled", GROUP_ENABLED);
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
      return ignored("group-dm-not-listed", GROUP_CHANNELS);
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

  return { decideDirect, decideGroup };
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
