/**
 * Answers a claimed message: reads, asks, shows, records (T3) and delivers, in this order.
 *
 * A plain turn has one request and no more. What only some turns need are steps at named places
 * (`steps.ts`).
 *
 * The model is asked again with the results of the tools that it calls, until it calls none. Each step
 * is stored before the next one begins. After a crash, the turn goes on from its steps: the model is
 * not asked again for a stored answer, and a call that must not run twice does not. Only results of
 * calls that may run twice wait for the next step's transaction, so a step with them costs one commit.
 */

import type { BotAccount } from "../../account/account.ts";
import { perAccount, wakeChannels } from "../../account/per_account.ts";
import {
  callsToRun,
  type JoinedMessage,
  MAX_CALLS,
  type ModelResponse,
  newCuts,
  type NextStep,
  nextStep,
  NO_STEPS,
  type ParkedTurn,
  requestWith,
  roundsOf,
  type Step,
  type StepsTaken,
  type ToolResult,
  type TurnOutcome,
} from "../../core/step.ts";
import type { MessageId } from "../../core/discord/ids.ts";
import { type Claim, type FinishedTurn, messagesOf } from "../../core/inbound/inbox.ts";
import {
  type Model,
  ModelError,
  type ModelRequest,
  type ModelUsage,
  type ToolCall,
} from "../../core/model.ts";
import type { AskedCall } from "../../core/people/question.ts";
import { BudgetSpent, chargeOf } from "../../core/spending/budget.ts";
import { type MadeCall, questionKey, type ToolContext } from "../../core/turn/tool.ts";
import { beBusy } from "../../host/process/engine_options.ts";
import { whileAwake } from "../../lib/clock.ts";
import { visibleText } from "../../render/safety/visible.ts";
import { homeOf } from "../judging/answer_threads.ts";
import { mannerOf, modelOf } from "../judging/judge.ts";
import { spendOf } from "../limits.ts";
import { madeFiles } from "../media/files.ts";
import { tellRefusedParts } from "../owners/tell_owners.ts";
import {
  answeredTurn,
  type Compose,
  createCompose,
  createTurnSpending,
  failedTurn,
  interruptedTurn,
  isStoreDown,
  logAnswer,
  type ModelReply,
  type OneTurn,
  paidTurn,
  parkTurn,
  postedTurn,
  refusedTurn,
  saveSteps,
  saveTurn,
  STEPS,
  unsavedCharges,
  type Watching,
} from "./steps.ts";
import {
  type Gathered,
  observableChars,
  observeTokens,
  readRequest,
  readSteps,
  shownOf,
  type TurnContext,
  type TurnRequest,
} from "./gather.ts";
import { isResult } from "./toolbox.ts";
import { prepareQueueModes, rulesOf } from "./turn_rules.ts";
import type { RunningTurn } from "./turns.ts";

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
export async function answer(
  account: BotAccount,
  claim: Claim,
  running: RunningTurn,
): Promise<void> {
  const turn = await begin(account, claim, running);
  const ended = await untilEnd(turn, async () => {
    const request = await readRequest(turn, await contextOf(turn));
    const asked = request && await askModel(turn, request);
    return asked && await recordOf(turn, asked);
  });
  if (!ended) return;
  const shown = await complete(turn, ended);
  if (await store(turn, shown)) deliver(turn, shown);
}

/** Fixes everything that the config and people's settings say, until the turn's end (C9). */
async function begin(account: BotAccount, claim: Claim, running: RunningTurn): Promise<OneTurn> {
  const { message, route } = claim;
  const fixed = {
    config: account.config(),
    rules: rulesOf(account, route.agentId)(message),
    model: modelOf(account, route),
    manner: mannerOf(account, route.sessionKey),
  };
  const stored = claim.attempt === 1 ? NO_STEPS : await readSteps(account, message);
  const spending = createTurnSpending(claim);
  const turn: OneTurn = { account, turn: running, stored, ...fixed, spending };
  for (const { begins } of STEPS) {
    const waiting = begins?.(turn);
    if (waiting) await waiting;
  }
  return turn;
}

