/**
 * A message with all that T1 stores of it: what was decided, and who would answer.
 *
 * @module
 */

import type { Judged, Route } from "../../core/inbound/inbox.ts";
import type { InboundMessage } from "../../core/inbound/inbound.ts";
import type { Verdict } from "../../core/inbound/verdict.ts";
import type { Log } from "../../lib/log.ts";

/** Whether somebody says it now, or it was found in a channel's history. */
export type Source = "live" | "found";

export interface JudgePorts {
  readonly judge: (
    message: InboundMessage,
    source: Source,
  ) => Pick<Judged, "verdict" | "moment" | "policyId">;
  readonly route: (message: InboundMessage) => Route;
  readonly log: Log;
}

/**
 * Judges a message; what is not ignored has a route, for it is answered, or may be once more is
 * known.
 *
 * @param judgeAs What becomes of a verdict here.
 */
export function toJudged(
  message: InboundMessage,
  source: Source,
  { judge, route, log }: JudgePorts,
  judgeAs = (_: InboundMessage, verdict: Verdict) => verdict,
): Judged {
  const judged = judge(message, source);
  const verdict = judgeAs(message, judged.verdict);
  if (verdict.kind !== "accept") {
    const { id: messageId, channelId, sender: { id: authorId } } = message;
    const { kind, why, rule } = verdict;
    const said = kind === "ignore" ? "A message is not answered" : "A message is not decided yet";
    log.debug(said, { messageId, channelId, authorId, why, rule });
  }
  const isRouted = verdict.kind !== "ignore";
  if (verdict.kind === "ignore" && verdict === judged.verdict) {
    const { moment, policyId } = judged; // as most are: written out, since a spread costs more
    return {
      message,
      verdict,
      ...(moment && { moment }),
      ...(policyId !== undefined && { policyId }),
    };
  }
  return {
    ...judged,
    message,
    verdict,
    ...(verdict !== judged.verdict && { said: judged.verdict }),
    ...(isRouted && { route: route(message) }),
  };
}
