/**
 * Answers a claimed message: what the model reads, the request, the answer, the reply, and its record
 * (T3), in this order. It sends nothing.
 *
 * A plain turn has one request and no more. Tools, files, drafts, threads and notices branch off here,
 * each in a line that names its module. So a turn with tools is the plain one and its steps.
 */

import { toUnanswered } from "../../core/inbound/inbox.ts";
import { callsToRun } from "../../agent/next_step.ts";
import { runTurn, type TurnPorts } from "../../agent/turn.ts";
import { NO_STEPS } from "../../core/step.ts";
import type { ParkedTurn, StepsTaken, TurnOutcome } from "../../core/turn/turn_outcome.ts";
import type { Claim, FinishedTurn } from "../../core/inbound/inbox.ts";
import { chargeOf } from "../../core/spending/usage.ts";
import { visibleText } from "../../render/safety/visible.ts";
import { madeFiles } from "../media/find_files.ts";
import { observeTokens } from "../session/turn_history.ts";
import { type AnswerPorts, withoutTools } from "./answer_ports.ts";
import {
  answeredTurn,
  interruptedTurn,
  logAnswer,
  postedTurn,
  progressPlaceOf,
  withoutAnswer,
} from "./finished_turn.ts";
import { failedTurn } from "./failed_turn.ts";
import { readSteps } from "../session/old_results.ts";
import { readRequest, shownOf, stepPorts, type TurnRequest, type TurnToRead } from "./gather.ts";
import { withLinesUnder } from "./control/lines_under.ts";
import { parkTurn, saveTurn } from "./save_turn.ts";
import { spokenTurn } from "./progress/speech.ts";
import { type Compose, createCompose, draftFor, withLines, withManner } from "./shown_answer.ts";
import {
  createTurnSpending,
  paidTurn,
  refusedTurn,
  type TurnSpending,
} from "./spending/turn_spending.ts";
import { inForm } from "./control/prompt_form.ts";

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

/**
 * Runs a claimed message's turn to its end and stores it. The next start repeats an interrupted
 * turn.
 *
 * @throws {unknown} The store's error, if the store is down before the turn's end, or refuses even
 * the failed turn.
 */
export async function answer(claim: Claim, { speech, ...own }: AnswerPorts): Promise<void> {
  const sorted = claim.attempt === 1
    ? NO_STEPS
    : await readSteps(own.store, claim.message, own.readingTools, own.now());
  // After a crash, an answer that people may have heard in part is posted, and not said again.
  const said = sorted.isSpoken ? undefined : speech;
  const all = { ...own, ...said && { speech: said, model: said.model ?? own.model } };
  const { turn, model, log, events, channelQueues } = all;
  // From the beginning to the end.
  const written = all.rules(claim.message);
  const agent = { model, rules: written };
  const formed = all.forms ? await inForm(agent, all.forms) : agent;
  const { rules: given } = formed;
  const ports = formed === agent ? all : { ...all, model: formed.model };
  const rules = model.takesNoTools && given.tools.length > 0 ? withoutTools(given) : given;
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
      const isFree = callsToRun(sorted.own).length > 0; // a person has decided about them
      const checking = isFree ? undefined : ports.spend.check(spending.by, "answer");
      const spent = checking && await checking;
      ended = spent
        ? await refusedTurn(claim, spent, rules, ports, ports.spend)
        : await runAnswer(run);
    } catch (error) {
      if (ports.isStoreDown(error)) throw error;
      if (turn.cut !== undefined) return; // an edit came in between two steps, for example
      if (ports.stopping.aborted) return;
      ended = failedTurn(turn.claim, { reason: "unexpected", error }, rules, ports);
    }
  }
  if (!ended) return;
  const shown = postedTurn(ended);
  const lined = await withLinesUnder(shown, run, ports);
  ended = spokenTurn(lined, lined !== shown, ports.speech);
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
      return { ...postedTurn(failed), mayHaveDrafts: run.mayHaveDrafts };
    },
  );
  if (!stored.stored) return;
  if (claim.attempt > 1) events.emit.decided(); // cards of presses that came to nothing
  const { outcome } = run;
  const { message: { id: messageId, channelId } } = claim;
  const { dropped } = stored;
  if (dropped > 0) {
    const fields = { messageId, channelId, where: rules.where, dropped };
    log.warn("A channel's queue is full: an answer was dropped", fields);
  }
  // A draft may be in the channel, and the answer in its thread.
  channelQueues.wake([channelId, ended.claim.message.channelId]);
  if (ended.isMarked) events.emit.unanswered([toUnanswered(claim.message, "refused")]);
  const { soon = setImmediate } = ports; // the answer leaves before its line is written
  soon(() => {
    const { micros: _, ...usage } = outcome?.kind === "reply" && outcome.usage || {};
    const cost = run.ms === undefined ? {} : { ms: run.ms, ...usage };
    const { model: modelId = model.id } = ended.cost ?? {};
    logAnswer(ended, { ...cost, where: rules.where }, { log, modelId });
  });
}

