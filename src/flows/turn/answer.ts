/**
 * Answers a claimed message: reads, asks, shows, records (T3) and delivers, in this order.
 *
 * A plain turn has one request and no more. What only some turns need are steps at named places
 * (`steps.ts`). So a turn with tools is the plain one and its steps.
 */

import type { BotAccount } from "../../account/account.ts";
import { perAccount, wakeChannels } from "../../account/per_account.ts";
import { type Claim, type FinishedTurn, type StoredTurn } from "../../core/inbound/inbox.ts";
import { NO_STEPS, type ParkedTurn, type StepsTaken, type TurnOutcome } from "../../core/step.ts";
import { createJitPolicy } from "../../host/process/engine_options.ts";
import { mannerOf, modelOf } from "../judging/judge.ts";
import { madeFiles } from "../media/files.ts";
import { tellRefusedParts } from "../owners/tell_owners.ts";
import { readSteps } from "../session/turn_history.ts";
import {
  answeredTurn,
  type Compose,
  createCompose,
  createTurnSpending,
  failedTurn,
  interruptedTurn,
  isStoreDown,
  logAnswer,
  paidTurn,
  parkTurn,
  postedTurn,
  refusedTurn,
  saveTurn,
} from "./finished_turn.ts";
import { readRequest, shownOf, type TurnContext, type TurnRequest } from "./gather.ts";
import { runTurn } from "./ask.ts";
import { STEPS } from "./steps.ts";
import { homeOf } from "../judging/answer_threads.ts";
import { rulesOf } from "./turn_rules.ts";
import type { ModelReply, OneTurn } from "./steps.ts";
import type { RunningTurn } from "./turns.ts";

const jit = perAccount("turns", () => createJitPolicy());

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
  jit(account).turn(steps);
  meter.turn(modelId, outcome, ms);
  health.setTurn(outcome, modelId);
  tellRefusedParts(account);
}

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
  const stored = await store(turn, shown);
  if (stored.stored) deliver(turn, shown, stored);
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
    const of = { request, outcome, compose: (text: string) => compose(text, home, made) };
    for (const { shows } of STEPS) if (shows) composed = await shows(turn, composed, of);
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

function store(turn: OneTurn, ended: FinishedTurn): Promise<StoredTurn> {
  const { account, turn: { claim }, mayHaveDrafts } = turn;
  return saveTurn(account, ended, (error) => {
    const failed = failedTurn(claim, { reason: "cannot be stored", error }, turn);
    return { ...postedTurn(failed), mayHaveDrafts };
  });
}

function deliver(turn: OneTurn, ended: FinishedTurn, stored: StoredTurn): void {
  const { account, turn: { claim: { message } }, rules: { where }, model, outcome, ms } = turn;
  // A draft may be in the channel, and the answer in its thread.
  wakeChannels(account, [message.channelId, ended.claim.message.channelId]);
  for (const step of STEPS) step.stored?.(turn, ended, stored);
  setImmediate(() => { // the answer leaves before its line is written
    const { micros: _, ...usage } = outcome?.kind === "reply" && outcome.usage || {};
    const cost = ms === undefined ? {} : { ms, ...usage };
    const { model: modelId = model.id } = ended.cost ?? {};
    logAnswer(ended, { ...cost, where }, { log: account.log, modelId });
  });
}
