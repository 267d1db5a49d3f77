/** Finds the passive agents that a message makes act, by their channels and triggers (N1). */

import { reactionEmoji } from "../core/discord/emoji.ts";
import type { InboundMessage } from "../core/inbound/inbound.ts";
import type { Reaction } from "../core/inbound/reactions.ts";
import type { Triggered } from "../core/inbound/triggered.ts";
import { recordNothing } from "./rules/checks.ts";
import { prepareAssigned } from "./router.ts";
import type { AccessPolicy } from "./rules/rules.ts";

type TriggerMatch = Pick<Triggered, "agentId" | "event" | "rule">;

/** Finds them, in the order of the config. Who wrote the message does not count here. */
type FindTriggers = (
  message: Pick<InboundMessage, "channelId" | "place" | "text">,
) => readonly TriggerMatch[];

/** The same for a reaction that a person adds. */
type FindReactionTriggers = (
  reaction: Pick<Reaction, "channelId" | "place" | "emoji">,
) => readonly TriggerMatch[];

const NONE: readonly TriggerMatch[] = [];

/** A command that a text gives: `"/standup"` and `"/standup for today"`. */
const COMMAND = /^\s*\/([\w-]{1,32})(?=\s|$)/;

/** Prepares the search for many messages and reactions. */
export function prepareTriggers(
  { passive, patternsIn }: Pick<AccessPolicy, "passive" | "patternsIn">,
): { readonly inMessage: FindTriggers; readonly byReaction: FindReactionTriggers } {
  const agents = passive.map(({ agentId, channels, triggers }) => ({
    agentId,
    watches: prepareAssigned(channels),
    triggers,
  }));
  const watchingIn = (at: Pick<InboundMessage, "channelId" | "place">) =>
    at.place.kind === "guild" ? agents.filter(({ watches }) => watches(at, recordNothing)) : [];

  function inMessage(message: Parameters<FindTriggers>[0]): readonly TriggerMatch[] {
    const watching = agents.length === 0 ? [] : watchingIn(message);
    if (watching.length === 0) return NONE;
    const patterns = patternsIn(message.text);
    const command = COMMAND.exec(message.text)?.[1]?.toLowerCase();
    return watching.flatMap(({ agentId, triggers }): readonly TriggerMatch[] => {
      const found = triggers.find(({ kind, rule, word }) =>
        kind === "pattern" ? patterns.includes(rule) : kind === "command" && word === command
      );
      return found ? [{ agentId, event: found.kind, rule: found.rule }] : [];
    });
  }

  function byReaction(reaction: Parameters<FindReactionTriggers>[0]): readonly TriggerMatch[] {
    const emoji = comparable(reaction.emoji);
    return watchingIn(reaction).flatMap(({ agentId, triggers }): readonly TriggerMatch[] => {
      const found = triggers.find(({ kind, word }) =>
        kind === "reaction" && comparable(word) === emoji
      );
      return found ? [{ agentId, event: "reaction", rule: found.rule }] : [];
    });
  }

  return { inMessage, byReaction };
}

/** An emoji in Discord's spelling; an animated one is as its still one. */
function comparable(emoji: string): string {
  return reactionEmoji(emoji).replace(/^<a:/, "<:");
}