interface AnswerRun extends TurnToRead {
  readonly spending: TurnSpending;
  /** Whether the outbox may have a draft or a line of it. */
  mayHaveDrafts: boolean;
  /** The end, once the model has answered; absent before. */
  outcome?: TurnOutcome;
  /** Milliseconds until then. */
  ms?: number;
}

/**
 * Reads, asks, and composes the turn's record.
 *
 * @returns `undefined` if the turn is not over: the process stops, the account ends, the turn has
 * changed, or it waits for a person.
 * @throws {unknown} The store's error.
 */
async function runAnswer(run: AnswerRun): Promise<FinishedTurn | undefined> {
  const { ports, turn, spending } = run;
  const startedAt = ports.now();
  const request = await readRequest(run);
  if (!request) return undefined; // Discord takes no answer; the next start runs the turn
  const asked = await askModel(run, request);
  let { outcome } = asked;
  if (outcome.kind === "parked") {
    await parkTurn(turn.claim, outcome, spending, ports);
    ports.speech?.waits();
    return undefined;
  }
  const taken = outcome.kind === "reply" || outcome.kind === "failed" ? outcome.taken : undefined;
  const steps = taken?.steps;
  const made = steps && await madeFiles(steps, turn.claim.message.id, ports.media?.made);
  if (outcome.kind === "failed" && outcome.why === "not_an_answer" && made && made.length > 0) {
    outcome = { kind: "reply", text: "", taken: taken }; // the files say enough
  }
  run.outcome = outcome;
  run.ms = Math.max(0, ports.now() - startedAt);
  ports.events.emit.turnEnded(outcome, run.ms, ports.model.id);
  if (outcome.kind !== "reply") return await recordWithoutAnswer(run, request, outcome);
  return await recordAnswer(run, request, asked, { outcome, made });
}

/** Asks the model until it answers without calling a tool, and shows people how it goes. */
async function askModel(run: AnswerRun, request: TurnRequest) {
  const { turn, rules, stored, ports, spending } = run;
  const { gathered, opened } = request;
  const { now, schedule, model, manner, spend } = ports;
  const { claim } = turn;
  const { timeoutMs } = rules;
  const { by } = spending;
  const compose = createCompose(turn, shownOf(request), rules);
  const draft = draftFor(turn, compose, ports);
  const lines = claim.message.own ? undefined : ports.lines; // they would lack the mark (T13a)
  const progress = lines?.begin(progressPlaceOf(claim), rules, turn.mayShow);
  const steps = stepPorts(turn, gathered, spending, ports);
  const turnPorts: TurnPorts = {
    ...steps,
    model: manner?.think || manner?.showsThinking ? withManner(model, manner) : model,
    checkBudget: () => spend.check(by, "answer"),
    onUsage(request, usage, modelId, askedAt) {
      const at = now();
      spending.charges.push(chargeOf(usage, modelId, "answer", by, Math.max(0, at - askedAt), at));
      observeTokens(ports.rates, request, usage, modelId);
      ports.forms?.settle(model);
    },
    toolbox: request.toolbox,
    isBlank: (text) => visibleText(text) === "",
    cleanSecrets: rules.cleanSecrets,
    maxSteps: rules.maxSteps,
    ...{ now, schedule, timeoutMs },
    ending: turn.ending,
    onText: draft?.grow,
    isShown: draft?.isShown,
    onStep: (next) => void (turn.next = next, progress?.step(next)),
    onReading: progress?.reading,
    onAside: (progress ?? ports.speech) && ((text) => {
      ports.speech?.pause();
      if (!progress) return;
      const composed = compose(text);
      if (composed.kind === "reply") progress.said(composed.reply.chunks[0] ?? "");
    }),
    steps: stored.own,
    people: ports.people,
    readJoined: gathered.readJoined,
    isStoreDown: ports.isStoreDown,
  };
  let outcome: TurnOutcome | ParkedTurn;
  try {
    outcome = await runTurn(request.history.requestFor, turnPorts);
    if (outcome.kind === "failed" && outcome.why === "context_length") {
      // Results of calls that may repeat are not stored yet, and those calls must not run again.
      const { unsaved = [] } = outcome.taken ?? {};
      if (unsaved.length > 0) await steps.save(unsaved, false);
      request.history = await opened.shrink();
      const read = await readSteps(ports.store, claim.message, ports.readingTools, now());
      outcome = await runTurn(request.history.requestFor, { ...turnPorts, steps: read.own });
    }
  } finally {
    if (await progress?.end()) run.mayHaveDrafts = true; // its timer must not outlive the turn
    if (draft) await draft.end();
  }
  return { outcome, compose };
}