/** The record of the turn; `undefined` if it is not over: it has changed, or the process stops. */
async function untilEnd(
  turn: OneTurn,
  run: () => Promise<FinishedTurn | undefined>,
): Promise<FinishedTurn | undefined> {
  try {
    for (const { refuses } of STEPS) {
      const refused = refuses && await refuses(turn);
      if (refused) return refused;
    }
    return await run();
  } catch (error) {
    if (isStoreDown(error)) throw error;
    const { account: { stopping }, turn: { claim, cut } } = turn;
    if (cut !== undefined) return; // an edit came in between two steps, for example
    if (stopping.aborted) return;
    return failedTurn(claim, { reason: "unexpected", error }, turn);
  }
}

async function contextOf(turn: OneTurn): Promise<TurnContext> {
  const context: TurnContext = {};
  for (const { reads } of STEPS) {
    const waiting = reads?.(turn, context);
    if (waiting) await waiting;
  }
  return context;
}

interface ModelAsked {
  readonly request: TurnRequest;
  readonly outcome: TurnOutcome;
  readonly compose: Compose;
  readonly made: Parameters<Compose>[2];
}

/**
 * Asks the model until it answers without calling a tool.
 *
 * @returns `undefined` if the turn waits for a person.
 */
async function askModel(turn: OneTurn, request: TurnRequest): Promise<ModelAsked | undefined> {
  const { account, turn: running } = turn;
  const { now } = account;
  const startedAt = now();
  const compose = createCompose(running, shownOf(request), turn.rules);
  const watches = STEPS.flatMap(({ watches }) => watches?.(turn, compose) ?? []);
  let outcome: TurnOutcome | ParkedTurn;
  try {
    outcome = await runTurn(turn, request, watches);
  } finally {
    for (const { end } of watches) await end?.(); // a timer must not outlive the turn
  }
  if (outcome.kind === "parked") {
    await parkTurn(turn, outcome);
    for (const { parked } of STEPS) parked?.(turn);
    return undefined;
  }
  const taken = takenIn(outcome);
  const { message: { id } } = running.claim;
  const made = taken && await madeFiles(account, taken.steps, id);
  if (outcome.kind === "failed" && outcome.why === "not_an_answer" && made && made.length > 0) {
    outcome = { kind: "reply", text: "", taken }; // the files say enough
  }
  turn.outcome = outcome;
  turn.ms = Math.max(0, now() - startedAt);
  turnEnded(account, outcome, turn.ms, turn.model.id);
  return { request, outcome, compose, made };
}

function takenIn(outcome: TurnOutcome): StepsTaken | undefined {
  return outcome.kind === "reply" || outcome.kind === "failed" ? outcome.taken : undefined;
}

/** The record of a turn whose model has ended it. */
async function recordOf(
  turn: OneTurn,
  { request, outcome, compose, made }: ModelAsked,
): Promise<FinishedTurn | undefined> {
  const { account, turn: { claim, cut }, rules, spending } = turn;
  const { gathered: { texts }, history } = request;
  const maxKeptChars = Math.floor(history.freeChars * KEPT_SHARE);
  const given = { texts, rules, maxKeptChars, taken: takenIn(outcome) };
  switch (outcome.kind) {
    case "interrupted":
      return cut === "interrupted"
        ? interruptedTurn(claim, texts.entries(account.now()))
        : undefined;
    case "failed":
      return paidTurn(failedTurn(claim, { ...outcome, given }, turn), spending);
    case "refused":
      return paidTurn(await refusedTurn(claim, outcome.stop, turn), spending);
    case "reply":
      return await recordAnswer(turn, { request, outcome, compose, made }, given);
  }
}

