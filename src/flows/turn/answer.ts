/**
 * Turns a claimed message into a finished turn.
 *
 * It fetches history and context, composes the request, and runs the turn. Then it stores
 * transcript, frozen messages and the answered inbox row at once (T3). It sends nothing. It
 * finishes a failed turn as well, with one line for the user and the reason in the log, both with
 * the same id (R11).
 *
 * @module
 */

import type { TurnOutcome } from "../../core/turn/turn_outcome.ts";
import type { Claim, FinishedTurn, StoredTurn } from "../../core/inbound/inbox.ts";
import type { Model, ModelUsage } from "../../core/model.ts";
import type { Log } from "../../lib/log.ts";
import { printable } from "../../lib/text/quoted.ts";
import type { AnswerPorts, TurnRules } from "./answer_ports.ts";
import { createRunningTurns, type RunningTurn } from "./turns.ts";
import { failedTurn, saveTurn } from "./finished_turn.ts";
import { runAnswer } from "./run_answer.ts";
import { traceTurn } from "./turn_tracing.ts";

/**
 * Maximum number of turns for one message if each ends with the process. A bot that was killed at
 * random, twice a second, cut the turn of one message in 12,000 ten times in a row.
 */
const MAX_ATTEMPTS = 20;

/**
 * Runs a claimed message's turn to its end and stores it. The next start repeats an interrupted
 * turn.
 *
 * @throws {unknown} The store's error, if the store is down before the turn's end, or refuses even
 * the failed turn.
 */
export async function answer(claim: Claim, ports: AnswerPorts): Promise<void> {
  const turn = ports.turn ?? createRunningTurns().begin(claim);
  const rules = ports.rules(claim.message); // the config's, from the turn's beginning to its end
  let cost: Cost | undefined;
  let outcome: TurnOutcome | undefined;
  const tracing = ports.onTrace &&
    traceTurn(claim, ports, ports.model.id);
  const ended = await runToEnd(turn, rules, {
    ...ports,
    ...(tracing && { tracing, model: tracing.model(ports.model) }),
    onTurn(ending, ms) {
      outcome = ending;
      const { micros: _, ...usage } = ending.kind === "reply" && ending.usage || {};
      cost = { ms, ...usage };
      ports.onTurn(ending, ms);
    },
  });
  if (!ended) return;
  const withDrafts = (turn: FinishedTurn): FinishedTurn => ({
    ...turn,
    mayHaveDrafts: ports.drafts !== undefined || ports.lines !== undefined,
  });
  const failed = (error: unknown) =>
    withDrafts(
      failedTurn(turn.claim, "cannot be stored", rules, ports, error),
    );
  const stored = await saveTurn(withDrafts(ended), failed, ports);
  if (!stored.stored) return;
  if (tracing) ports.onTrace?.(tracing.end(ended.end, outcome));
  const { where } = rules;
  const { folded, dropped } = stored;
  if (folded + dropped > 0) {
    const { message } = claim;
    ports.log.warn("A channel's queue is full: answers were folded or dropped", {
      messageId: message.id,
      channelId: message.channelId,
      where,
      folded,
      dropped,
    });
    if (dropped > 0 && rules.takesNoFiles) ports.onNoFiles(message);
  }
  ports.onOutbox(stored, claim.message.channelId);
  // A draft may be in the channel, and the answer in its thread.
  const { channelId } = ended.claim.message;
  if (channelId !== claim.message.channelId) ports.onOutbox(NOTHING_MORE, channelId);
  const { model: modelId = ports.model.id } = ended.cost ?? {};
  const { soon = setImmediate, log } = ports; // the answer leaves before its line is written
  soon(() => logAnswer(ended, { ...cost, where }, { log, modelId }));
}

/** A second channel has rows of the same turn, whose figures count once. */
const NOTHING_MORE: StoredTurn = { stored: true, folded: 0, dropped: 0 };

/** @returns `undefined` if the process stops, or the account ends, meanwhile. */
async function runToEnd(
  turn: RunningTurn,
  ofConfig: TurnRules,
  ports: AnswerPorts,
): Promise<FinishedTurn | undefined> {
  const { claim } = turn;
  const rules = rulesFor(ports.model, ofConfig);
  if (claim.attempt > MAX_ATTEMPTS) {
    // Perhaps this message ends the process: retrying for ever would help no one.
    return failedTurn(claim, `interrupted ${claim.attempt - 1} times`, rules, ports);
  }
  try {
    return await runAnswer(turn, rules, ports);
  } catch (error) {
    if (ports.isStoreDown(error)) throw error;
    if (turn.signal.aborted) return undefined; // an edit came in between two steps, for example
    if (ports.stopping.aborted) return undefined;
    return failedTurn(turn.claim, "unexpected", rules, ports, error);
  }
}

/** A turn offers no tools to a model whose server refuses them, and promises none. */
function rulesFor({ takesNoTools = false }: Model, rules: TurnRules): TurnRules {
  if (!takesNoTools || rules.tools.length === 0) return rules;
  return { ...rules, tools: [], instructions: { ...rules.instructions, hasTools: false } };
}

/** Milliseconds of a turn, and its tokens if the model's API reports them. */
export type Cost = { readonly ms: number } & Partial<ModelUsage>;

/**
 * Logs the answer of a stored turn. A failed or refused turn has its own line.
 *
 * @param facts The name of the place for people, and the cost.
 * @param modelId Id of the model that answered.
 */
export function logAnswer(
  { claim: { message }, end }: FinishedTurn,
  { where, ...cost }: Partial<Cost> & { readonly where: string },
  { log, modelId }: { readonly log: Log; readonly modelId: string },
): void {
  if (end.kind === "failed" || end.kind === "refused") return;
  const { sender, id: messageId, channelId } = message;
  log.info(EVENTS[end.kind], {
    where: printable(where),
    sender: printable(sender.username),
    senderId: sender.id,
    model: modelId,
    ...cost,
    messageId,
    channelId,
  });
}

const EVENTS = {
  answered: "The model answered",
  declined: "The model declined to answer",
  interrupted: "A later message took the place of a turn",
} as const;
