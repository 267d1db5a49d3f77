/**
 * A claimed message to a finished turn.
 *
 * All that is needed is fetched, the request is composed, the model is asked,
 * and what came of it is stored at once: transcript, frozen messages, and the
 * inbox row answered (T3). Nothing is sent here. A turn that fails is finished
 * as well, with one line for the person and its reason in the log, under the
 * same id (R11).
 *
 * @module
 */

import { runTurn, type TurnOutcome } from "../agent/turn.ts";
import type { Claim, FinishedTurn } from "../core/inbox.ts";
import type { ChannelId, MessageId } from "../core/ids.ts";
import type { InboundMessage } from "../core/inbound.ts";
import type { Model } from "../core/model.ts";
import type { Entry, Overheard } from "../core/transcript.ts";
import type { ChunkRules } from "../render/chunk.ts";
import { envelopeOf } from "../render/envelope.ts";
import type { Texts } from "../render/notices.ts";
import { type AllowedMentions, composeFailure, composeReply, freeze } from "../render/reply.ts";
import { composeRequest } from "../render/request.ts";
import { type Instructions, systemPromptOf } from "../render/system_prompt.ts";
import { historyChars, selectEntries } from "../session/history.ts";
import { saveTurn, type SaveTurnPorts } from "./save_turn.ts";

/** What this flow needs of the store; each method is one transaction. */
export interface AnswerStore {
  /** The newest entries of a session that fit into so many UTF-16 units, oldest first. */
  entriesOf(sessionKey: string, limit: number, maxChars: number): Promise<readonly Entry[]>;
  /**
   * What was overheard in a channel since the session's last entry from it and before a message,
   * newest `limit`, oldest first (H1).
   */
  overheard(
    channelId: ChannelId,
    sessionKey: string,
    before: MessageId,
    limit: number,
  ): Promise<readonly Overheard[]>;
}

/** What the config says of one turn. */
export interface TurnRules {
  /** What the place is called for people, in the log (S2). */
  readonly where: string;
  readonly instructions: Instructions;
  /** Overheard messages, at most; 0 in direct messages. */
  readonly historyLimit: number;
  /** User turns of the transcript, at most; absent: as many as fit. */
  readonly userTurns?: number;
  /** Of the model, in tokens. */
  readonly window: { readonly contextWindow: number; readonly maxOutput: number };
  readonly timezone: string;
  readonly chunks: ChunkRules;
  readonly allowedMentions: AllowedMentions;
  readonly timeoutMs: number;
  readonly texts: Texts;
}

export interface AnswerPorts extends SaveTurnPorts {
  readonly store: AnswerStore & SaveTurnPorts["store"];
  readonly model: Model;
  readonly rules: (message: InboundMessage) => TurnRules;
  /** Fills the channel's context up, once since the start; never fails. */
  readonly fillUp: (message: InboundMessage, limit: number) => Promise<void>;
  /** 12 random hex digits: for boundaries that nobody guesses, and ids that a person can copy. */
  readonly randomId: () => string;
  /** The outbox has new rows. */
  readonly onOutbox: () => void;
  /** Told of each turn, for the metrics. */
  readonly onTurn: (outcome: TurnOutcome, ms: number) => void;
}

/** Entries that are read of a transcript, at most; what of them fits is chosen after. */
const MAX_ENTRIES = 400;

/** How often a message is tried whose turns end with the process. */
const MAX_ATTEMPTS = 10;

/** UTF-16 units that the overheard may take. */
const OVERHEARD_CHARS = 6_000;

/**
 * Runs a claimed message's turn to its end, and stores it; a turn that is interrupted is left to
 * the next start.
 */
export async function answer(claim: Claim, ports: AnswerPorts): Promise<void> {
  const turn = await runToEnd(claim, ports);
  if (!turn) return;
  const failed = (error: unknown) =>
    fail(claim, "cannot be stored", ports.rules(claim.message), ports, error);
  if (await saveTurn(turn, failed, ports)) ports.onOutbox();
}