/** Composes the answer, in the channel or in a thread that it opens, and its record. */
async function recordAnswer(
  turn: OneTurn,
  { request, outcome, compose, made }: ModelAsked & { readonly outcome: ModelReply },
  given: Parameters<typeof answeredTurn>[2],
): Promise<FinishedTurn> {
  const { account, turn: running, spending } = turn;
  const { text, isCut, carried, replaced } = outcome;
  let home = running.claim;
  let composed = compose(text, home, made);
  const moving = homeOf(account, home, composed.kind === "reply");
  if (moving) {
    home = await moving;
    if (home !== running.claim) composed = compose(text, home, made);
  }
  const whole = { ...given, isCut, carried };
  if (composed.kind === "blank") {
    const reason = "nothing to show in the answer";
    return paidTurn(failedTurn(home, { reason, given: whole }, turn), spending);
  }
  if (composed.kind === "reply") {
    const again = (text: string) => compose(text, home, made);
    for (const { shows } of STEPS) {
      if (shows) composed = await shows(turn, composed, outcome, again);
    }
  }
  const ending = answeredTurn(home, composed, whole, turn);
  running.afterwards = request.opened.afterwards(ending.entries);
  return paidTurn(ending, spending, replaced);
}

/** The record with everything that steps add to it, once it may be shown. */
async function complete(turn: OneTurn, ended: FinishedTurn): Promise<FinishedTurn> {
  let shown = ended;
  for (const { ends } of STEPS) if (ends) shown = await ends(turn, shown);
  return turn.mayHaveDrafts ? { ...shown, mayHaveDrafts: true } : shown;
}

function store(turn: OneTurn, ended: FinishedTurn): Promise<boolean> {
  const { account, turn: { claim }, mayHaveDrafts } = turn;
  return saveTurn(account, ended, (error) => {
    const failed = failedTurn(claim, { reason: "cannot be stored", error }, turn);
    return { ...postedTurn(failed), mayHaveDrafts };
  });
}

function deliver(turn: OneTurn, ended: FinishedTurn): void {
  const { account, turn: { claim: { message } }, rules: { where }, model, outcome, ms } = turn;
  // A draft may be in the channel, and the answer in its thread.
  wakeChannels(account, [message.channelId, ended.claim.message.channelId]);
  for (const step of STEPS) step.stored?.(turn, ended);
  setImmediate(() => { // the answer leaves before its line is written
    const { micros: _, ...usage } = outcome?.kind === "reply" && outcome.usage || {};
    const cost = ms === undefined ? {} : { ms, ...usage };
    const { model: modelId = model.id } = ended.cost ?? {};
    logAnswer(ended, { ...cost, where }, { log: account.log, modelId });
  });
}

/** A turn whose model is asked. */
interface Asking {
  readonly turn: OneTurn;
  readonly request: TurnRequest;
  /** What goes along. */
  readonly watches: readonly Watching[];
  /** All steps so far, in order; empty before the first call. */
  readonly steps: Step[];
  /** Number of those that the store has, the first ones. */
  saved: number;
}

/** Runs a turn to its end, with half of the history if its request is too long for the model. */
async function runTurn(
  turn: OneTurn,
  request: TurnRequest,
  watches: readonly Watching[],
): Promise<TurnOutcome | ParkedTurn> {
  const asking = {
    turn,
    request,
    watches,
    steps: [...turn.stored.own],
    saved: turn.stored.own.length,
  };
  const outcome = await untilAnswered(asking);
  if (outcome.kind !== "failed" || outcome.why !== "context_length") return outcome;
  // Results of calls that may repeat are not stored yet, and those calls must not run again.
  await save(asking, false);
  request.history = await request.opened.shrink();
  const { own } = await readSteps(turn.account, turn.turn.claim.message);
  return await untilAnswered({ ...asking, steps: [...own], saved: own.length });
}

/**
 * Asks the model and reads its answer. One without a last part, or without text and calls, is a
 * failure (L3).
 *
 * @throws {BudgetSpent} Before anything is asked, if a budget is spent.
 */
