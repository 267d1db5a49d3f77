/**
 * Decides a stored message again, once Barnacle has the fact that it waited for.
 *
 * The verdict is made at once. Storing it is a step of its own, which the caller retries.
 *
 * @module
 */

import type { ChannelId } from "../../core/discord/ids.ts";
import type { Accepted, Judged, Judgement, Route } from "../../core/inbound/inbox.ts";
import type { InboundMessage } from "../../core/inbound/inbound.ts";
import type { KnownFacts } from "../../core/inbound/facts.ts";
import type { WaitingRules } from "../../core/inbound/waiting_turns.ts";
import type { Inbox } from "../../core/store/inbox.ts";

/** Everything that a late decision needs from outside. */
export interface LateDecisionPorts {
  /**
   * Judges a message again.
   *
   * @param known Facts that were found since the first verdict.
   */
  readonly judge: (
    message: InboundMessage,
    known: KnownFacts,
  ) => Judgement;
  /** Finds the agent and the session for a message. */
  readonly route: (message: InboundMessage) => Route;
  /** Returns the current limits of waiting turns (X4). */
  readonly waiting: () => WaitingRules;
  /** Tells which messages now wait for a turn. */
  readonly onAccepted: (accepted: readonly Judged[]) => void;
  /** Tells in which channels a notice about waiting turns is to be sent. */
  readonly onRefused: (channels: readonly ChannelId[]) => void;
  /** Unix time in milliseconds. */
  readonly now: () => number;
}

/** Judges a message again; an accepted one gets its route. */
export function judgeAgain(
  message: InboundMessage,
  known: KnownFacts,
  { judge, route }: Pick<LateDecisionPorts, "judge" | "route">,
): Judged {
  const judged = judge(message, known);
  const isAccepted = judged.verdict.kind === "accept";
  return { ...judged, message, route: isAccepted ? route(message) : undefined };
}

/**
 * Stores a late verdict, and tells its effects.
 *
 * @returns The store's answer, for a message that now waits for another fact.
 * @throws {unknown} The store's error, as a rejection; then nothing has changed.
 */
export async function settle(
  judged: Judged,
  inbox: Pick<Inbox, "decide">,
  { waiting, onAccepted, onRefused, now }: LateDecisionPorts,
): Promise<Accepted> {
  const stored = await inbox.decide(judged, now(), waiting());
  if (stored.accepted.length > 0) onAccepted(stored.accepted);
  if (stored.refusedIn.length > 0) onRefused(stored.refusedIn);
  return stored;
}