/** @returns `undefined` where the process stops meanwhile. */
async function runToEnd(claim: Claim, ports: AnswerPorts): Promise<FinishedTurn | undefined> {
  const rules = ports.rules(claim.message);
  if (claim.attempt > MAX_ATTEMPTS) {
    // Perhaps it is what ends the process: nobody is helped by asking for ever.
    return fail(claim, `interrupted ${claim.attempt - 1} times`, rules, ports);
  }
  try {
    return await run(claim, rules, ports);
  } catch (error) {
    if (ports.isStoreDown(error)) throw error;
    return fail(claim, "unexpected", rules, ports, error);
  }
}

async function run(
  claim: Claim,
  rules: TurnRules,
  ports: AnswerPorts,
): Promise<FinishedTurn | undefined> {
  const { model, now, schedule, stopping } = ports;
  const startedAt = now();
  const { envelope, overheard, history } = await gather(claim, rules, ports);
  const system = systemPromptOf(rules.instructions);
  const maxChars = historyChars(rules.window, system.length + envelope.length);
  const limits = {
    maxChars,
    ...(rules.userTurns !== undefined && { userTurns: rules.userTurns }),
  };
  const request = composeRequest({ system, history: selectEntries(history, limits), envelope });

  const timeoutMs = rules.timeoutMs;
  const outcome = await runTurn(request, { model, stopping, schedule, timeoutMs });
  ports.onTurn(outcome, Math.max(0, now() - startedAt));
  if (outcome.kind === "interrupted") return undefined;
  return finish(claim, outcome, { envelope, overheard, rules }, ports);
}

/** The facts of a turn; what was overheard belongs to channels, not to direct messages. */
async function gather(
  { message, route: { sessionKey } }: Claim,
  { historyLimit, timezone, window }: TurnRules,
  { store, fillUp, randomId }: AnswerPorts,
) {
  await fillUp(message, historyLimit);
  const [overheard, history] = await Promise.all([
    historyLimit === 0
      ? []
      : store.overheard(message.channelId, sessionKey, message.id, historyLimit),
    store.entriesOf(sessionKey, MAX_ENTRIES, historyChars(window, 0)),
  ]);
  const envelope = envelopeOf({
    message,
    overheard,
    overheardChars: OVERHEARD_CHARS,
    timezone,
    boundary: randomId(),
  });
  return { envelope, overheard, history };
}

interface Context {
  readonly envelope: string;
  readonly overheard: readonly Overheard[];
  readonly rules: TurnRules;
}

/** What is stored of a turn that has ended. */
function finish(
  claim: Claim,
  outcome: Exclude<TurnOutcome, { kind: "interrupted" }>,
  { envelope, overheard, rules }: Context,
  ports: AnswerPorts,
): FinishedTurn {
  const { message, route: { agentId } } = claim;
  if (outcome.kind === "failed") return fail(claim, outcome.reason, rules, ports);

  const { text } = outcome;
  const { chunks, allowedMentions } = rules;
  const composed = composeReply({ message, agentId, text, overheard, chunks, allowedMentions });
  if (composed.kind === "blank") return fail(claim, "nothing to show in the answer", rules, ports);

  const at = ports.now();
  const entries: readonly Entry[] = [
    { role: "user", text: envelope, messageId: message.id, at },
    { role: "assistant", text: composed.text, messageId: message.id, at },
  ];
  return composed.kind === "declined"
    ? { claim, end: { kind: "declined" }, entries, outbox: [] }
    : { claim, end: { kind: "answered" }, entries, outbox: freeze(composed.reply) };
}

function fail(
  claim: Claim,
  reason: string,
  { texts, where }: TurnRules,
  { randomId, log, model }: AnswerPorts,
  error?: unknown,
): FinishedTurn {
  const { message, route: { agentId }, attempt } = claim;
  const failureId = randomId();
  log.error("A turn failed", {
    failureId,
    reason,
    model: model.id,
    messageId: message.id,
    channelId: message.channelId,
    where,
    attempt,
    ...(error !== undefined && { error }),
  });
  const outbox = freeze(composeFailure({ message, agentId }, failureId, texts));
  return { claim, end: { kind: "failed", failureId, reason }, entries: [], outbox };
}
