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

import { runTurn, type TurnOutcome } from "../../agent/turn.ts";
import type { Claim, FinishedTurn, StoredTurn } from "../../core/inbound/inbox.ts";
import type { AccountId, ChannelId, MessageId } from "../../core/discord/ids.ts";
import type { InboundMessage } from "../../core/inbound/inbound.ts";
import type { Model } from "../../core/model.ts";
import type { Entry, Overheard } from "../../core/inbound/transcript.ts";
import { envelopeOf } from "../../render/prompt/envelope.ts";
import { freeze } from "../../render/freeze.ts";
import {
  type ComposedReply,
  composeFailure,
  composeReply,
  type ReplyRules,
  type Shown,
} from "../../render/reply.ts";
import { composeRequest } from "../../render/prompt/request.ts";
import { type Instructions, systemPromptOf } from "../../render/prompt/system_prompt.ts";
import { historyChars, selectEntries } from "../../session/history.ts";
import type { Drafts } from "./draft.ts";
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
    ears: { readonly accountId: AccountId; readonly channelId: ChannelId },
    sessionKey: string,
    before: MessageId,
    limit: number,
  ): Promise<readonly Overheard[]>;
}

/** What the config says of one turn. */
export interface TurnRules extends ReplyRules {
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
  readonly timeoutMs: number;
}

export interface AnswerPorts extends SaveTurnPorts {
  readonly store: AnswerStore & SaveTurnPorts["store"];
  readonly model: Model;
  readonly rules: (message: InboundMessage) => TurnRules;
  /** Fills the channel's context up, once since the start; never fails. */
  readonly fillUp: (message: InboundMessage, limit: number) => Promise<void>;
  /** 12 random hex digits: for boundaries that nobody guesses, and ids that a person can copy. */
  readonly randomId: () => string;
  /** Absent: an answer is shown once it is whole (R8). */
  readonly drafts?: Pick<Drafts, "begin">;
  /** The outbox has new rows of that channel. */
  readonly onOutbox: (stored: StoredTurn, channelId: ChannelId) => void;
  /** Told of each turn, for the metrics. */
  readonly onTurn: (outcome: TurnOutcome, ms: number) => void;
}

/** Entries that are read of a transcript, at most; what of them fits is chosen after. */
const MAX_ENTRIES = 400;

/**
 * How often a message is tried whose turns end with the process. A bot that was killed at random,
 * twice a second, has cut the turn of one of 12,000 messages ten times in a row.
 */
const MAX_ATTEMPTS = 20;

/** UTF-16 units that the overheard may take. */
const OVERHEARD_CHARS = 6_000;

/**
 * Runs a claimed message's turn to its end, and stores it; a turn that is interrupted is left to
 * the next start.
 */
export async function answer(claim: Claim, ports: AnswerPorts): Promise<void> {
  const ended = await runToEnd(claim, ports);
  if (!ended) return;
  const withDrafts = (turn: FinishedTurn): FinishedTurn => ({
    ...turn,
    mayHaveDrafts: ports.drafts !== undefined,
  });
  const failed = (error: unknown) =>
    withDrafts(fail(claim, "cannot be stored", ports.rules(claim.message), ports, error));
  const stored = await saveTurn(withDrafts(ended), failed, ports);
  if (!stored.stored) return;
  const { folded, dropped } = stored;
  if (folded + dropped > 0) {
    const { message } = claim;
    ports.log.warn("A channel's queue is full: not all is sent as it was written", {
      messageId: message.id,
      channelId: message.channelId,
      where: ports.rules(message).where,
      folded,
      dropped,
    });
  }
  ports.onOutbox(stored, claim.message.channelId);
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
  const entriesShown = selectEntries(history, limits);
  const request = composeRequest({ system, history: entriesShown, envelope });
  const shown: Shown = {
    overheard,
    // What the model said itself names nobody: it would make its own links known.
    texts: [envelope, ...entriesShown.flatMap(({ role, text }) => role === "user" ? [text] : [])],
    system,
  };
  const compose = (text: string) => composeReply({ ...answered(claim), text, shown, rules });

  const draft = ports.drafts?.begin(claim.message, (text) => {
    const composed = compose(text);
    return composed.kind === "reply" ? freeze(composed.reply) : [];
  });
  const outcome = await runTurn(request, {
    model,
    stopping,
    schedule,
    timeoutMs: rules.timeoutMs,
    ...(draft && { onText: (soFar: string) => draft.grow(soFar) }),
  });
  await draft?.end();
  ports.onTurn(outcome, Math.max(0, now() - startedAt));
  switch (outcome.kind) {
    case "interrupted":
      return undefined;
    case "failed":
      return fail(claim, outcome.reason, rules, ports);
    case "reply":
      return finish(claim, compose(outcome.text), { envelope, rules }, ports);
  }
}

/** The facts of a turn; what was overheard belongs to channels, not to direct messages. */
async function gather(
  { message, route: { sessionKey } }: Claim,
  { historyLimit, timezone, window }: TurnRules,
  { store, fillUp, randomId }: AnswerPorts,
) {
  await fillUp(message, historyLimit);
  const [overheard, history] = await Promise.all([
    historyLimit === 0 ? [] : store.overheard(message, sessionKey, message.id, historyLimit),
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
  readonly rules: TurnRules;
}

/** What is stored of a turn that has ended. */
function finish(
  claim: Claim,
  composed: ComposedReply,
  { envelope, rules }: Context,
  ports: AnswerPorts,
): FinishedTurn {
  if (composed.kind === "blank") return fail(claim, "nothing to show in the answer", rules, ports);
  const { message } = claim;
  const at = ports.now();
  const entries: readonly Entry[] = [
    { role: "user", text: envelope, messageId: message.id, at },
    { role: "assistant", text: composed.text, messageId: message.id, at },
  ];
  return composed.kind === "declined"
    ? { claim, end: { kind: "declined" }, entries, outbox: [] }
    : { claim, end: { kind: "answered" }, entries, outbox: freeze(composed.reply) };
}

function answered({ message, route: { agentId } }: Claim) {
  return { message, agentId };
}

function fail(
  claim: Claim,
  reason: string,
  { texts, where }: TurnRules,
  { randomId, log, model }: AnswerPorts,
  error?: unknown,
): FinishedTurn {
  const { message, attempt } = claim;
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
  const outbox = freeze(composeFailure(answered(claim), failureId, texts));
  return { claim, end: { kind: "failed", failureId, reason }, entries: [], outbox };
}