async function readAnswer(
  request: ModelRequest,
  { turn, watches }: Asking,
): Promise<ModelResponse> {
  const { account, rules: { cleanSecrets }, spending: { by, charges } } = turn;
  const checking = spendOf(account).check(by, "answer");
  const stop = checking && await checking; // most turns have no budget, and wait for nothing
  if (stop) throw new BudgetSpent(stop);
  const model = watches.find((one) => one.model)?.model ?? turn.model;
  const startedAt = account.now();
  const asked = {
    ...request,
    isShown: () => watches.some((one) => one.isShown?.()),
    onReading: watches.find((one) => one.onReading)?.onReading,
  };
  const chars = observableChars(request);
  let text = "";
  let thinking = "";
  for await (const part of model.generate(asked, turn.turn.ending.signal)) {
    if (part.kind === "again") {
      text = thinking = "";
      grown(text, watches);
      continue;
    }
    if (part.kind === "text") {
      text += part.text;
      grown(text, watches);
      continue;
    }
    if (part.kind === "thinking") {
      thinking += part.text;
      continue;
    }
    const { kind: _, reason, calls, carried, ...told } = part;
    const { usage, modelId } = told;
    if (usage) {
      const of = modelId ?? model.id;
      const at = account.now();
      charges.push(chargeOf(usage, of, "answer", by, Math.max(0, at - startedAt), at));
      observeTokens(account, chars, usage, of);
      for (const { onPaid } of watches) onPaid?.();
    }
    const about = {
      ...told,
      thinking: thinking !== "" ? cleanSecrets(thinking) : undefined,
      // Without a secret: a changed one would be of no use.
      carried: carried !== undefined && cleanSecrets(carried) === carried ? carried : undefined,
    };
    if (calls && request.tools && request.mayCall !== false) {
      const clean = calls.slice(0, MAX_CALLS + 1).map((call) => ({
        ...call,
        arguments: cleanSecrets(call.arguments),
      }));
      return { text: cleanSecrets(text), calls: clean, ...about };
    }
    if (text.trim() === "") throw notAnAnswer(model, `empty (${reason})`);
    const isCut = reason === "length" || reason === "other";
    return { text, ...about, isCut: isCut ? true : undefined };
  }
  throw notAnAnswer(model, "it ended early");
}

/** The answer has grown, or begins again. */
function grown(soFar: string, watches: readonly Watching[]): void {
  for (const { onText } of watches) onText?.(soFar);
}

function notAnAnswer({ id: modelId }: Model, why: string): ModelError {
  return new ModelError(`${modelId} gave no answer: ${why}`, { kind: "not_an_answer", modelId });
}

/** Reads the answer after calls of tools. If it has no words, asks once for some. */
async function readWords(request: ModelRequest, asking: Asking): Promise<ModelResponse> {
  try {
    const answer = await readAnswer(request, asking);
    if (answer.calls || visibleText(answer.text) !== "") return answer;
  } catch (error) {
    if (!(error instanceof ModelError) || error.kind !== "not_an_answer") throw error;
  }
  grown("", asking.watches);
  return await readAnswer(forWords(request), asking);
}

/**
 * Asks again for words, after an answer without any. The tools have done their work, and the person
 * must learn of it.
 */
function forWords(request: ModelRequest): ModelRequest {
  const messages = [...request.messages, { role: "user", text: WORDS } as const];
  return request.tools ? { ...request, messages, mayCall: false } : { ...request, messages };
}

const WORDS =
  "[Your last answer had no text, and people read nothing else of you. Write now, in a " +
  "few words, what you did and found. Call no tool.]";

/**
 * Runs a turn to its end. A failure of the model or of a tool is an outcome; it is never thrown.
 *
 * A plain turn ends with its first answer. The log of steps begins with the first call.
 *
 * @throws {unknown} The store's error, if its disk refuses anything.
 */
