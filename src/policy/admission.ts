/**
 * Whether a message is answered, and which rule says so.
 *
 * Nothing is fetched here and nothing is waited for: the message and the config
 * are all there is, so the same message has the same verdict today, in a test,
 * and in the demo. Whoever is not listed is turned away before anything else is
 * done with their words (P10).
 *
 * @module
 */

import type { InboundMessage, Sender } from "../core/inbound.ts";
import type { AcceptReason, IgnoreReason, Verdict } from "../core/verdict.ts";
import { type AllowEntry, prepareAllowlist } from "./allowlist.ts";
import { type AccessPolicy, rulesFor } from "./rules.ts";

/**
 * Prepares a policy for many messages.
 *
 * Each allowlist is indexed when it is first needed, so a verdict costs a few
 * look-ups whatever the config holds.
 */
export function prepareAdmission(policy: AccessPolicy): (message: InboundMessage) => Verdict {
  const lists = new Map<readonly AllowEntry[], (sender: Sender) => boolean>();

  function isOn(list: readonly AllowEntry[], sender: Sender): boolean {
    let allows = lists.get(list);
    if (!allows) lists.set(list, allows = prepareAllowlist(list));
    return allows(sender);
  }

  function admitDirect({ sender }: InboundMessage): Verdict {
    const { enabled, policy: dmPolicy, allowFrom } = policy.dm;
    if (!enabled) return ignore("dm-disabled", "channels.discord.dm.enabled");
    if (dmPolicy === "disabled") return ignore("dm-disabled", DM_POLICY);
    if (sender.automaton) return refuseAutomaton(sender.automaton);
    if (dmPolicy === "open") return accept("dm-allowed", DM_POLICY);
    if (isOn(allowFrom, sender)) return accept("dm-allowed", ALLOW_FROM);
    return ignore("dm-not-allowed", dmPolicy === "pairing" ? DM_POLICY : ALLOW_FROM);
  }

  function admitGroup(): Verdict {
    const rule = "channels.discord.dm.groupEnabled";
    return ignore(policy.dm.groupEnabled ? "rule-not-built" : "group-dm-disabled", rule);
  }

  function admitGuild(message: InboundMessage, rules: ReturnType<typeof rulesFor>): Verdict {
    if (rules.kind === "closed") return ignore(rules.why, rules.rule);
    const { sender, mention, text } = message;
    const { users, requireMention, intentFilter } = rules;
    if (sender.automaton) return refuseAutomaton(sender.automaton);
    if (users && !isOn(users.value, sender)) return ignore("sender-not-listed", users.rule);
    if (isEmpty(message)) return ignore("no-content", "channels.discord.gateway.intents");
    if (mention || policy.matchesPattern(text)) return accept("mentioned", requireMention.rule);
    if (requireMention.value) return overhear("no-mention", requireMention.rule);
    if (intentFilter.value) return overhear("rule-not-built", intentFilter.rule);
    return accept("mention-not-required", requireMention.rule);
  }

  function refuseAutomaton(automaton: NonNullable<Sender["automaton"]>): Verdict {
    return ignore(policy.allowBots ? "rule-not-built" : automaton, "channels.discord.allowBots");
  }

  return (message) => {
    const { place } = message;
    switch (place.kind) {
      case "dm":
        return admitDirect(message);
      case "group_dm":
        return admitGroup();
      case "guild":
        return admitGuild(message, rulesFor(place, policy));
    }
  };
}

const DM_POLICY = "channels.discord.dm.policy";
const ALLOW_FROM = "channels.discord.dm.allowFrom";

/**
 * Whether Discord withheld the words. It never does where the bot is mentioned,
 * so a bare mention is one; a reply that pings nobody comes without them (M5).
 */
function isEmpty({ text, extras, mention }: InboundMessage): boolean {
  if (mention === "user" || mention === "role") return false;
  return text.trim() === "" && extras.length === 0;
}

function accept(why: AcceptReason, rule: string): Verdict {
  return { kind: "accept", why, rule };
}

function ignore(why: IgnoreReason, rule: string): Verdict {
  return { kind: "ignore", why, rule, keepAsContext: false };
}

/** Not answered, but a later turn in the channel may see it. */
function overhear(why: IgnoreReason, rule: string): Verdict {
  return { kind: "ignore", why, rule, keepAsContext: true };
}
