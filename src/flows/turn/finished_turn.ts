/**
 * Makes the record of a turn's end and stores it (T3), and before it the turn's steps (TS) and its
 * wait for people (A1, T10). Counts the turn's requests to the model until a transaction stores
 * them (L5), so they cost no further commit, and are stored if and only if the steps are.
 *
 * A failed turn has words for the user, and the reason in the log, both with the same id (R11). If
 * tools have run before, the words say what was done, and the session remembers it. Otherwise the
 * next turn would do it again.
 *
 * The model's answers have cost money. So a disk that is full for a while costs time, and no second
 * request.
 */

import type { BotAccount } from "../../account/account.ts";
import { transcriptOf } from "../../agent/next_step.ts";
import type { MessageId } from "../../core/discord/ids.ts";
import type { InboundMessage } from "../../core/inbound/inbound.ts";
import {
  type Claim,
  type FinishedTurn,
  lastOf,
  messagesOf,
  type StoredTurn,
} from "../../core/inbound/inbox.ts";
import { cameBy, hookedOf, termsOf } from "../../core/inbound/inbound.ts";
import { codeFrom } from "../../core/inbound/pairing.ts";
import type { Entry } from "../../core/inbound/mentions.ts";
import type { ModelUsage, ReplacedModel, ToolCall } from "../../core/model.ts";
import { nextStepAfter } from "../../core/model_problem.ts";
import type { ProgressPlace } from "../../core/outbound/outbound.ts";
import type { AskedCall, Question } from "../../core/people/question.ts";
import {
  type BudgetStop,
  type Charge,
  dayOf,
  reasonOf,
  resetOf,
  type TurnCost,
  type UsageKind,
  type UsedBy,
  usedBy,
} from "../../core/spending/budget.ts";
import {
  joinedBy,
  type ParkedTurn,
  type Step,
  type StepsTaken,
  type TurnFailure,
} from "../../core/step.ts";
import { showsToAskerAlone, type Tool } from "../../core/turn/tool.ts";
import { waitFor } from "../../lib/clock.ts";
import type { Log } from "../../lib/log.ts";
import { printable } from "../../lib/text/quoted.ts";
import { readerTime } from "../../lib/text/units.ts";
import { costFactOf } from "../../render/cost.ts";
import { failureText } from "../../render/failure.ts";
import { freeze } from "../../render/freeze.ts";
import {
  type Answered,
  type ComposedReply,
  composeEvent,
  composeFailure,
} from "../../render/reply.ts";
import { visibleText } from "../../render/safety/visible.ts";
import { budgetSpentText } from "../../render/sentences.ts";
import { StoreError } from "../../store/database/store_error.ts";
import { filesLeftOut } from "../owners/tell_owners.ts";
import { decided } from "../questions/cards.ts";
import type { TurnTexts } from "./gather.ts";
import { cleanText, maxWaitingOf } from "./turn_rules.ts";
import type { OneTurn } from "./steps.ts";

export interface TurnSpending {
  /** The sender, the place and the agent. */
  readonly by: UsedBy;
  /** All requests so far, as those of an answer. */
  readonly charges: Charge[];
  /** Number of those that the store has, the first ones. */
  stored: number;
}

export function createTurnSpending({ message, route: { agentId } }: Claim): TurnSpending {
  return { by: usedBy(message, agentId), charges: [], stored: 0 };
}

/** The charges that no transaction has stored yet. */
export function unsavedCharges(
  { charges, stored }: TurnSpending,
  kind: UsageKind,
): readonly Charge[] {
  const unsaved = charges.slice(stored);
  return kind === "answer" ? unsaved : unsaved.map((charge) => ({ ...charge, kind }));
}

