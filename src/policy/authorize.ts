/**
 * One gate for every kind of event that the intents bring (P16, SEC-R15).
 *
 * Whatever somebody does, the same door asks first whether they may talk to the bot in that place;
 * only then does what they do matter. A kind of event that is new does not compile until it says
 * what it asks for.
 *
 * @module
 */

import type { CommandNeeds } from "../core/inbound/commands.ts";
import type { Check, Explanation, RecalledMessage } from "../core/inbound/facts.ts";
import type { ChannelId } from "../core/discord/ids.ts";
import type { InboundMessage, Place, Sender } from "../core/inbound/inbound.ts";
import type { KnownFacts } from "../core/inbound/known_facts.ts";
import type { Verdict } from "../core/inbound/verdict.ts";
import { prepareMessages } from "./admission.ts";
import { type AllowEntry, prepareAllowlist } from "./allowlist.ts";
import { type Entered, preparePlaceAccess } from "./place_access.ts";
import { type Ask, ignore, nameOf, noting, silently } from "./checks.ts";
import { prepareRights } from "./rights.ts";
import type { AccessPolicy } from "./rules.ts";

/** Where somebody did something, and who it was. */
interface Doing {
  readonly place: Place;
  readonly channelId: ChannelId;
  readonly sender: Sender;
}

export type AccessEvent =
  | { readonly kind: "message" | "edit"; readonly message: InboundMessage | RecalledMessage }
  /** `on`: a message of the bot's, or another's. */
  | Doing & { readonly kind: "reaction"; readonly on: "own" | "other" }
  | Doing & {
    readonly kind: "button" | "select" | "modal" | "slash";
    readonly needs: CommandNeeds;
  }
  | Doing & { readonly kind: "thread_create" };

export type AccessEventKind = AccessEvent["kind"];

/** @param moment What is known beside the event; nothing, where it is left out. */
export type Authorize = (event: AccessEvent, moment?: KnownFacts) => Verdict;

/** Prepares a policy for many events. */
export function prepareAuthorize(policy: AccessPolicy): Authorize {
  const judge = prepareEvents(policy);
  return (event, moment = {}) => {
    const verdict = judge(event, moment, silently);
    return { ...verdict, rule: policy.ruleOf(verdict.rule) };
  };
}

/** The verdict of {@link prepareAuthorize}, with every question that was asked on the way. */
export function explain(event: AccessEvent, moment: KnownFacts, policy: AccessPolicy): Explanation {
  const checks: Check[] = [];
  const verdict = prepareEvents(policy)(event, moment, noting(checks, policy.ruleOf));
  return { verdict: { ...verdict, rule: policy.ruleOf(verdict.rule) }, checks };
}

function prepareEvents(
  policy: AccessPolicy,
): (event: AccessEvent, moment: KnownFacts, ask: Ask) => Verdict {
  const judgeMessage = prepareMessages(policy);
  const rights = prepareRights(policy);
  const enter = preparePlaceAccess(policy, rights);

  /** What a place asks of a reaction, once its sender may talk there (H5). */
  function reaction(
    { sender, on }: AccessEvent & { readonly kind: "reaction" },
    { open, rule }: Entered,
    ask: Ask,
  ): Verdict {
    const mode = open?.reactionNotifications ?? { value: "own", rule: DMS };
    const isHeard = hears(mode.value, on, sender, open?.guildUsers?.value);
    const fact = () =>
      `reactions are heard: "${mode.value}"; ${nameOf(sender)} reacts to ${
        on === "own" ? "a message of the bot's" : "another's message"
      }`;
    if (!ask("reactions", isHeard, mode.rule, fact)) return ignore("reactions-off", mode.rule);
    return { kind: "accept", why: "allowed", rule };
  }

  function command(
    { place, sender, needs }: Doing & { readonly needs: CommandNeeds },
    moment: KnownFacts,
    { rule }: Entered,
    ask: Ask,
  ): Verdict {
    const right = rights.needed(needs, place, sender, moment);
    if (!right) return { kind: "accept", why: "allowed", rule };
    if (!ask("rights", right.isTheirs, right.rule, right.fact)) {
      return ignore(right.why, right.rule);
    }
    return { kind: "accept", why: needs === "owner" ? "owner" : "allowed", rule: right.rule };
  }

  return (event, moment, ask) => {
    if ("message" in event) {
      return judgeMessage(event.message, moment, ask, event.kind === "edit");
    }
    const { place, channelId, sender } = event;
    const caller = {
      place,
      channelId,
      sender,
      moment,
      needs: () => "needs" in event ? event.needs : undefined,
      isChallenged: event.kind === "slash", // the one of these that a stranger can begin with
      isMessage: false,
    };
    const entered = enter(caller, ask);
    if (entered.kind !== "entered") return entered;
    switch (event.kind) {
      case "reaction":
        return reaction(event, entered, ask);
      case "button":
      case "select":
      case "modal":
      case "slash":
        return command(event, moment, entered, ask);
      case "thread_create":
        return { kind: "accept", why: "allowed", rule: entered.rule };
    }
  };
}

/** Direct messages have no key of their own for reactions: those on the bot's messages count. */
const DMS = "channels.discord.dm";

function hears(
  mode: "off" | "own" | "all" | "allowlist",
  on: "own" | "other",
  sender: Sender,
  users: readonly AllowEntry[] | undefined,
): boolean {
  switch (mode) {
    case "off":
      return false;
    case "own":
      return on === "own";
    case "all":
      return true;
    case "allowlist":
      return users !== undefined && prepareAllowlist(users)(sender) !== undefined;
  }
}
