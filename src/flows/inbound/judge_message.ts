/**
 * Judges a message, and adds everything that T1 stores with it. Judges a stored message again, once
 * Barnacle has the fact that it waited for.
 */

import type { Accepted, Judged, Judgement, Route } from "../../core/inbound/inbox.ts";
import type { MessageOrigin, WaitingRules } from "../../core/inbound/waiting_limits.ts";
import type { MessageId } from "../../core/discord/ids.ts";
import type { InboundMessage } from "../../core/inbound/inbound.ts";
import type { Verdict } from "../../core/inbound/verdict.ts";
import type { KnownFacts } from "../../core/inbound/facts.ts";
import type { Emits } from "../../core/account/events.ts";
import type { Account } from "../../core/account/account.ts";
import type { Inbox } from "../../store/inbox/inbox.ts";
import type { Turns } from "../turn/turns.ts";

/**
 * How a message arrives, for its verdict; the limits of waiting turns tell more (`MessageOrigin`).
 * `live`: the message arrived just now, or after a RESUME. `history`: catch-up read it from a
 * channel's history. `not_live`: it is no new message of a conversation, but a scheduled one, a
 * question by a command or an edit.
 */
export type MessageSource = "live" | "history" | "not_live";

/** Everything that judging needs from outside. */
export interface JudgeMessagePorts extends Pick<Account, "log"> {
  readonly judge: (message: InboundMessage, source: MessageSource) => Judgement;
  readonly route: (message: InboundMessage) => Route;
  /** The request to stop turns that an accepted message makes; absent: none does. */
  readonly stop?: (message: InboundMessage) => Judged["stop"];
}

/**
 * Judges a message. Every message that is not ignored has a route: it gets an answer, or may get
 * one once Barnacle has more facts.
 *
 * @param judgeAs Replaces the policy's verdict; default: keeps it.
 */
export function judgeMessage(
  message: InboundMessage,
  source: MessageSource,
  { judge, route, stop, log }: JudgeMessagePorts,
  judgeAs = (_: InboundMessage, verdict: Verdict) => verdict,
): Judged {
  const judged = judge(message, source);
  const verdict = judgeAs(message, judged.verdict);
  if (verdict.kind !== "accept") logVerdict(message.id, message, verdict, log);
  const isRouted = verdict.kind !== "ignore";
  if (verdict.kind === "ignore" && verdict === judged.verdict) {
    const { knownFacts, policyId, command } = judged;
    // As most are: written out, since a spread costs more.
    if (knownFacts && policyId !== undefined && command === undefined) {
      return { message, verdict, knownFacts, policyId };
    }
    return { message, verdict, knownFacts, policyId, command };
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

/**
 * Judges runs of passive agents by the rights of the person who caused them (N1). A refused run leaves
 * no record.
 */
export function judgeRuns(
  runs: readonly InboundMessage[] = [],
  ports: JudgeMessagePorts,
): readonly Judged[] {
  if (runs.length === 0) return NO_RUNS;
  return runs.map((run) => judgeMessage(run, "not_live", ports))
    .filter(({ verdict: { kind } }) => kind === "accept" || kind === "undecided");
}

const NO_RUNS: readonly Judged[] = [];

/** Logs that a message gets no answer, or none yet. */
export function logVerdict(
  messageId: MessageId,
  { channelId, sender: { id: authorId } }: InboundMessage,
  { kind, why, rule }: Verdict,
  log: Account["log"],
): void {
  const event = kind === "ignore" ? "A message is not answered" : "A message is not decided yet";
  log.debug(event, { messageId, channelId, authorId, why, rule });
}

/** Everything that a late decision needs from outside. */
export interface LateDecisionPorts extends Pick<Account, "now">, Emits<"accepted" | "unanswered"> {
  /**
   * Judges a message again.
   *
   * @param known Facts that were found since the first verdict.
   */
  readonly judge: (message: InboundMessage, known: KnownFacts) => Judgement;
  readonly route: (message: InboundMessage) => Route;
  readonly turns: Pick<Turns, "accepted">;
  /** Returns the current limits of waiting turns. */
  readonly waiting: (origin: MessageOrigin) => WaitingRules;
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
 * @param origin That of the message; one that waited over a restart counts as replayed.
 * @returns The store's answer, for a message that now waits for another fact.
 * @throws {unknown} The store's error, as a rejection; then nothing has changed.
 */
export async function storeLateVerdict(
  judged: Judged,
  inbox: Pick<Inbox, "decide">,
  { waiting, events, turns, now }: LateDecisionPorts,
  origin: MessageOrigin,
): Promise<Accepted> {
  const stored = await inbox.decide(judged, now(), waiting(origin));
  if (stored.accepted.length > 0) {
    turns.accepted(stored.accepted);
    events.emit.accepted(stored.accepted);
  }
  if (stored.unanswered.length > 0) events.emit.unanswered(stored.unanswered);
  return stored;
}
