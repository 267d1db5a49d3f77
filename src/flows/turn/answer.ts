/**
 * Answers a claimed message: what the model reads, the request, the answer, the reply, and its record
 * (T3), in this order. It sends nothing.
 *
 * A plain turn has one request and no more. Tools, files, drafts, threads and notices branch off here,
 * each in a line that names its module. So a turn with tools is the plain one and its steps.
 */

import { callsToRun } from "../../agent/next_step.ts";
import { runTurn, type TurnPorts } from "../../agent/turn.ts";
import { chainOf, NO_STEPS, type SortedSteps, stepsOfAll } from "../../core/turn/asking.ts";
import type { ParkedTurn, PassedTurn, TurnOutcome } from "../../core/turn/turn_outcome.ts";
import { type Claim, type FinishedTurn, messagesOf } from "../../core/inbound/inbox.ts";
import { takeFlag } from "../../core/people/approval.ts";
import { meteredModel } from "../../core/spending/metered_model.ts";
import { chargeOf } from "../../core/spending/usage.ts";
import { systemPromptOf } from "../../render/prompt/system_prompt.ts";
import { mayLink } from "../../render/safety/links.ts";
import { visibleText } from "../../render/safety/visible.ts";
import { historyChars } from "../../session/history.ts";
import { madeFiles } from "../media/find_files.ts";
import { observeTokens, openHistory } from "../session/turn_history.ts";
import { toolChars } from "../../core/fit_request.ts";
import type { Step } from "../../core/step.ts";
import { type AnswerPorts, type TurnRules, withoutTools } from "./answer_ports.ts";
import { asAgain, rulesAfterEdit, upToQuestion, withEditNote } from "./edited_turn.ts";
import { createAskedAgents, planOf, rulesAfter } from "./asked_agents.ts";
import {
  answeredTurn,
  interruptedTurn,
  logAnswer,
  postedTurn,
  progressPlaceOf,
  withoutAnswer,
  withUndoButton,
} from "./finished_turn.ts";
import { failedTurn } from "./failed_turn.ts";
import { readSteps } from "../session/old_results.ts";
import { gather, imagesOfEarlier, stepPorts, toolboxOf } from "./gather.ts";
import { checkedTurn, heldTurn, reasonToHold } from "./held_answer.ts";
import { parkTurn, passTurn, saveTurn } from "./save_turn.ts";
import { createCompose, draftFor, passedTo, withLines, withManner } from "./shown_answer.ts";
import {
  createTurnSpending,
  paidTurn,
  refusedTurn,
  type TurnSpending,
} from "./spending/turn_spending.ts";
import { inForm } from "./control/prompt_form.ts";
import { createTurnLinks } from "./turn_links.ts";
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
export async function answer(claim: Claim, untraced: AnswerPorts): Promise<void> {
  const { turn, model, log, events, channelQueues } = untraced;
  const tracing = untraced.hasTraces ? traceTurn(claim, untraced, model.id) : undefined;
  const traced = tracing ? { ...untraced, tracing, model: tracing.model(model) } : untraced;
  const sorted = claim.attempt === 1
    ? NO_STEPS
    : await readSteps(traced.store, claim.message, traced.readingTools, traced.now());
  // From the beginning to the end.
  const written = sorted.passed.length === 0
    ? traced.rules(claim.message)
    : await rulesAfter(sorted.passed, claim, traced);
  const agent = { model: traced.model, rules: written };
  const formed = traced.forms ? await inForm(agent, traced.forms) : agent;
  const { rules: given } = formed;
  const ports = formed === agent ? traced : { ...traced, model: formed.model };
  const open = model.takesNoTools && given.tools.length > 0 ? withoutTools(given) : given;
  const rules = sorted.again ? rulesAfterEdit(open) : open;
  const spending = createTurnSpending(claim);
  const mayHaveDrafts = ports.drafts !== undefined;
  const run: AnswerRun = { turn, rules, stored: sorted, ports, spending, mayHaveDrafts };
  let ended: FinishedTurn | undefined;
  if (claim.attempt > MAX_ATTEMPTS) {
    // Perhaps this message ends the process: retrying for ever would help no one.
    const reason = `interrupted ${claim.attempt - 1} times`;
    ended = failedTurn(claim, { reason }, rules, ports);
  } else {
    try {
      const checked = sorted.held && await checkedTurn(claim, sorted, rules, ports);
      const isFree = checked || callsToRun(sorted.own).length > 0; // a person has decided about them
      const checking = isFree ? undefined : ports.spend.check(spending.by, "answer");
      const spent = checking && await checking;
      ended = checked ??
        (spent ? await refusedTurn(claim, spent, rules, ports, ports.spend) : await runAnswer(run));
    } catch (error) {
      if (ports.isStoreDown(error)) throw error;
      if (turn.cut !== undefined) return; // an edit came in between two steps, for example
      if (ports.stopping.aborted) return;
      ended = failedTurn(turn.claim, { reason: "unexpected", error }, rules, ports);
    }
  }
  if (!ended) return;
  const shownEnd = sorted.again ? asAgain : postedTurn;
  ended = shownEnd(ended);
  if (turn.mayShow) {
    turn.freePlace(); // the answer waits for those of earlier questions (S5)
    await turn.mayShow;
    if (turn.cut === "interrupted") ended = withoutAnswer(ended);
  }
  const stored = await saveTurn(
    run.mayHaveDrafts ? { ...ended, mayHaveDrafts: true } : ended,
    ports,
    (error) => {
      const failed = failedTurn(turn.claim, { reason: "cannot be stored", error }, rules, ports);
      return { ...shownEnd(failed), mayHaveDrafts: run.mayHaveDrafts };
    },
  );
  if (!stored.stored) return;
  if (claim.attempt > 1) events.emit.decided(); // cards of presses that came to nothing
  const { outcome } = run;
  if (tracing) events.emit.traced(tracing.end(ended.end, outcome));
  const { message: { id: messageId, channelId } } = claim;
  const { folded, dropped } = stored;
  if (folded + dropped > 0) {
    const fields = { messageId, channelId, where: rules.where, folded, dropped };
    log.warn("A channel's queue is full: answers were folded or dropped", fields);
    if (dropped > 0 && rules.takesNoFiles) events.emit.filesLeftOut(claim.message);
  }
  // A draft may be in the channel, and the answer in its thread.
  channelQueues.wake([channelId, ended.claim.message.channelId]);
  events.emit.turnStored(stored);
  if (ended.isMarked) events.emit.unanswered();
  const { soon = setImmediate } = ports; // the answer leaves before its line is written
  soon(() => {
    const { micros: _, ...usage } = outcome?.kind === "reply" && outcome.usage || {};
    const cost = run.ms === undefined ? {} : { ms: run.ms, ...usage };
    const { model: modelId = model.id } = ended.cost ?? {};
    logAnswer(ended, { ...cost, where: rules.where }, { log, modelId });
  });
}