async function untilAnswered(asking: Asking): Promise<TurnOutcome | ParkedTurn> {
  const { turn, request, watches, steps } = asking;
  const { account: { now, schedule }, turn: running, rules: { maxSteps, timeoutMs } } = turn;
  const { ending } = running;
  const { signal } = ending;
  const { gathered, toolbox } = request;
  let isLate = false;
  const cancel = whileAwake(schedule)(() => {
    if (signal.aborted) return;
    isLate = true;
    ending.abort();
  }, timeoutMs);
  let usage: ModelUsage | undefined;
  let thinking: string | undefined;
  let isLast = false;
  try {
    for (;;) {
      const next = nextStep(steps, toolbox.isIdempotent);
      for (const { onNext } of watches) onNext?.(next);
      if (next.kind !== "ask") {
        const asked = await takeStep(next, asking);
        const taken = { steps, unsaved: steps.slice(asking.saved) };
        if (asked.length > 0) return { kind: "parked", asked, taken };
        continue;
      }
      const isPlain = steps.length === 0;
      if (!isPlain) {
        await takeIn(asking);
        await gathered.readJoined(signal);
      }
      signal.throwIfAborted();
      isLast = next.answers + 1 >= maxSteps;
      const room = requestWith(request.history.requestFor, steps, isLast, {
        tools: toolbox.definitions,
        showJoined: (id) => joinedMessage(id, gathered),
        showImages: (ids) => gathered.attachments().keptImages(ids),
      });
      // The model that made the calls reads their results, also after a crash.
      const prefers = answeredBy(steps);
      const cuts = newCuts(steps, room.messages);
      if (cuts) steps.push({ kind: "cut", results: cuts, at: now() });
      const answer = isPlain
        ? await readAnswer(room, asking)
        : await readWords(prefers === undefined ? room : { ...room, prefers }, asking);
      usage = sumUsage(usage, answer.usage);
      if (answer.thinking !== undefined) {
        const thought = answer.thinking.trim();
        thinking = thinking === undefined ? thought : `${thinking}\n\n${thought}`;
      }
      const { calls, ...said } = answer;
      if (!calls) return { kind: "reply", ...said, thinking, usage, taken: takenBy(asking) };
      const { failure: _, isCut: _cut, thinking: _thought, ...kept } = said;
      const { text } = kept;
      if (text.trim() !== "") { for (const { onAside } of watches) onAside?.(text); }
      const read = [...gathered.texts.sources().difference(readBy(steps))];
      const more = read.length > 0 && { read };
      steps.push({ kind: "answer", at: now(), ...kept, calls, ...more });
    }
  } catch (error) {
    if (signal.aborted && !isLate) return { kind: "interrupted" };
    if (isStoreDown(error)) throw error;
    if (error instanceof BudgetSpent) return { kind: "refused", stop: error.stop };
    const failed = { kind: "failed" as const, error, taken: takenBy(asking) };
    if (isLate) {
      return { ...failed, why: "late", reason: `no answer within ${timeoutMs / 1_000} s` };
    }
    if (!(error instanceof ModelError)) {
      return { ...failed, why: "unexpected", reason: "unexpected" };
    }
    const { kind, message, retryAfterMs } = error;
    if (steps.length > 0 && isLast && kind === "not_an_answer") {
      return { ...failed, why: "steps", reason: `no words after ${maxSteps} steps: ${message}` };
    }
    return { ...failed, why: kind, reason: `${kind}: ${message}`, retryAfterMs };
  } finally {
    cancel();
  }
}

/** The fallback that gave the last answer with calls; `undefined` if it was the first model. */
function answeredBy(steps: readonly Step[]): string | undefined {
  const last = steps.findLast((step) => step.kind === "answer");
  return last?.kind === "answer" ? last.modelId : undefined;
}

const readBy = (steps: readonly Step[]): ReadonlySet<string> =>
  new Set(steps.flatMap((step) => step.kind === "answer" ? step.read ?? [] : []));

/** `undefined` if the model has called no tool. */
function takenBy({ steps, saved }: Asking): StepsTaken | undefined {
  return steps.length > 0 ? { steps, unsaved: steps.slice(saved) } : undefined;
}

/** Stores the steps that the store does not have. */
async function save(asking: Asking, waitsForDisk: boolean): Promise<void> {
  const { turn: { account, turn: { claim }, spending }, steps, saved } = asking;
  const { length } = steps;
  if (saved === length) return;
  const { length: counted } = spending.charges;
  const charges = unsavedCharges(spending, "answer");
  const more = steps.slice(saved);
  await saveSteps(
    account,
    claim.message.id,
    () => account.store.turns.addSteps(claim, more, waitsForDisk, charges),
  );
  spending.stored = counted;
  asking.saved = length;
}

