/**
 * Cleans texts of the model for cards as for answers: secrets, mentions and links (R9).
 *
 * @module
 */

import type { Config } from "../../config/config.ts";
import type { InboundMessage } from "../../core/inbound/inbound.ts";
import { composeToolMessage } from "../../render/tool_message.ts";
import { toolTextRules, type TurnRulesPorts } from "../rules/turn_rules.ts";

/** A text of the model for people, as an answer would have it. */
export function cleanText(
  message: InboundMessage,
  text: string,
  config: Config,
  ports: Pick<TurnRulesPorts, "cleanSecrets" | "uploadLimit" | "takesFiles">,
): string {
  const rules = toolTextRules(config, message, ports);
  const agentId = config.agent.id;
  const composed = composeToolMessage({ ...message, message, agentId, callKey: "", text }, rules);
  return (composed ?? []).map(({ message: { content } }) => content).join("\n");
}