type ModelAsked = Awaited<ReturnType<typeof askModel>>;
type ModelReply = Extract<TurnOutcome, { kind: "reply" }>;

function givenOf(
  { rules }: AnswerRun,
  { gathered: { texts }, history }: TurnRequest,
  taken: StepsTaken | undefined,
) {
  const maxKeptChars = Math.floor(history.freeChars * KEPT_SHARE);
  return { texts, rules, maxKeptChars, taken };
}

async function recordWithoutAnswer(
  run: AnswerRun,
  request: TurnRequest,
  outcome: Exclude<TurnOutcome, ModelReply>,
): Promise<FinishedTurn | undefined> {
  const { turn: { claim, cut }, rules, ports, spending } = run;
  switch (outcome.kind) {
    case "interrupted":
      return cut === "interrupted"
        ? interruptedTurn(claim, request.gathered.texts.entries(ports.now()))
        : undefined;
    case "failed": {
      const { why, reason, retryAfterMs, error, taken } = outcome;
      const end = { why, reason, retryAfterMs, error, given: givenOf(run, request, taken) };
      return paidTurn(failedTurn(claim, end, rules, ports), spending);
    }
    case "refused":
      return paidTurn(await refusedTurn(claim, outcome.stop, rules, ports, ports.spend), spending);
  }
}

/** Composes the answer, and the record of its turn. */
async function recordAnswer(
  run: AnswerRun,
  request: TurnRequest,
  asked: ModelAsked,
  { outcome, made }: {
    readonly outcome: ModelReply;
    readonly made: Parameters<Compose>[2];
  },
): Promise<FinishedTurn | undefined> {
  const { turn, rules, ports, spending } = run;
  const { media, manner } = ports;
  const { compose } = asked;
  const { taken, isCut, carried } = outcome;
  let home = turn.claim;
  const { text } = outcome;
  let composed = compose(text, home, made);
  const moving = ports.threads.homeOf(home, composed.kind === "reply");
  if (moving) {
    home = await moving;
    if (home !== turn.claim) composed = compose(text, home, made);
  }
  const given = { ...givenOf(run, request, taken), isCut, carried };
  if (composed.kind === "blank") {
    const reason = "nothing to show in the answer";
    return paidTurn(failedTurn(home, { reason, given }, rules, ports), spending);
  }
  if (composed.kind === "reply") {
    const { message, route: { agentId } } = turn.claim;
    const isSpoken = !rules.takesNoFiles &&
      message.attachments?.some(({ isVoice }) => isVoice);
    const voice = isSpoken
      ? await media?.speak({ message, agentId }, composed.text, ports.stopping)
      : undefined;
    if (voice) composed = { ...composed, reply: { ...composed.reply, voice } };
    if (ports.speech) {
      const isLarge = composed.reply.files.length > 0 || composed.reply.chunks.length > 1;
      composed = { ...composed, text: await ports.speech.end(composed.text, isLarge) };
    }
    const composeMore = (text: string) => compose(text, home, made);
    composed = withLines(composed, outcome, composeMore, { rules, manner, spending });
  }
  const ending = answeredTurn(home, composed, given, ports);
  turn.afterwards = request.opened.afterwards(ending.entries);
  return paidTurn(ending, spending, outcome.replaced);
}