/** Takes in messages that have arrived since, if the store and the config have that (S5). */
async function takeIn(asking: Asking): Promise<void> {
  const { turn: { account, turn: running }, steps, saved } = asking;
  const { store: { inbox }, now } = account;
  const { steers } = prepareQueueModes(account);
  let joined: Step | undefined;
  const claim = await inbox.takeIn(running.claim, now(), steers, (messages) => {
    joined = { kind: "joined", messageIds: messages.map(({ id }) => id), at: now() };
    return [...steps.slice(saved), joined];
  });
  if (!claim || !joined) return;
  running.claim = claim;
  asking.saved = steps.push(joined);
}

function joinedMessage(id: MessageId, { texts, attachments }: Gathered): JoinedMessage | undefined {
  const shown = texts.of(id);
  const images = attachments().imagesOf([id]);
  return shown && { text: shown.text, images: images.length > 0 ? images : undefined };
}

const GOES_ON: readonly AskedCall[] = [];

async function takeStep(
  next: Exclude<NextStep, { kind: "ask" }>,
  asking: Asking,
): Promise<readonly AskedCall[]> {
  const { steps, turn: { account: { now } } } = asking;
  switch (next.kind) {
    case "run": {
      await save(asking, false);
      const { ready, asked } = await ask(next.calls, asking);
      return [...asked, ...await runAll(ready, asking)];
    }
    case "run_once": {
      const { ready, asked } = await ask([next.call], asking);
      if (asked.length > 0) return asked;
      steps.push({ kind: "begun", callId: next.call.id, at: now() });
      await save(asking, true);
      const paused = await runAll(ready, asking);
      if (paused.length === 0) await save(asking, false);
      return paused;
    }
    case "unknown":
    case "too_many":
    case "same_id":
      steps.push({ kind: "result", callId: next.call.id, at: now(), ...NOT_RUN[next.kind] });
      return GOES_ON;
  }
}

/** A call that may run now. */
interface ReadyCall {
  readonly call: ToolCall;
  /** How often it has waited for a person since it began. */
  readonly round: number;
  readonly context: ToolContext;
}

/** Sorts calls: those that may run, with the decisions about them, and those that wait for people. */
async function ask(calls: readonly ToolCall[], { turn, request, steps }: Asking) {
  const { account, turn: { claim, ending: { signal } } } = turn;
  const { message, also, route: { agentId, sessionKey } } = claim;
  const { history, toolbox } = request;
  // Some models use the same ids in each answer.
  const answers = steps.filter(({ kind }) => kind === "answer").length;
  const keyOf = (key: string) => `${message.id}:${key}`;
  const made = madeBy(steps, keyOf);
  const toRun = new Set(callsToRun(steps).map(({ id }) => keyOf(`${answers}:${id}`)));
  const shared = {
    ...{ account, agentId, message, also, sessionKey, made, signal },
    open: made.filter(({ callKey }) => toRun.has(callKey)),
    mayWait: true as const,
    // The bot's earlier answers may repeat words of other people.
    readsOthers: history.isFolded || history.entries.length > 0 ||
      messagesOf(claim).some(({ quoted, extras, names = {} }) =>
        quoted !== undefined || extras.length > 0 || Object.values(names).some(Boolean)
      ),
  };
  const ready: ReadyCall[] = [];
  const asked: AskedCall[] = [];
  const covered = new Set<string>();
  for (const call of calls) {
    const callKey = keyOf(`${answers}:${call.id}`);
    if (covered.has(callKey)) continue; // it waits for the question of another call
    const round = roundsOf(steps, call);
    const context: ToolContext = { ...shared, callKey };
    const decision = await account.store.questions.decisionOf(questionKey(callKey, round));
    const question = decision ? undefined : await toolbox.ask(call, context).catch(() => undefined);
    if (question) {
      asked.push({ callKey, question });
      for (const key of question.covers ?? []) covered.add(key);
    } else ready.push({ call, round, context: decision ? { ...context, decision } : context });
  }
  return { ready, asked };
}