/** A turn that runs. */
interface AnswerRun {
  readonly turn: RunningTurn;
  readonly rules: TurnRules;
  /** Steps that an earlier process has stored. */
  readonly stored: SortedSteps;
  readonly ports: AnswerPorts;
  readonly spending: TurnSpending;
  /** Whether the outbox may have a draft or a line of it. */
  mayHaveDrafts: boolean;
  /** The end, once the model has answered; absent before. */
  outcome?: TurnOutcome;
  /** Milliseconds until then. */
  ms?: number;
}

/**
 * Reads, asks, and composes the turn's record. The function is long because it is the way of every
 * turn, from the first line to the last.
 *
 * @returns `undefined` if the turn is not over: the process stops, the account ends, the turn has
 * changed, or it waits for a person.
 * @throws {unknown} The store's error.
 */
async function runAnswer(run: AnswerRun): Promise<FinishedTurn | undefined> {
  const { turn, rules, stored, ports, spending } = run;
  const { now, store, files, model, manner, spend, events } = ports;
  const { claim } = turn;
  const { again } = stored;
  const { by } = spending;
  const startedAt = now();

  // The message with its context, as the model reads it.
  const { window = rules.window } = model;
  const boundary = ports.randomId();
  const system = systemPromptOf(rules.instructions);
  const filesChars = Math.floor(historyChars(window, system.length) * FILES_SHARE);
  const gathered = await gather(turn, { boundary, filesChars, stored }, rules, ports);
  if (ports.ended.aborted) return undefined; // Discord takes no answer; the next start runs the turn
  const { texts, images } = gathered;
  const envelope = withEditNote(texts.first(), again, rules.tools, boundary);

  // The request, with the entries of the session that fit.
  const all = stepsOfAll(stored);
  const links = createTurnLinks({ texts, steps: all }, () => history.entries);
  const toolbox = toolboxOf(turn, { boundary, gathered, links }, rules, ports);
  const parts = { system, envelope, images, toolChars: toolChars(toolbox.definitions) };
  const { reset, timezone, userTurns, timeoutMs, cleanSecrets } = rules;
  const { sessions, rates, summaries, randomId, schedule, stopping, log } = ports;
  const opened = await openHistory(
    claim,
    parts,
    { window, reset, timezone, userTurns, timeoutMs },
    {
      // Not all ports: to copy them costs more than the rest of this function.
      store: again ? upToQuestion(store, claim) : store,
      sessions,
      rates,
      summaries,
      randomId,
      now,
      schedule,
      stopping,
      log,
      cleanSecrets,
      model,
      writer: () => meteredModel(model, { kind: "compaction", by, spend, now }),
      earlierImages: files && model.takesImages !== false
        ? (messageIds) => imagesOfEarlier(messageIds, turn, gathered, files)
        : undefined,
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
    isKnownLink: links.isKnown,
  };
  const compose = createCompose(turn, shown, rules, again);

  // The model, until it answers without calling a tool.
  const { approval } = rules; // with it, or in place of another, no one sees an unfinished answer
  const draft = approval || again ? undefined : draftFor(turn, compose, ports);
  const progress = ports.lines?.begin(progressPlaceOf(claim, again), rules, turn.mayShow);
  const calls = stepPorts(turn, gathered, spending, links.isKnown, ports);
  const asked = ports.agents && createAskedAgents(
    {
      ...{ turn, boundary, gathered, links, spending, contextOf: calls.contextOf },
      save: calls.save,
      endsAt: startedAt + timeoutMs,
    },
    { chain: chainOf(stored.passed, claim.route.agentId), tools: rules.tools },
    { ...ports, agents: ports.agents },
  );
  const stepsWith = asked?.stepsWith ?? ((own: readonly Step[]) => own);
  const turnPorts: TurnPorts = {
    model: manner?.think || manner?.showsThinking ? withManner(model, manner) : model,
    checkBudget: () => spend.check(by, "answer"),
    onUsage(request, usage, modelId, askedAt) {
      const at = now();
      spending.charges.push(chargeOf(usage, modelId, "answer", by, Math.max(0, at - askedAt), at));
      observeTokens(rates, request, usage, modelId);
      ports.forms?.settle(model);
    },
    toolbox,
    isBlank: (text) => visibleText(text) === "",
    cleanSecrets,
    maxSteps: rules.maxSteps,
    ...{ now, schedule, timeoutMs },
    ending: turn.ending,
    onText: draft?.grow,
    isShown: draft?.isShown,
    onStep: (next) => void (turn.next = next, progress?.step(next)),
    onReading: progress?.reading,
    onAside: approval ? undefined : progress && ((text) => {
      const composed = compose(text);
      if (composed.kind === "reply") progress.said(composed.reply.chunks[0] ?? "");
    }),
    steps: stored.own,
    contextOf: asked ? (key) => ({ ...calls.contextOf(key), agents: asked.port }) : calls.contextOf,
    takeIn: calls.takeIn,
    planned: rules.workflow &&
      planOf(rules, () => messagesOf(turn.claim).map(({ text }) => text).join("\n")),
    people: ports.people,
    readJoined: gathered.readJoined,
    showJoined: calls.showJoined,
    showImages: calls.showImages,
    save: calls.save,
    onRefused: events.emit.toolRefused,
    isStoreDown: ports.isStoreDown,
  };
  let outcome: TurnOutcome | ParkedTurn | PassedTurn;
  try {
    outcome = await runTurn(history.requestFor, turnPorts);
    if (outcome.kind === "failed" && outcome.why === "context_length") {
      // Results of calls that may repeat are not stored yet, and those calls must not run again.
      const { unsaved = [] } = outcome.taken ?? {};
      if (unsaved.length > 0) await calls.save(unsaved, false);
      history = await opened.shrink();
      const { own: steps } = await readSteps(store, claim.message, ports.readingTools, now());
      outcome = await runTurn(history.requestFor, { ...turnPorts, steps });
    }
  } finally {
    if (await progress?.end()) run.mayHaveDrafts = true; // its timer must not outlive the turn
    if (draft) await draft.end();
  }
  if (outcome.kind === "parked") {
    if (history.isFolded) {
      const words = outcome.asked.map(({ question }) => question.text).join("\n");
      if (mayLink(words)) await links.recall(words, claim.route.sessionKey, sessions);
    }
    await parkTurn(turn.claim, outcome, spending, links.isKnown, ports);
    return undefined;
  }
  if (outcome.kind === "passed") {
    await passTurn(turn.claim, outcome, texts.entries(now()), spending, ports);
    return undefined;
  }
  const steps = outcome.kind === "interrupted" || outcome.kind === "refused"
    ? undefined
    : outcome.taken && stepsWith(outcome.taken.steps);
  const made = steps && await madeFiles(steps, claim.message.id, files?.made);
  if (outcome.kind === "failed" && outcome.why === "not_an_answer" && made && made.length > 0) {
    outcome = { kind: "reply", text: "", taken: outcome.taken }; // the files say enough
  }
  run.outcome = outcome;
  run.ms = Math.max(0, now() - startedAt);
  events.emit.turnEnded(outcome, run.ms, ports.model.id);
  const maxKeptChars = Math.floor(history.freeChars * KEPT_SHARE);

  // The record of the turn.
  switch (outcome.kind) {
    case "interrupted":
      return turn.cut === "interrupted"
        ? interruptedTurn(turn.claim, texts.entries(now()))
        : undefined;
    case "failed": {
      const { why, reason, retryAfterMs, error, taken } = outcome;
      const given = {
        ...{ texts, rules, maxKeptChars, taken, isKnownLink: links.isKnown },
        isPersonal: asked?.isPersonalIn(taken),
      };
      const end = { why, reason, retryAfterMs, error, given };
      return paidTurn(failedTurn(turn.claim, end, rules, ports), spending);
    }
    case "refused":
      return paidTurn(await refusedTurn(turn.claim, outcome.stop, rules, ports, spend), spending);
  }
  const { taken, isCut, carried } = outcome;
  if (history.isFolded && mayLink(outcome.text)) {
    await links.recall(outcome.text, claim.route.sessionKey, sessions);
  }
  let home = turn.claim;
  const { text, flag } = approval ? takeFlag(outcome.text) : { text: outcome.text };
  let composed = compose(text, home, made);
  const why = approval && composed.kind === "reply" && ports.people &&
    await reasonToHold(home, composed, flag, approval, ports.people);
  const moving = why ? undefined : ports.threads.homeOf(home, composed.kind === "reply");
  if (moving) {
    home = await moving;
    if (home !== turn.claim) composed = compose(text, home, made);
  }
  const given = {
    ...{ texts, rules, maxKeptChars, taken, isKnownLink: links.isKnown, isCut, carried },
    isPersonal: asked?.isPersonalIn(taken),
  };
  if (composed.kind === "blank") {
    const reason = "nothing to show in the answer";
    return paidTurn(failedTurn(home, { reason, given }, rules, ports), spending);
  }
  if (composed.kind === "reply") {
    const { message, route: { agentId } } = turn.claim;
    const isSpoken = !why && !rules.takesNoFiles &&
      message.attachments?.some(({ isVoice }) => isVoice);
    const voice = isSpoken
      ? await files?.speak({ message, agentId }, composed.text, stopping)
      : undefined;
    if (voice) composed = { ...composed, reply: { ...composed.reply, voice } };
    const composeMore = (text: string) => compose(text, home, made);
    const passed = passedTo(stored.passed, ports.agents?.list);
    const lines = { home, rules, manner, spending, passed, again };
    composed = withLines(composed, outcome, composeMore, lines);
  }
  const ending = answeredTurn(home, composed, given, ports);
  if (approval && why && composed.kind === "reply" && ports.people) {
    const answered = { why, made, taken, spending, rules: { ...rules, approval }, at: now() };
    const parked = await heldTurn(ending, composed, answered, ports.people);
    await parkTurn(turn.claim, parked, spending, links.isKnown, ports);
    return undefined;
  }
  turn.afterwards = opened.afterwards(ending.entries);
  const paid = paidTurn(ending, spending, outcome.replaced);
  return steps ? await withUndoButton(paid, steps, rules.texts, ports.canUndo) : paid;
}