/** The cost of all requests; `undefined` if there was none. */
export function costOf({ charges }: TurnSpending): TurnCost | undefined {
  const last = charges.at(-1);
  if (!last) return undefined;
  const cost = { inputTokens: 0, cachedTokens: 0, outputTokens: 0, ms: 0 };
  let micros: number | undefined = 0;
  for (const charge of charges) {
    cost.inputTokens += charge.inputTokens;
    cost.cachedTokens += charge.cachedTokens;
    cost.outputTokens += charge.outputTokens;
    cost.ms += charge.ms;
    micros = micros === undefined || charge.micros === undefined
      ? undefined
      : micros + charge.micros;
  }
  return { model: last.model, requests: charges.length, ...cost, micros };
}

/**
 * The record of a turn that no model is asked for. Bots get no notice. An event of a hook is posted as
 * it is: an alert must not be lost with its model.
 */
export async function refusedTurn(
  claim: Claim,
  stop: BudgetStop,
  { account: { store, now, log }, rules: { where } }: EndingTurn,
): Promise<FinishedTurn> {
  const { message, route: { agentId } } = claim;
  const at = now();
  const { id: userId, automaton } = message.sender;
  const { refused } = termsOf(message);
  const isSilent = automaton !== undefined ||
    refused !== "in words" && await store.usage.isTold(userId, at);
  const reason = reasonOf(stop);
  log.info("A budget is spent: a message gets no answer", {
    messageId: message.id,
    where,
    rule: stop.rule,
    limit: stop.limit,
    isTold: !isSilent,
  });
  const reset = readerTime(resetOf(stop, at), "R");
  const answered = { message, agentId };
  const hooked = hookedOf(message);
  const outbox = hooked
    ? freeze(composeEvent(answered, hooked.post))
    : isSilent
    ? []
    : freeze(composeFailure(answered, budgetSpentText(reset)));
  return {
    claim,
    end: { kind: "refused", reason },
    entries: [],
    outbox,
    told: !isSilent ? { userId, day: dayOf(at) } : undefined,
    isMarked: isSilent && !automaton && refused === "by a mark",
  };
}

/**
 * Adds the cost of a turn to its record.
 *
 * @param replaced Why a fallback answered; absent if none did.
 */
export function paidTurn(
  turn: FinishedTurn,
  spending: TurnSpending,
  replaced?: ReplacedModel,
): FinishedTurn {
  const cost = costOf(spending);
  if (!cost) return turn;
  return {
    ...turn,
    cost: replaced ? { ...cost, replaced } : cost,
    charges: unsavedCharges(spending, PURPOSES[turn.end.kind]),
  };
}

const PURPOSES = {
  answered: "answer",
  declined: "no_reply",
  refused: "failed",
  interrupted: "failed",
  failed: "failed",
} as const;

const CODE_BYTES = 8;

/** Whether an error is the disk's, so that the store may accept the same later. */
export const isStoreDown = (error: unknown): boolean => error instanceof StoreError;

/** Milliseconds before the next attempt to store. */
const RETRY_MS = 5_000;

const NOT_STORED: StoredTurn = { stored: false, dropped: 0 };

/**
 * Stores a turn, however long the disk takes.
 *
 * @param asFailed Makes a failed turn to store instead, if the store refuses the turn for another
 * reason.
 * @returns The result; nothing is stored if the process stops first, or if the claim has ended.
 * @throws {unknown} The store's error, if it refuses the failed turn as well.
 */
export async function saveTurn(
  account: BotAccount,
  turn: FinishedTurn,
  asFailed: (error: unknown) => FinishedTurn,
): Promise<StoredTurn> {
  const { store, config, now, schedule, stopping, log } = account;
  const maxWaiting = maxWaitingOf(config());
  let ended = turn;
  while (!stopping.aborted) {
    try {
      return await store.turns.finishTurn(ended, now(), maxWaiting);
    } catch (error) {
      if (isStoreDown(error)) {
        const messageId = turn.claim.message.id;
        log.error("Cannot store a finished turn; will try again", { messageId, error });
        await waitFor(RETRY_MS, schedule, stopping);
      } else if (ended === turn) ended = asFailed(error);
      else throw error;
    }
  }
  return NOT_STORED;
}

