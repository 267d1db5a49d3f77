/**
 * Answers a claimed message: what the model reads, the request, the answer, the reply, and its record
 * (T3), in this order. It sends nothing.
 *
 * A plain turn has one request and no more. Tools, files, drafts, threads and notices branch off here,
 * each in a line that names its module. So a turn with tools is the plain one and its steps.
 */

import { runTurn, type TurnPorts } from "../../agent/turn.ts";
import type { ParkedTurn, TurnOutcome } from "../../core/turn/turn_outcome.ts";
import { type Claim, type FinishedTurn, messagesOf } from "../../core/inbound/inbox.ts";
import type { MessageId } from "../../core/discord/ids.ts";
import { type Model, ModelError, withGenerate } from "../../core/model.ts";
import type { Manner } from "../../core/people/chosen.ts";
import { meteredModel } from "../../core/spending/metered_model.ts";
import type { Step } from "../../core/step.ts";
import { footerOf, type ReplyToSend, withFooter } from "../../render/cost.ts";
import { freeze } from "../../render/freeze.ts";
import { prefaceOf, withPreface } from "../../render/preface.ts";
import { systemPromptOf } from "../../render/prompt/system_prompt.ts";
import { type Answered, type ComposedReply, composeReply } from "../../render/reply.ts";
import { historyChars } from "../../session/history.ts";
import { drawnFiles, earlierImages } from "../media/find_files.ts";
import {
  observeTokens,
  openHistory,
  toolChars,
  type TurnHistory,
} from "../session/turn_history.ts";
import type { AnswerPorts, TurnRules } from "./answer_ports.ts";
import {
  answeredTurn,
  type AnsweredWith,
  draftsOf,
  failedTurn,
  interruptedTurn,
  logAnswer,
  ofTurn,
  parkTurn,
  progressPlaceOf,
  saveTurn,
  withUndoButton,
} from "./finished_turn.ts";
import { gather, opensThread, stepPorts, toolboxOf } from "./gather.ts";
import {
  createTurnSpending,
  paidTurn,
  refusedTurn,
  type TurnSpending,
} from "./spending/turn_spending.ts";
import { traceTurn } from "./turn_tracing.ts";
import type { RunningTurn } from "./turns.ts";

/**
 * Maximum number of turns for one message if each ends with the process. A bot that was killed at
 * random, twice a second, cut the turn of one message in 12,000 ten times in a row.
 */
const MAX_ATTEMPTS = 20;

/**
 * Share of the history's room that the results of one turn may take in it. A later turn whose history
 * they filled would see no other turn.
 */
const KEPT_SHARE = 0.15;

/** Share of the history's room that the texts of the message's files may take. */
const FILES_SHARE = 0.5;

/**
 * Runs a claimed message's turn to its end and stores it. The next start repeats an interrupted
 * turn.
 *
 * @throws {unknown} The store's error, if the store is down before the turn's end, or refuses even
 * the failed turn.
 */
export async function answer(claim: Claim, ports: AnswerPorts): Promise<void> {
  const rules = ports.rules(claim.message); // the config's, from the turn's beginning to its end
  const { turn, events, model, log } = ports;
  const tracing = ports.hasTraces ? traceTurn(claim, ports, model.id) : undefined;
  let outcome: TurnOutcome | undefined;
  let ms: number | undefined;
  const ended = await runToEnd({
    turn,
    rules: rulesFor(model, rules),
    ports: tracing ? { ...ports, tracing, model: tracing.model(model) } : ports,
    onEnd(ending, duration) {
      outcome = ending;
      ms = duration;
      events.emit.turnEnded(ending, duration);
    },
  });
  if (!ended) return;
  const withDrafts = (turn: FinishedTurn): FinishedTurn => ({
    ...turn,
    mayHaveDrafts: ports.drafts !== undefined || ports.lines !== undefined,
  });
  const failed = (error: unknown) =>
    withDrafts(failedTurn(turn.claim, "cannot be stored", rules, ports, error));
  const stored = await saveTurn(withDrafts(ended), failed, ports);
  if (!stored.stored) return;
  if (tracing) events.emit.traced(tracing.end(ended.end, outcome));
  const { message: { id: messageId, channelId } } = claim;
  const { where, takesNoFiles } = rules;
  const { folded, dropped } = stored;
  if (folded + dropped > 0) {
    const fields = { messageId, channelId, where, folded, dropped };
    log.warn("A channel's queue is full: answers were folded or dropped", fields);
    if (dropped > 0 && takesNoFiles) events.emit.filesLeftOut(claim.message);
  }
  events.emit.turnStored(stored, channelId);
  // A draft may be in the channel, and the answer in its thread.
  const { channelId: home } = ended.claim.message;
  if (home !== channelId) events.emit.outbox([home]);
  const { soon = setImmediate } = ports; // the answer leaves before its line is written
  soon(() => {
    const { micros: _, ...usage } = outcome?.kind === "reply" && outcome.usage || {};
    const cost = ms === undefined ? {} : { ms, ...usage };
    const { model: modelId = model.id } = ended.cost ?? {};
    logAnswer(ended, { ...cost, where }, { log, modelId });
  });
}

