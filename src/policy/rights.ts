/**
 * Decides who may do more than talk (P10, K3).
 *
 * Rights belong to the owners and approvers that the config names for all of Barnacle. A guild's
 * `users` list gives no right: it only says whose messages count there.
 */

import type { CommandNeeds, InboundMessage, Place, Sender } from "../core/inbound/inbound.ts";
import type { IgnoreReason, KnownFacts } from "../core/inbound/inbox.ts";
import { type AllowEntry, prepareAllowlist } from "./rules/allowlist.ts";
import { nameOf } from "./rules/checks.ts";
import { rulesFor } from "./rules/rules.ts";
import type { AccessPolicy } from "./rules/rules.ts";
import { oncePer } from "../lib/cache.ts";

export interface Right {
  readonly isTheirs: boolean;
  readonly why: IgnoreReason & ("not-manager" | "not-owner" | "not-approver");
  readonly rule: string;
  /** Writes the observed fact, for the operator. */
  readonly fact: () => string;
}

const OWNERS = "commands.ownerAllowFrom";
const APPROVERS = "channels.discord.execApprovals.approvers";

/** Prepares a policy's owners and approvers for many checks. */
export function prepareRights({ commands: { owners }, approvers }: AccessPolicy) {
  const approverIds = new Set<string>(approvers);
  const isListed = owners && prepareOwners(owners);

  function isOwner(sender: Sender, { ownsApplication }: KnownFacts): boolean {
    if (isListed) return isListed(sender);
    return !sender.automaton && ownsApplication === true;
  }

  const ownerRight = (sender: Sender, known: KnownFacts): Right => {
    const isTheirs = isOwner(sender, known);
    return {
      isTheirs,
      why: "not-owner",
      rule: OWNERS,
      fact: () =>
        `${nameOf(sender)} is ${isTheirs ? "" : "not "}${
          owners ? "on the list of owners" : "an owner of the application at Discord"
        }`,
    };
  };

  return {
    isOwner,
    /**
     * Checks the right that a command needs.
     *
     * @returns `undefined` if each person who may talk has it.
     */
    needed(
      needs: CommandNeeds,
      place: Place,
      sender: Sender,
      known: KnownFacts,
    ): Right | undefined {
      switch (needs) {
        case "everyone":
          return undefined;
        case "owner":
          return ownerRight(sender, known);
        case "approver": {
          const isTheirs = !sender.automaton && approverIds.has(sender.id);
          const fact = () =>
            `${nameOf(sender)} is ${isTheirs ? "" : "not "}on the list of approvers`;
          return { isTheirs, why: "not-approver", rule: APPROVERS, fact };
        }
        case "session": {
          if (place.kind !== "guild") return undefined;
          const manages = known.managesMessages === true;
          const isTheirs = manages || isOwner(sender, known);
          const fact = () =>
            manages
              ? `${nameOf(sender)} may manage messages here`
              : `${nameOf(sender)} may not manage messages here, and is ${
                isTheirs ? "an owner" : "no owner"
              }`;
          return { isTheirs, why: "not-manager", rule: OWNERS, fact };
        }
      }
    },
  };
}

export type Rights = ReturnType<typeof prepareRights>;

/** Prepares the list of owners: whether it makes a sender an owner. */
function prepareOwners(owners: readonly AllowEntry[]): (sender: Sender) => boolean {
  const ownerEntry = prepareAllowlist(owners.filter(namesOnePerson));
  return (sender) => {
    if (sender.automaton) return false;
    const entry = ownerEntry(sender);
    // A PluralKit member's name is not unique, so only an id makes a member an owner.
    return entry !== undefined && !(sender.pluralkit && entry.kind === "name");
  };
}

/** An owner is one person, so roles and `"*"` make none. */
export function namesOnePerson({ kind }: AllowEntry): boolean {
  return kind === "user" || kind === "pluralkit" || kind === "name";
}

/**
 * Whether the system prompt calls the sender the owner in this place.
 *
 * True if the sender is on the list of owners, or if the place's list names the sender other than by
 * a role or `"*"`. It is a hint to the model and gives no right (P10).
 */
export function isOwnerHint({ place, sender }: InboundMessage, policy: AccessPolicy): boolean {
  if (sender.automaton) return false;
  const { owners } = policy.commands;
  if (owners && ownersIn(owners)(sender)) return true;
  const lists = listsOf(place, policy);
  return lists.length > 0 && lists.every((list) => {
    const entry = entryIn(list)(sender);
    return entry !== undefined && namesOnePerson(entry);
  });
}

/** Prepares each list once, because each turn asks, and a list may contain a whole community. */
const ownersIn = oncePer(prepareOwners);
const entryIn = oncePer(prepareAllowlist);

function listsOf(place: Place, policy: AccessPolicy): readonly (readonly AllowEntry[])[] {
  if (place.kind !== "guild") return [policy.dm.allowFrom];
  const rules = rulesFor(place, policy);
  return rules.kind === "open" && rules.users ? [rules.users.value] : [];
}