/**
 * Stores steps of a turn, however long the disk takes.
 *
 * @param addSteps The store's transaction TS.
 * @throws {unknown} The store's error, if it is not the disk's, or if the process stops.
 */
export async function saveSteps(
  { schedule, stopping, log }: BotAccount,
  messageId: MessageId,
  addSteps: () => Promise<void>,
): Promise<void> {
  for (;;) {
    try {
      return await addSteps();
    } catch (error) {
      if (!isStoreDown(error) || stopping.aborted) throw error;
      log.error("Cannot store a step of a turn; will try again", { messageId, error });
      await waitFor(RETRY_MS, schedule, stopping);
    }
  }
}

/**
 * Parks a turn, however long the disk takes.
 *
 * @throws {unknown} The store's error, as `saveSteps` does.
 */
export async function parkTurn(
  { account, turn: { claim }, rules: { currency }, spending }: OneTurn,
  { asked, taken }: ParkedTurn,
): Promise<void> {
  const { store, now, log } = account;
  const { message } = claim;
  const { length } = spending.charges;
  const charges = unsavedCharges(spending, "answer");
  const isPersonal = message.origin?.kind === "own" || undefined;
  await saveSteps(account, message.id, async () => {
    const all = asked.map((one) => {
      const { question, ...cleaned } = cleanedCall(account, one, message);
      const shown = withCost({ ...question, isPersonal }, taken.steps, currency);
      return { ...cleaned, question: shown };
    });
    await store.questions.park({ claim, steps: taken.unsaved, charges, asked: all, now: now() });
    decided(account);
  });
  spending.stored = length;
  log.info("A turn waits for a person", {
    messageId: message.id,
    tools: asked.map(({ question: { tool } }) => tool),
  });
}

/** Texts of a model get the cleaning of its answers. The exact command stays as it is. */
function cleanedCall(
  account: BotAccount,
  { callKey, question }: AskedCall,
  message: InboundMessage,
) {
  const code = codeFrom(account.draw(CODE_BYTES));
  const clean = (text: string, of = message) => cleanText(account, of, text);
  // Discord shows no mentions on buttons, in menus and in forms.
  const label = (text: string) => clean(text, { ...message, names: {}, quoted: undefined });
  const { text, choices, facts, form } = question;
  const shown: Question = {
    ...question,
    text: clean(text),
    facts: facts.map(({ name, value }) => ({ name, value: clean(value) })),
    choices: choices.map((one) => ({ ...one, label: one.label && label(one.label) })),
    ...(form && { form: { title: label(form.title), label: label(form.label) } }),
  };
  return { callKey, question: shown, code };
}

/** Shows people who decide about a call the cost of its turn. A question of the model has no cost. */
function withCost(question: Question, steps: readonly Step[], currency?: string): Question {
  const fact = question.kind === "ask" ? undefined : costFactOf(steps, currency);
  return fact ? { ...question, facts: [...question.facts, fact] } : question;
}

/** The part of a turn that its record needs in any case. */
interface EndingTurn {
  readonly account: BotAccount;
  readonly model: { readonly id: string };
  readonly rules: {
    /** Name of the place for people, for the log (S2). */
    readonly where: string;
  };
}

/** Everything of a turn that its record needs, beside its answer. */
interface AnsweredWith {
  /** The steps of the turn; absent if the model called no tool. */
  readonly taken?: StepsTaken;
  /** The texts of the turn's messages, as the model read them. */
  readonly texts: TurnTexts;
  readonly rules: { readonly tools?: readonly Tool[] };
  /** Maximum UTF-16 units of the results of tools in the transcript, together. */
  readonly maxKeptChars: number;
  /** Whether the answer reached the model's maximum of output tokens; absent: it is whole. */
  readonly isCut?: true;
  /** As the message of the answer has it. */
  readonly carried?: string;
}

/**
 * The message that a turn's answer belongs to: the last one. Its text is that of all of them, because
 * a person may have written a link in any (R9).
 */