/** A turn offers no tools to a model whose server refuses them, and promises none. */
function rulesFor({ takesNoTools = false }: Model, rules: TurnRules): TurnRules {
  if (!takesNoTools || rules.tools.length === 0) return rules;
  return { ...rules, tools: [], instructions: { ...rules.instructions, hasTools: false } };
}

/** A turn that runs. */
interface AnswerRun {
  readonly turn: RunningTurn;
  readonly rules: TurnRules;
  readonly ports: AnswerPorts;
  /** Gets the end, with its duration in milliseconds. */
  readonly onEnd: (outcome: TurnOutcome, ms: number) => void;
}

/**
 * @returns `undefined` if the turn is not over: the process stops, the account ends, the turn has
 * changed, or it waits for a person.
 */
async function runToEnd(run: AnswerRun): Promise<FinishedTurn | undefined> {
  const { turn, rules, ports } = run;
  const { claim } = turn;
  if (claim.attempt > MAX_ATTEMPTS) {
    // Perhaps this message ends the process: retrying for ever would help no one.
    return failedTurn(claim, `interrupted ${claim.attempt - 1} times`, rules, ports);
  }
  try {
    const spending = createTurnSpending(claim.message, claim.route.agentId, ports.spend);
    const spent = await ports.spend.check(spending.by, "answer");
    if (spent) return await refusedTurn(claim, spent, rules, ports, ports.spend);
    return await runAnswer(run, spending);
  } catch (error) {
    if (ports.isStoreDown(error)) throw error;
    if (turn.signal.aborted) return undefined; // an edit came in between two steps, for example
    if (ports.stopping.aborted) return undefined;
    return failedTurn(turn.claim, "unexpected", rules, ports, error);
  }
}

/**
 * Reads, asks, and composes the turn's record. The function is long because it is the way of every
 * turn, from the first line to the last.
 *
 * @throws {unknown} The store's error.
 */
async function runAnswer(
  { turn, rules, ports, onEnd }: AnswerRun,
  spending: TurnSpending,
): Promise<FinishedTurn | undefined> {
  const { now, store, files } = ports;
  const { claim } = turn;
  const startedAt = now();

  // The message with its context, as the model reads it.
  const { window = rules.window } = ports.model;
  const boundary = ports.randomId();
  const system = systemPromptOf(rules.instructions);
  const filesChars = Math.floor(historyChars(window, system.length) * FILES_SHARE);
  const gathered = await gather(turn, { boundary, filesChars }, rules, ports);
  if (ports.ended.aborted) return undefined; // Discord takes no answer; the next start runs the turn
  const { texts } = gathered;
  const envelope = texts.first();

  // The request, with the entries of the session that fit.
  const toolbox = toolboxOf(turn, { boundary, gathered }, rules, ports);
  const images = gathered.files.imagesOf(texts.begunWith);
  const parts = { system, envelope, images, toolChars: toolChars(toolbox.definitions) };
  const { reset, timezone, userTurns, timeoutMs, cleanSecrets } = rules;
  const { sessions, rates, retryAt, randomId, schedule, stopping, log, spend } = ports;
  const { by } = spending;
  const opened = await openHistory(
    claim,
    parts,
    { window, reset, timezone, userTurns, timeoutMs },
    {
      // Not all ports: to copy them costs more than the rest of this function.
      ...{ store, sessions, rates, retryAt, randomId, now, schedule, stopping, log, cleanSecrets },
      model: meteredModel(ports.model, { kind: "compaction", by, spend, now }),
      ...(files && ports.model.takesImages !== false && {
        async earlierImages(messageIds: readonly MessageId[]) {
          const shown = gathered.files.imagesOf(messagesOf(claim).map(({ id }) => id));
          const earlier = await earlierImages(messageIds, shown, files);
          gathered.files.showsEarlier([...earlier.values()].flat());
          return earlier;
        },
      }),
    },
  );
  let { history } = opened;

  // The answer, as people see it.
  const { entries: earlier } = history;
  const shown = {
    overheard: gathered.overheard,
    // Not the model's own texts: their links would count as known because of themselves.
    texts: () => [
      ...texts.all(),
      envelope,
      ...earlier.flatMap(({ role, text }) => role === "user" ? [text] : []),
    ],
    system,
  };
  const compose: Compose = (text, home = turn.claim, drawn = [], of = ofTurn(home)) =>
    composeReply({
      ...of,
      text,
      files: drawn,
      shown,
      // In a thread, Discord takes no reply to a message of the channel.
      rules: home === turn.claim ? rules : { ...rules, replyToMode: "off" },
    });

  // The model, until it answers without calling a tool.
  const draft = draftFor(claim, compose, ports);
  const progress = ports.lines?.begin(progressPlaceOf(claim), rules);
  const turnPorts: Omit<TurnPorts, "steps"> = {
    model: meteredModel(withManner(ports.model, ports.manner ?? {}), {
      kind: "answer",
      by,
      spend: spending.port,
      now,
      onUsage: (...counted) => observeTokens(rates, ...counted),
    }),
    toolbox,
    cleanSecrets,
    maxSteps: rules.maxSteps,
    now,
    stopping,
    cut: turn.signal,
    schedule,
    timeoutMs,
    onText: draft ? (soFar: string) => draft.grow(soFar) : undefined,
    onStep: progress?.step,
    ...stepPorts(turn, gathered, spending, ports),
  };
  const converse = ({ requestFor }: TurnHistory, steps: readonly Step[]) =>
    runTurn(requestFor, { ...turnPorts, steps });
  let outcome: TurnOutcome | ParkedTurn;
  try {
    outcome = await converse(history, gathered.steps);
    if (isTooLong(outcome)) {
      history = await opened.shrink();
      outcome = await converse(history, await store.stepsOf(claim.message.id));
    }
  } finally {
    await progress?.end(); // its timer must not outlive the turn
    await draft?.end();
  }
  if (outcome.kind === "parked") {
    await parkTurn(turn.claim, outcome, spending, ports);
    return undefined;
  }
  onEnd(outcome, Math.max(0, now() - startedAt));

  // The record of the turn.
  switch (outcome.kind) {
    case "interrupted":
      return turn.signal.reason === "interrupted"
        ? interruptedTurn(turn.claim, texts.entries(now()))
        : undefined;
    case "failed":
      return paidTurn(failedTurn(turn.claim, outcome.reason, rules, ports), spending);
    case "refused":
      return paidTurn(await refusedTurn(turn.claim, outcome.stop, rules, ports, spend), spending);
    case "reply": {
      const { home, composed } = await replyOf(outcome, compose, { turn, rules, ports }, spending);
      const maxKeptChars = Math.floor(history.freeChars * KEPT_SHARE);
      const facts: AnsweredWith = { texts, rules, maxKeptChars, ...outcome.taken };
      const ending = answeredTurn(home, composed, facts, ports);
      turn.afterwards = opened.afterwards(ending.entries);
      if (!outcome.taken) return paidTurn(ending, spending);
      const { steps } = outcome.taken;
      return paidTurn(await withUndoButton(ending, steps, rules.texts, ports.canUndo), spending);
    }
  }
}

