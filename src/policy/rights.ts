/**
 * Who may do more than talk (P10, K3).
 *
 * Rights belong to the owners and the approvers that are written for all of Barnacle, never to
 * whoever a guild's `users` lets in: a list that a channel has is a list of whom to hear.
 *
 * @module
 */

import type { CommandNeeds } from "../core/inbound/commands.ts";
import type { InboundMessage, Place, Sender } from "../core/inbound/inbound.ts";
import type { KnownFacts } from "../core/inbound/known_facts.ts";
import type { IgnoreReason } from "../core/inbound/verdict.ts";
import { type AllowEntry, prepareAllowlist } from "./allowlist.ts";
import { nameOf } from "./checks.ts";
import { type AccessPolicy, rulesFor } from "./rules.ts";

/** Whether somebody has what a command needs; `why` not, and the rule that says so. */
export interface Right {
  readonly isTheirs: boolean;
  readonly why: IgnoreReason & ("not-manager" | "not-owner" | "not-approver");
  readonly rule: string;
  readonly fact: () => string;
}

export interface Rights {
  /** @returns `undefined` where nothing is needed but to be somebody who may talk. */
  needed(
    needs: CommandNeeds,
    place: Place,
    sender: Sender,
    moment: KnownFacts,
  ): Right | undefined;
}

const OWNERS = "commands.ownerAllowFrom";
const APPROVERS = "channels.discord.execApprovals.approvers";

export function prepareRights(
  { commands: { owners }, approvers }: Pick<AccessPolicy, "commands" | "approvers">,
): Rights {
  const approverIds = new Set<string>(approvers);
  const ownerEntry = owners && prepareAllowlist(owners.filter(namesOnePerson));

  /** A PluralKit member's name is nobody's alone, so only an id makes a member an owner. */
  function isOwner(sender: Sender, { ownsApplication }: KnownFacts): boolean {
    if (sender.automaton) return false;
    if (!ownerEntry) return ownsApplication === true;
    const entry = ownerEntry(sender);
    return entry !== undefined && !(sender.pluralkit && entry.kind === "name");
  }

  const ownerRight = (sender: Sender, moment: KnownFacts): Right => {
    const isTheirs = isOwner(sender, moment);
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
    needed(needs, place, sender, moment) {
      switch (needs) {
        case "everybody":
          return undefined;
        case "owner":
          return ownerRight(sender, moment);
        case "approver": {
          const isTheirs = !sender.automaton && approverIds.has(sender.id);
          const fact = () =>
            `${nameOf(sender)} is ${isTheirs ? "" : "not "}on the list of approvers`;
          return { isTheirs, why: "not-approver", rule: APPROVERS, fact };
        }
        case "session": {
          if (place.kind !== "guild") return undefined;
          const manages = moment.managesMessages === true;
          const isTheirs = manages || isOwner(sender, moment);
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

/** What an owner may be written as: an owner is one person, not everybody, and no role. */
function namesOnePerson({ kind }: AllowEntry): boolean {
  return kind === "user" || kind === "pluralkit" || kind === "name";
}

/**
 * Whether the system prompt calls the sender the owner in this place: the list of the place names
 * them, and not as one of a role or of everybody. A hint to the model; no right comes of it (P10).
 */
export function isOwnerHint({ place, sender }: InboundMessage, policy: AccessPolicy): boolean {
  if (sender.automaton) return false;
  const list = listOf(place, policy);
  const entry = list && prepareAllowlist(list)(sender);
  return entry !== undefined && namesOnePerson(entry);
}

function listOf(place: Place, policy: AccessPolicy): readonly AllowEntry[] | undefined {
  if (place.kind !== "guild") return policy.dm.allowFrom;
  const rules = rulesFor(place, policy);
  return rules.kind === "open" ? rules.users?.value : undefined;
}