export function ofTurn(claim: Claim): Answered {
  const { also, route: { agentId } } = claim;
  const message = lastOf(claim);
  if (!also) return { message, agentId };
  return {
    message: { ...message, text: messagesOf(claim).map(({ text }) => text).join("\n") },
    agentId,
  };
}

/** The message that a turn's drafts belong to: the first one, whatever its text is now. */
export function firstOfTurn({ message, route: { agentId } }: Claim): Answered {
  return { message: { ...message, revision: 0 }, agentId };
}

/** The turn that a progress line belongs to: as its drafts do, to the first message. */
export function progressPlaceOf(
  { message: { accountId, channelId, guildId, id: cause }, route: { agentId } }: Claim,
): ProgressPlace {
  const place = { accountId, channelId, guildId };
  return { ...place, cause, revision: 0, agentId };
}

/** The record of a turn in whose place a later message came (S5). */
export function interruptedTurn(claim: Claim, entries: readonly Entry[]): FinishedTurn {
  return { claim, end: { kind: "interrupted" }, entries, outbox: [] };
}

/** The record of a turn in whose place a later message came before its answer was shown. */
export function withoutAnswer(turn: FinishedTurn): FinishedTurn {
  const entries = turn.entries.filter(({ role }) => role === "user");
  return { ...turn, end: { kind: "interrupted" }, entries, outbox: [], told: undefined };
}

/** Why an answer of a passive agent is recorded and not posted. */
const NOT_POSTED = "not posted: an active agent answers the message";

/**
 * The record of a turn with the messages that are posted. A passive agent's text is posted only if
 * no active agent may answer the message (N1). Where no one waits, a failure leaves no line.
 */
export function postedTurn(turn: FinishedTurn): FinishedTurn {
  const { claim: { message }, end } = turn;
  if (end.kind === "answered") {
    return cameBy(message, "passive")?.isAnswered
      ? { ...turn, end: { ...end, reason: end.reason ?? NOT_POSTED }, outbox: [] }
      : turn;
  }
  const { failed } = termsOf(message);
  const isPosted = failed === "told in direct messages"
    ? end.kind !== "failed" || message.place.kind === "dm"
    : failed !== "silent";
  return isPosted ? turn : { ...turn, outbox: [], told: undefined };
}

export function answeredTurn(
  claim: Claim,
  composed: Exclude<ComposedReply, { kind: "blank" }>,
  given: AnsweredWith,
  { account, model }: EndingTurn,
): FinishedTurn {
  const { now, log } = account;
  const message = lastOf(claim);
  if (composed.kind === "reply" && composed.lacksFiles) filesLeftOut(account, message);
  const reason = given.isCut && CUT;
  if (reason) {
    const fix = nextStepAfter(reason);
    log.warn("An answer is not whole", { reason, fix, model: model.id, messageId: message.id });
  }
  const entries = entriesOf(claim, composed.text, given, now());
  return recordOf(composed, claim, entries, { steps: unsavedOf(given), reason });
}

/** Why an answer is not whole, for the operator. */
const CUT = "cut: the model reached its maximum of output tokens, or broke off";

/** The steps of a turn that are not stored yet; `undefined` if there are none. */
function unsavedOf({ taken }: AnsweredWith): readonly Step[] | undefined {
  return taken && taken.unsaved.length > 0 ? taken.unsaved : undefined;
}

/**
 * The entries of a turn: its messages, its calls with their results, and its answer.
 *
 * @param answer The words that people read.
 */
