/**
 * Judges a message, and adds everything that T1 stores with it.
 *
 * @module
 */

import type { Judged, Judgement, Route } from "../../core/inbound/inbox.ts";
import type { InboundMessage } from "../../core/inbound/inbound.ts";
import type { Verdict } from "../../core/inbound/verdict.ts";
import type { Log } from "../../lib/log.ts";

/**
 * `live`: the message arrived just now. `not_live`: it is no turn of a live conversation. Catch-up
 * read it from a channel's history, or it is a scheduled one, a question by a command or an edit.
 */
export type Source = "live" | "not_live";

/** Everything that judging needs from outside. */
export interface JudgePorts {
  /** Judges a message by the current policy and the known facts. */
  readonly judge: (
    message: InboundMessage,
    source: Source,
  ) => Judgement;
  /** Finds the agent and the session for a message. */
  readonly route: (message: InboundMessage) => Route;
  /** The request to stop turns that an accepted message makes; absent: none does. */
  readonly stop?: (message: InboundMessage) => Judged["stop"];
  /** Gets each message that is not accepted, at debug level. */
  readonly log: Log;
}

/**
 * Judges a message. Every message that is not ignored has a route: it gets an answer, or may get
 * one once Barnacle has more facts.
 *
 * @param judgeAs Replaces the policy's verdict; default: keeps it.
 */
export function judgeMessage(
  message: InboundMessage,
  source: Source,
  { judge, route, stop, log }: JudgePorts,
  judgeAs = (_: InboundMessage, verdict: Verdict) => verdict,
): Judged {
  const judged = judge(message, source);
  const verdict = judgeAs(message, judged.verdict);
  if (verdict.kind !== "accept") {
    const { id: messageId, channelId, sender: { id: authorId } } = message;
    const { kind, why, rule } = verdict;
    const event = kind === "ignore" ? "A message is not answered" : "A message is not decided yet";
    log.debug(event, { messageId, channelId, authorId, why, rule });
  }
  const isRouted = verdict.kind !== "ignore";
  if (verdict.kind === "ignore" && verdict === judged.verdict) {
    const { knownFacts, policyId, command } = judged;
    // As most are: written out, since a spread costs more.
    if (knownFacts && policyId !== undefined && command === undefined) {
      return { message, verdict, knownFacts, policyId };
    }
    return {
      message,
      verdict,
      knownFacts,
      policyId,
      command,
    };
  }
  const request = verdict.kind === "accept" && source === "live" ? stop?.(message) : undefined;
  return {
    ...judged,
    message,
    verdict,
    stop: request,
    policyVerdict: verdict !== judged.verdict ? judged.verdict : undefined,
    route: isRouted ? route(message) : undefined,
  };
}
