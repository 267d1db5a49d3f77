/** Finds the passive agents that a message makes act, by their channels and triggers (N1). */

import type { InboundMessage } from "../core/inbound/inbound.ts";
import type { Triggered } from "../core/inbound/triggered.ts";
import { recordNothing } from "./rules/checks.ts";
import { prepareAssigned } from "./router.ts";
import type { AccessPolicy } from "./rules/rules.ts";

/** An agent with its first trigger that matches. */
export type TriggerMatch = Pick<Triggered, "agentId" | "kind" | "rule">;

/** Finds them, in the order of the config. Who wrote the message does not count here. */
export type FindTriggers = (
  message: Pick<InboundMessage, "channelId" | "place" | "text">,
) => readonly TriggerMatch[];

const NONE: readonly TriggerMatch[] = [];

/** A command that a text gives: `"/standup"` and `"/standup for today"`. */
const COMMAND = /^\s*\/([\w-]{1,32})(?=\s|$)/;

/** Prepares the search for many messages. */
export function prepareTriggers(
  { passive, patternsIn }: Pick<AccessPolicy, "passive" | "patternsIn">,
): FindTriggers {
  const agents = passive.map(({ agentId, channels, triggers }) => ({
    agentId,
    watches: prepareAssigned(channels),
    triggers,
  }));
  if (agents.length === 0) return () => NONE;
  return (message) => {
    if (message.place.kind !== "guild") return NONE;
    const watching = agents.filter(({ watches }) => watches(message, recordNothing));
    if (watching.length === 0) return NONE;
    const patterns = patternsIn(message.text);
    const command = COMMAND.exec(message.text)?.[1]?.toLowerCase();
    return watching.flatMap(({ agentId, triggers }): readonly TriggerMatch[] => {
      const found = triggers.find(({ kind, rule, word }) =>
        kind === "pattern" ? patterns.includes(rule) : kind === "command" && word === command
      );
      return found ? [{ agentId, kind: found.kind, rule: found.rule }] : [];
    });
  };
}