function entriesOf(
  claim: Claim,
  answer: string,
  { texts, rules, maxKeptChars, taken, carried }: AnsweredWith,
  at: number,
): readonly Entry[] {
  const message = lastOf(claim);
  const stamp = { messageId: message.id, at };
  const isPersonal = (call: ToolCall) => showsToAskerAlone(call, rules.tools ?? [], claim.message);
  const steps: readonly Step[] = taken?.steps ?? [];
  const answers = steps.filter((step) => step.kind === "answer");
  // All of the turn or none: servers refuse a turn with a part of them. Thinking repeats results.
  const chars = [{ carried }, ...answers].reduce((sum, one) => sum + (one.carried?.length ?? 0), 0);
  const keeps = chars <= maxKeptChars && !answers.some(({ calls }) => calls.some(isPersonal));
  const own = keeps && carried !== undefined && { carried };
  const said = { role: "assistant", text: answer, ...own, ...stamp } as const;
  if (!taken) return [...texts.entries(at), said];
  const kept = transcriptOf(steps, maxKeptChars, texts.of, isPersonal);
  const joined = [...joinedBy(steps)].filter((id) => texts.of(id));
  return [
    ...texts.entries(at),
    ...kept.map((step): Entry => {
      if (step.role === "user") {
        const messageId = joined.shift() ?? message.id;
        return { ...step, ...texts.of(messageId), ...stamp, messageId };
      }
      return {
        ...step,
        ...(step.role === "assistant" && { text: visibleText(step.text) }),
        ...(!keeps && { carried: undefined }),
        ...stamp,
      };
    }),
    said,
  ];
}

const ANSWERED = { kind: "answered" } as const;

function recordOf(
  composed: Exclude<ComposedReply, { kind: "blank" }>,
  claim: Claim,
  entries: readonly Entry[],
  { steps, reason }: { readonly steps?: readonly Step[]; readonly reason?: string },
): FinishedTurn {
  return composed.kind === "declined"
    ? { claim, entries, steps, end: { kind: "declined" }, outbox: [] }
    : {
      claim,
      entries,
      steps,
      end: reason === undefined ? ANSWERED : { ...ANSWERED, reason },
      outbox: freeze(composed.reply),
    };
}

/**
 * Logs the answer of a stored turn. A failed or refused turn has its own line.
 *
 * @param facts The name of the place for people, and the cost.
 * @param modelId Id of the model that answered.
 */
export function logAnswer(
  { claim: { message }, end }: FinishedTurn,
  { where, ...cost }: Partial<({ readonly ms: number } & Partial<ModelUsage>)> & {
    readonly where: string;
  },
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

/**
 * The record of a failed turn. Logs the reason. An event of a hook is posted as it is: an alert must not
 * be lost with its model.
 */
export function failedTurn(
  claim: Claim,
  { why = "unexpected", reason, retryAfterMs, error, given }: {
    /** Why, for the user; `unexpected` if absent. */
    readonly why?: TurnFailure;
    /** Why, for the operator, without the message's words. */
    readonly reason: string;
    /** Milliseconds for which the model's server takes no requests; absent if it names none. */
    readonly retryAfterMs?: number;
    /** For the log; absent if the reason says it all. */
    readonly error?: unknown;
    /** The parts of the turn; absent: it failed before the model was asked. */
    readonly given?: AnsweredWith;
  },
  { account: { randomId, now, log }, model, rules: { where } }: EndingTurn,
): FinishedTurn {
  const message = lastOf(claim);
  const failureId = randomId();
  const fix = nextStepAfter(reason);
  log.error("A turn failed", {
    failureId,
    reason,
    fix,
    model: model.id,
    messageId: message.id,
    channelId: message.channelId,
    where,
    attempt: claim.attempt,
    error: why === "unexpected" ? error : undefined, // other reasons say it all
  });
  const { steps = [] } = given?.taken ?? {};
  const text = failureText(why, failureId, steps, { now: now(), afterMs: retryAfterMs });
  const hooked = hookedOf(message);
  const notice = hooked
    ? composeEvent(ofTurn(claim), `${hooked.post}\n-# ${text}`)
    : composeFailure(ofTurn(claim), text);
  return {
    claim,
    end: { kind: "failed", failureId, reason },
    entries: given && steps.length > 0 ? entriesOf(claim, text, given, now()) : [],
    steps: given && unsavedOf(given),
    outbox: freeze(notice),
  };
}