/** Composes a text as the answer of a turn, in the channel or in a thread. */
type Compose = (
  text: string,
  home?: Claim,
  drawn?: Parameters<typeof composeReply>[0]["files"],
  of?: Answered,
) => ComposedReply;

/** The answer that grows in the channel; `undefined` if only the whole answer is shown. */
function draftFor(claim: Claim, compose: Compose, { drafts }: AnswerPorts) {
  // A thread opens with the whole answer, so nothing of it is shown in the channel before.
  if (!drafts || opensThread(claim)) return undefined;
  return drafts.begin(claim.message, (text) => {
    const composed = compose(text, undefined, [], draftsOf(claim));
    return composed.kind === "reply" ? freeze(composed.reply) : [];
  });
}

/** The reply to an answer, with everything that the config and people add to it. */
async function replyOf(
  { text, taken, thinking }: Extract<TurnOutcome, { kind: "reply" }>,
  compose: Compose,
  { turn, rules, ports }: Omit<AnswerRun, "onEnd">,
  spending: TurnSpending,
): Promise<{ readonly home: Claim; readonly composed: ComposedReply }> {
  const { claim } = turn;
  const { files, manner, stopping, threads } = ports;
  const drawn = taken ? await drawnFiles(taken.steps, claim.message.id, files?.drawn) : [];
  const here = compose(text, claim, drawn);
  const home = await threads.homeOf(claim, here.kind === "reply");
  const composed = home === claim ? here : compose(text, home, drawn);
  if (composed.kind !== "reply") return { home, composed };
  let whole: ReplyToSend = composed;
  const isSpoken = !rules.takesNoFiles &&
    claim.message.attachments?.some(({ isVoice }) => isVoice);
  const voice = isSpoken ? await files?.speak(claim.message, composed.text, stopping) : undefined;
  if (voice) whole = { ...composed, reply: { ...composed.reply, voice } };
  if (manner?.showsThinking || manner?.showsSteps) {
    const preface = prefaceOf({ ...taken, thinking }, manner, rules.texts);
    if (preface !== "") whole = withPreface(whole, compose(preface, home, drawn));
  }
  if (rules.hasFooter) {
    whole = withFooter(whole, footerOf(spending.cost()), rules.chunks.limit);
  }
  return { home, composed: whole };
}

/** Whether the model's server refused a request because of its length. */
function isTooLong(outcome: TurnOutcome | ParkedTurn): boolean {
  return outcome.kind === "failed" && outcome.error instanceof ModelError &&
    outcome.error.kind === "context_length";
}

/** Wraps the model that answers. A turn without a chosen manner gets the model itself. */
function withManner(model: Model, { think, showsThinking }: Manner): Model {
  if (think === undefined && !showsThinking) return model;
  return withGenerate(
    model,
    (request, signal) =>
      model.generate({
        ...request,
        ...(think !== undefined && { thinking: think }),
        ...(showsThinking && { showsThinking }),
      }, signal),
  );
}