/** Runs calls. Those that wait for people now come in addition to those of {@link ask}. */
async function runAll(
  ready: readonly ReadyCall[],
  { turn, request: { toolbox }, steps }: Asking,
): Promise<readonly AskedCall[]> {
  const { account: { now }, turn: { ending: { signal } } } = turn;
  const ended = await Promise.all(ready.map(({ call, context }) => toolbox.run(call, context)));
  signal.throwIfAborted(); // the next process decides again about these calls
  return ready.flatMap(({ call: { id: callId }, round, context: { callKey } }, at) => {
    const result = ended[at];
    if (!result) return [];
    if (isResult(result)) {
      steps.push({ kind: "result", callId, at: now(), ...result });
      return [];
    }
    steps.push({ kind: "waits", callId, at: now() });
    return [{ callKey: questionKey(callKey, round + 1), question: result.question }];
  });
}

/** All calls of a turn, in order. */
function madeBy(steps: readonly Step[], keyOf: (key: string) => string): readonly MadeCall[] {
  const made = new Map<string, MadeCall>();
  let answers = 0; // some models use the same ids in each answer
  for (const step of steps) {
    if (step.kind === "answer") {
      answers++;
      for (const { id, name, arguments: written } of step.calls) {
        const callKey = keyOf(`${answers}:${id}`);
        made.set(callKey, { callKey, name, arguments: written });
      }
    } else if (step.kind === "result") {
      const call = made.get(keyOf(`${answers}:${step.callId}`));
      if (call) made.set(call.callKey, { ...call, refused: step.refused });
    }
  }
  return [...made.values()];
}

/** Results of calls that do not run here, by the next step. */
const NOT_RUN = {
  unknown: {
    end: "unknown",
    text: "Unknown: the process ended while this ran. It may have happened, or not. " +
      "Find out before you do it again, or tell the user.",
  },
  too_many: {
    end: "failed",
    text: `Error: one answer may have ${MAX_CALLS} calls. This one did not run, and none after ` +
      "it. Call them again if you still need them.",
    refused: "too_many_calls",
  },
  same_id: {
    end: "failed",
    text: "Error: two calls of your answer had the same id, so neither ran. Call one tool at a " +
      "time, or give each call an id of its own.",
    refused: "same_id",
  },
} as const satisfies Readonly<Record<string, ToolResult>>;

function sumUsage(
  one: ModelUsage | undefined,
  other: ModelUsage | undefined,
): ModelUsage | undefined {
  if (!one || !other) return other ?? one;
  const cachedTokens = (one.cachedTokens ?? 0) + (other.cachedTokens ?? 0);
  return {
    inputTokens: one.inputTokens + other.inputTokens,
    outputTokens: one.outputTokens + other.outputTokens,
    cachedTokens: cachedTokens > 0 ? cachedTokens : undefined,
  };
}

/** Number of turns and steps after which a bot is busy; a step is as much work as a turn. */
const BUSY_WORK = 100;

const doneOf = perAccount("turns", () => ({ work: 0 }));

/**
 * The model has ended a turn. The store does not have it yet.
 *
 * @param ms Milliseconds since its request was read.
 * @param modelId The model that the turn asked first.
 */
export function turnEnded(
  account: BotAccount,
  outcome: TurnOutcome,
  ms: number,
  modelId: string,
): void {
  const { bot: { memory, meter }, health } = account;
  const steps = outcome.kind === "reply" ? outcome.taken?.steps.length ?? 0 : 0;
  memory.worked();
  const done = doneOf(account);
  const wasBusy = done.work >= BUSY_WORK;
  done.work += 1 + steps;
  if (!wasBusy && done.work >= BUSY_WORK) beBusy();
  meter.turn(modelId, outcome, ms);
  health.setTurn(outcome, modelId);
  tellRefusedParts(account);
}
