/**
 * Declares the places of a turn, and lists the steps that only some turns need. Makes the record of a
 * turn's end, and stores it (T3), its steps (TS) and its wait for people (A1, T10).
 *
 * A plain turn reads, asks, shows, records and delivers (`answer.ts`), and knows none of its steps.
 * A step is a few functions, each for one place. So a new one is a function and a line, and a turn
 * is read without them.
 */

import type { BotAccount } from "../../account/account.ts";
import { perAccount } from "../../account/per_account.ts";
import type { Config } from "../../config/config.ts";
import type { Manner } from "../../core/config_file.ts";
import type { MessageId } from "../../core/discord/ids.ts";
import type { Finding } from "../../core/finding.ts";
import {
  cameBy,
  type Entry,
  hookedOf,
  type InboundMessage,
  termsOf,
} from "../../core/inbound/inbound.ts";
import {
  type Claim,
  type FinishedTurn,
  lastOf,
  messagesOf,
  toUnanswered,
} from "../../core/inbound/inbox.ts";
import { codeFrom } from "../../core/inbound/pairing.ts";
import {
  type ContextWindow,
  type Model,
  type ModelRequest,
  type ModelUsage,
  type ReplacedModel,
  type ToolCall,
  withGenerate,
} from "../../core/model.ts";
import { nextStepAfter } from "../../core/model_problem.ts";
import {
  type Frozen,
  nonceOf,
  type ProgressPlace,
  SMALL,
  UNDO_BUTTON,
} from "../../core/outbound/outbound.ts";
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
  callsToRun,
  joinedBy,
  type NextStep,
  type ParkedTurn,
  type Step,
  type StepsTaken,
  type StoredSteps,
  transcriptOf,
  type TurnFailure,
  type TurnOutcome,
} from "../../core/step.ts";
import { showsToAskerAlone, type Tool, withSmallTools } from "../../core/turn/tool.ts";
import { inTime, waitFor } from "../../lib/clock.ts";
import type { Log } from "../../lib/log.ts";
import { printable } from "../../lib/text/quoted.ts";
import { readerTime } from "../../lib/text/units.ts";
import { failureText } from "../../render/failure.ts";
import {
  type Answered,
  answering,
  type ComposedReply,
  composeEvent,
  composeFailure,
  composeReply,
  costFactOf,
  footerOf,
  freeze,
  type ModelAnswer,
  type ReplyToSend,
  withFooter,
  withLineBelow,
  withPreface,
} from "../../render/reply.ts";
import { visibleText } from "../../render/safety/visible.ts";
import { budgetSpentText } from "../../render/sentences.ts";
import type { MadeChange } from "../../store/changes/changes.ts";
import { StoreError } from "../../store/database/database_files.ts";
import { createDraft, createLine, type DraftStream } from "../deliver/progress.ts";
import { spendOf } from "../limits.ts";
import { speakAnswer } from "../media/files.ts";
import { filesLeftOut, tellFailedEvent } from "../owners/tell_owners.ts";
import { decided } from "../questions/cards.ts";
import { receiptUnder, undoEnds } from "../receipts/receipts.ts";
import { showUnanswered } from "../unanswered_reactions.ts";
import {
  backfill,
  opensThread,
  threadStarter,
  type TurnContext,
  type TurnTexts,
} from "./gather.ts";
import { maxWaitingOf, rulesWithoutTools, textForPeople, type TurnRules } from "./turn_rules.ts";
import type { RunningTurn } from "./turns.ts";

/** A turn from its claim to its delivery. */
export interface OneTurn {
  readonly account: BotAccount;
  /** As it was at its beginning (C9). */
  readonly config: Config;
  /** The turn, which others may end. */
  readonly turn: RunningTurn;
  /** The steps that earlier attempts have stored. */
  readonly stored: StoredSteps;
  rules: TurnRules;
  model: Model;
  /** How the conversation is answered, as people have chosen. */
  readonly manner: Manner;
  /** Speaks the answer to a person who has spoken (V5); absent: it is posted. */
  speech?: TurnSpeech;
  readonly spending: TurnSpending;
  /** Whether the outbox may have a draft or a line of it. */
  mayHaveDrafts?: true;
  /** Whether lines stand under its answer. */
  hasLinesUnder?: true;
  /** The end, once the model has answered; absent before. */
  outcome?: TurnOutcome;
  /** Milliseconds until then. */
  ms?: number;
}

export type ModelReply = Extract<TurnOutcome, { kind: "reply" }>;

/** What goes along while the model is asked. No function may throw. */
export interface Watching extends Pick<ModelRequest, "isShown" | "onReading"> {
  /** Asked in place of the turn's model. */
  readonly model?: Model;
  /** Gets the whole answer so far, each time that it grows. */
  readonly onText?: (soFar: string) => void;
  /** Gets the text that the model writes beside its calls. */
  readonly onAside?: (text: string) => void;
  /** Tells what the turn does next. */
  readonly onNext?: (next: NextStep) => void;
  /** A request is counted. */
  readonly onPaid?: () => void;
  /** Called in any case, before the turn goes on. */
  readonly end?: () => Promise<void>;
}

export interface TurnStep {
  /** Before anything is read: may change what the turn works with. */
  begins?(turn: OneTurn): Promise<void> | void;
  /** Before the model is asked: may end the turn. */
  refuses?(turn: OneTurn): Promise<FinishedTurn | undefined> | FinishedTurn | undefined;
  /** Before the request is read: may add to what the model reads. */
  reads?(turn: OneTurn, context: TurnContext): Promise<void> | void;
  /** While the model is asked. */
  watches?(turn: OneTurn, compose: Compose): Watching | undefined;
  /** The turn waits for a person. */
  parked?(turn: OneTurn): void;
  /** The answer is whole: may add to what people see. */
  shows?(
    turn: OneTurn,
    answer: ReplyToSend,
    outcome: ModelReply,
    compose: (text: string) => ComposedReply,
  ): Promise<ReplyToSend> | ReplyToSend;
  /** The turn is over: may change its record. */
  ends?(turn: OneTurn, ended: FinishedTurn): Promise<FinishedTurn> | FinishedTurn;
  /** The record is stored. */
  stored?(turn: OneTurn, ended: FinishedTurn): void;
}

/**
 * Maximum number of turns for one message if each ends with the process. A bot that was killed at
 * random, twice a second, cut the turn of one message in 12,000 ten times in a row.
 */
const MAX_ATTEMPTS = 20;

/** Perhaps a message ends the process: retrying for ever would help no one. */
const attempts: TurnStep = {
  refuses(turn) {
    const { claim } = turn.turn;
    if (claim.attempt <= MAX_ATTEMPTS) return undefined;
    return failedTurn(claim, { reason: `interrupted ${claim.attempt - 1} times` }, turn);
  },
  stored({ turn: { claim }, account }) {
    if (claim.attempt > 1) decided(account); // cards of presses that came to nothing
  },
};

/** The prompt and the tools of a small machine, or none of a model that takes none (T2a). */
const promptForm: TurnStep = {
  async begins(turn) {
    const { model: { takesNoTools }, rules: { tools } } = turn;
    await useForm(turn);
    if (takesNoTools && tools.length > 0) turn.rules = rulesWithoutTools(turn.rules);
  },
  watches: (turn) => ({ onPaid: () => void chosen(turn) }), // once an answer has told enough
};

/** The channel's earlier messages, and the message that a thread began with (H1, H6). */
const earlier: TurnStep = {
  async reads({ turn: { claim }, rules, account }, context) {
    const { message, route: { sessionKey } } = claim;
    const limit = opensThread(claim) ? 0 : rules.historyLimit; // a thread inherits no history
    const filling = backfill(account, message, limit);
    if (filling) await filling;
    context.starter = await threadStarter(account, message, sessionKey);
  },
};

/** Spends no more than people allow (X4). */
const budget: TurnStep = {
  async refuses(turn) {
    const { account, turn: { claim }, stored, spending: { by } } = turn;
    if (callsToRun(stored.own).length > 0) return undefined; // a person has decided about them
    const spent = await spendOf(account).check(by, "answer");
    return spent && await refusedTurn(claim, spent, turn);
  },
  stored({ turn: { claim: { message } }, account }, { isMarked }) {
    if (isMarked) showUnanswered(account, [toUnanswered(message, "refused")]);
  },
};

/** Answers as people have chosen for the conversation. */
const manner: TurnStep = {
  watches: ({ manner, model }) =>
    manner.think || manner.showsThinking ? { model: withManner(model, manner) } : undefined,
};

/** Answers a voice message by voice, too (R16). */
const voice: TurnStep = {
  async shows({ account, turn: { claim: { message, route: { agentId } } }, rules }, answer) {
    if (rules.takesNoFiles || !message.attachments?.some(({ isVoice }) => isVoice)) return answer;
    const voice = await speakAnswer(account, { message, agentId }, answer.text);
    return voice ? { ...answer, reply: { ...answer.reply, voice } } : answer;
  },
};

/** Lines above and below an answer: thinking, tools, sources, cost (R15). */
const linesAround: TurnStep = {
  shows({ rules, spending, manner }, answer, { taken, thinking, isCut }, compose) {
    const { chunks: { limit }, hasFooter, signature, currency } = rules;
    let shown = withPreface(answer, { ...taken, thinking }, manner, compose);
    if (isCut) {
      shown = withLineBelow(
        shown,
        "-# My answer stops here: it reached the maximum length that my model can write at " +
          "once, or it broke off. Ask me to go on.",
        limit,
      );
    }
    const cost = hasFooter ? costOf(spending) : undefined;
    return withFooter(shown, footerOf(cost, currency, signature), limit);
  },
};

/** A passive agent only answers where no active one does; no failure of an event is posted. */
const posted: TurnStep = {
  ends: (_turn, ended) => postedTurn(ended),
  stored({ turn: { claim: { message } }, account }, { end }) {
    const event = termsOf(message).failed === "told to owners" && hookedOf(message);
    if (event && end.kind === "failed") tellFailedEvent(account, message, event);
  },
};

/** Receipts under an answer, and the button Undo (T3). */
const linesUnder: TurnStep = {
  async ends(turn, ended) {
    const lined = await withLinesUnder(ended, turn);
    if (lined !== ended) turn.hasLinesUnder = true;
    return lined;
  },
};

const spoken: TurnStep = {
  ends: ({ speech, hasLinesUnder = false }, ended) => spokenTurn(ended, hasLinesUnder, speech),
};

/** The answer waits for those of earlier questions (S5). */
const order: TurnStep = {
  async ends({ turn }, ended) {
    if (!turn.mayShow) return ended;
    turn.freePlace();
    await turn.mayShow;
    return turn.cut === "interrupted" ? withoutAnswer(ended) : ended;
  },
};

/** Shows the answer while it grows (R8). */
const draftStep: TurnStep = {
  begins(turn) {
    if (isShownEarly(turn)) turn.mayHaveDrafts = true;
  },
  watches(turn, compose) {
    const draft = draftFor(turn, compose);
    return draft && { onText: draft.grow, isShown: draft.isShown, end: draft.end };
  },
};

/** Shows what the turn does, in a line (R8a). */
const linesStep: TurnStep = {
  watches(turn, compose) {
    const { account, config: { discord }, turn: { claim, mayShow }, rules } = turn;
    if (termsOf(claim.message).shows !== "drafts and lines") return undefined;
    const isForReading = discord.streaming !== "progress"; // while a slow server reads a prompt
    const place = progressPlaceOf(claim);
    const line = createLine(account, place, rules.maxSteps, mayShow, isForReading);
    return {
      onNext: line.step,
      onReading: line.reading,
      onAside(text) {
        const composed = compose(text);
        if (composed.kind === "reply") line.said(composed.reply.chunks[0] ?? "");
      },
      async end() {
        if (await line.end()) turn.mayHaveDrafts = true;
      },
    };
  },
};

/** Says the answer to a person who has spoken (V5). */
const speechStep: TurnStep = {
  begins(turn) {
    const { account, turn: running, stored } = turn;
    const { message } = running.claim;
    // After a crash, an answer that people may have heard in part is posted, and not said again.
    if (termsOf(message).answered !== "by voice" || stored.isSpoken) return;
    const { store, now } = account;
    turn.speech = voices(account).of({
      message,
      mayShow: running.mayShow,
      ending: running.ending.signal,
      mark: () => store.turns.addSteps(running.claim, [{ kind: "spoken", at: now() }], false),
    });
    if (turn.speech?.model) turn.model = turn.speech.model;
  },
  watches: ({ speech }) => speech && { onAside: () => speech.pause() },
  parked: ({ speech }) => speech?.waits(),
};

/** Waits until the answer is said: then it is known whether it is posted, too. */
const saidStep: TurnStep = {
  async shows({ speech }, answer) {
    const { files, chunks } = answer.reply;
    await speech?.end(answer.text, files.length > 0 || chunks.length > 1);
    return answer;
  },
};

export const STEPS: readonly TurnStep[] = [
  speechStep,
  promptForm,
  attempts,
  budget,
  earlier,
  manner,
  linesStep,
  draftStep,
  voice,
  saidStep,
  linesAround,
  posted,
  linesUnder,
  spoken,
  order,
];

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
function ofTurn(claim: Claim): Answered {
  const { also, route: { agentId } } = claim;
  const message = lastOf(claim);
  if (!also) return { message, agentId };
  return {
    message: { ...message, text: messagesOf(claim).map(({ text }) => text).join("\n") },
    agentId,
  };
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
    : failed === "told";
  return isPosted ? turn : { ...turn, outbox: [], told: undefined };
}

/** The message that a turn's drafts belong to: the first one, whatever its text is now. */
function firstOfTurn({ message, route: { agentId } }: Claim): Answered {
  return { message: { ...message, revision: 0 }, agentId };
}

/** The turn that a progress line belongs to: as its drafts do, to the first message. */
function progressPlaceOf(
  { message, route: { agentId } }: Claim,
): ProgressPlace {
  return { ...answering(message), revision: 0, agentId };
}

/** The record of a turn in whose place a later message came (S5). */
export function interruptedTurn(claim: Claim, entries: readonly Entry[]): FinishedTurn {
  return { claim, end: { kind: "interrupted" }, entries, outbox: [] };
}

/** The record of a turn in whose place a later message came before its answer was shown. */
function withoutAnswer(turn: FinishedTurn): FinishedTurn {
  const entries = turn.entries.filter(({ role }) => role === "user");
  return { ...turn, end: { kind: "interrupted" }, entries, outbox: [], told: undefined };
}

/** Why an answer of a passive agent is recorded and not posted. */
const NOT_POSTED = "not posted: an active agent answers the message";

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
  const isNoticed = automaton === undefined &&
    (refused === "in words" || !await store.usage.isTold(userId, at));
  const reason = reasonOf(stop);
  log.info("A budget is spent: a message gets no answer", {
    messageId: message.id,
    where,
    rule: stop.rule,
    limit: stop.limit,
    isTold: isNoticed,
  });
  const reset = readerTime(resetOf(stop, at), "R");
  const answered = { message, agentId };
  const hooked = hookedOf(message);
  const outbox = hooked
    ? freeze(composeEvent(answered, hooked.post))
    : isNoticed
    ? freeze(composeFailure(answered, budgetSpentText(reset)))
    : [];
  return {
    claim,
    end: { kind: "refused", reason },
    entries: [],
    outbox,
    told: isNoticed ? { userId, day: dayOf(at) } : undefined,
    isMarked: !isNoticed && !automaton && refused === "by a mark",
  };
}

/**
 * The record of a failed turn: words for the user, and the reason in the log, both with the same id
 * (R11). An event of a hook is posted as it is: an alert must not be lost with its model.
 *
 * If tools have run before, the words say what was done, and the session remembers it. Otherwise the
 * next turn would do it again.
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

const CODE_BYTES = 8;

/**
 * A turn's requests to the model, counted until a transaction stores them (L5). So they cost no
 * further commit, and are stored if and only if the steps are.
 */
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
function costOf({ charges }: TurnSpending): TurnCost | undefined {
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

/** Whether an error is the disk's, so that the store may accept the same later. */
export const isStoreDown = (error: unknown): boolean => error instanceof StoreError;

/** Milliseconds before the next attempt to store. */
const RETRY_MS = 5_000;

/**
 * Stores a turn, however long the disk takes: the model's answers have cost money, and a disk that
 * is full for a while costs no second request.
 *
 * @param asFailed Makes a failed turn to store instead, if the store refuses the turn for another
 * reason.
 * @returns Whether it is stored: not if the process stops first, or if the claim has ended.
 * @throws {unknown} The store's error, if it refuses the failed turn as well.
 */
export async function saveTurn(
  account: BotAccount,
  turn: FinishedTurn,
  asFailed: (error: unknown) => FinishedTurn,
): Promise<boolean> {
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
  return false;
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
  const isPersonal = termsOf(message).rights === "own accounts" || undefined;
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
  const clean = (text: string, of = message) => textForPeople(account, of, text);
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

export type PromptForm = "full" | "small";

const SMALL_WINDOW = 8_192;
/** Tokens a second below which a server gets the small form. */
const SLOW_PER_SEC = 200;
/** Maximum milliseconds that the first turn waits for the server to tell the window. */
const ASKED_MS = 3_000;

/** What chose a form, as it is stored: a measured speed, or a window that is known. */
const CHOICES = ["full", "window", "speed"] as const;
type Choice = (typeof CHOICES)[number];

/**
 * The form by what is known of a model.
 *
 * @param before The stored choice. It stays until its cause is gone.
 * @returns Without a choice, more is to be learned.
 */
function formBy(
  window: ContextWindow | undefined,
  before?: Choice,
): { readonly form: PromptForm; readonly choice?: Choice } {
  const choiceOf = (choice: Choice) =>
    ({ form: choice === "full" ? choice : "small", choice }) as const;
  if (!window || window.isPending) return before ? choiceOf(before) : { form: "full" };
  const { contextWindow, from = "assumed", readPerSec, isEarly } = window;
  if (isEarly) return before ? choiceOf(before) : { form: "small" }; // it may be Ollama's 4,096
  if (contextWindow <= SMALL_WINDOW) {
    return from === "refusal" ? { form: "small" } : choiceOf("window");
  }
  const isOpen = before === "window" && from === "assumed"; // so no larger one is known
  if (isOpen) return choiceOf(before);
  if (readPerSec && readPerSec.most < SLOW_PER_SEC) return choiceOf("speed");
  if (before === "speed" && (readPerSec?.least ?? 0) < SLOW_PER_SEC) return choiceOf(before);
  return readPerSec || before === "full" ? choiceOf("full") : { form: "full" };
}

function storedFor({ accountId, store }: BotAccount, modelId: string): string | undefined {
  return store.settings.known(accountId, modelId, "prompt");
}

function chosen(
  { account, config: { tools: { prompt: by } }, model: { id, window } }: OneTurn,
): PromptForm {
  const { accountId, store, now, log } = account;
  if (by !== "auto") return by;
  const known = storedFor(account, id);
  const { form, choice } = formBy(window, CHOICES.find((one) => one === known));
  if (choice !== undefined && choice !== known) {
    log.info("The form of the prompt for a model is chosen", { model: id, by: choice });
    const kept = store.settings.change(accountId, id, "prompt", choice, now());
    kept.catch(() => {}); // the next turn chooses again
  }
  return form;
}

/**
 * The form of a turn's prompt: full, or small for a slow machine or a small window (T2a). A model's
 * first turn waits a moment until its server tells the window.
 *
 * Another form is another prompt, which the server reads anew. So the choice is stored for each
 * model, with its cause, and stays until that is gone.
 */
export async function formOf(turn: OneTurn): Promise<PromptForm> {
  const { account, config, model } = turn;
  const isOpen = config.tools.prompt === "auto" && storedFor(account, model.id) === undefined;
  const asked = isOpen ? model.window?.asked : undefined;
  if (asked) await inTime(asked, ASKED_MS, account.schedule, () => {});
  return chosen(turn);
}

/** Gives a turn the prompt and the tools of the form for its model. */
async function useForm(turn: OneTurn): Promise<void> {
  if (await formOf(turn) !== "small") return;
  const { model, rules } = turn;
  const instructions = { ...rules.instructions, isSmall: true as const };
  turn.model = withSmallTools(model);
  turn.rules = { ...rules, isSmall: true, instructions };
}

/** Composes a text as the answer of a turn, in the channel or in a thread. */
export type Compose = (
  text: string,
  home?: Claim,
  made?: ModelAnswer["files"],
  of?: Answered,
) => ComposedReply;

/** Files of a turn without any. */
const NO_FILES: NonNullable<ModelAnswer["files"]> = [];

export function createCompose(
  turn: { readonly claim: Claim },
  shown: ModelAnswer["shown"],
  rules: TurnRules,
): Compose {
  return (text, home = turn.claim, made = NO_FILES, of = ofTurn(home)) =>
    composeReply({
      message: of.message,
      agentId: of.agentId,
      text,
      files: made,
      shown,
      // In a thread, Discord takes no reply to a message of the channel.
      rules: home === turn.claim ? rules : { ...rules, replyToMode: "off" },
    });
}

/**
 * The answer that grows in the channel, or as speech (V5); `undefined` if only the whole answer
 * is shown.
 */
function draftFor(turn: OneTurn, compose: Compose): DraftStream | undefined {
  const { turn: { claim }, speech } = turn;
  if (speech?.stream) {
    return speech.stream((text) => {
      const composed = compose(text);
      return composed.kind === "reply" ? composed.text : "";
    });
  }
  if (!isShownEarly(turn)) return undefined;
  // A thread opens with the whole answer, so nothing of it is shown in the channel before.
  if (opensThread(claim)) return undefined;
  return createDraft(turn, (text) => {
    const composed = compose(text, undefined, NO_FILES, firstOfTurn(claim));
    return composed.kind === "reply" ? freeze(composed.reply) : [];
  });
}

/** Whether people see the answer before it is whole. */
function isShownEarly({ config: { discord }, turn: { claim } }: OneTurn): boolean {
  return discord.streaming === "edit" && termsOf(claim.message).shows !== "nothing";
}

/** Wraps a model so that it thinks as people have chosen. */
function withManner(model: Model, { think, showsThinking }: Manner): Model {
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

/** The voice of one turn. */
export interface TurnSpeech {
  /** Hears and answers itself (V6); absent: the agent's model answers. */
  readonly model?: Model;
  /**
   * Speaks the answer while it grows.
   *
   * @param visible The part of a text that people may see.
   */
  stream(visible: (text: string) => string): DraftStream;
  /**
   * The answer is whole. Resolves once all of it is said, or a person has spoken. Never rejects.
   *
   * @param isLarge Whether it has more than words, as files.
   */
  end(text: string, isLarge: boolean): Promise<void>;
  /** Whether the answer is posted, too: it was not spoken, or not all of it. */
  isPosted(): boolean;
  /** The model calls tools now: all of its text so far is said. */
  pause(): void;
  /** A call of the turn waits for a person, who gets a card. */
  waits(): void;
  /** The turn is over: says a notice in place of an answer; an empty one is not said. */
  say(text: string): void;
}

export interface TurnToSpeak {
  readonly message: InboundMessage;
  /** As that of the running turn. */
  readonly mayShow?: Promise<void>;
  /** Aborted if the turn is cut. */
  readonly ending: AbortSignal;
  /** Stores that an answer is spoken from now on. */
  readonly mark: () => Promise<void>;
}

/** The calls of an account set how to find a turn's voice, and why calls cannot begin. */
export const voices: (account: BotAccount) => {
  /** `undefined`: no call is open where it was said. */
  of: (turn: TurnToSpeak) => TurnSpeech | undefined;
  findings: () => readonly Finding[];
} = perAccount("voice", () => ({ of: () => undefined, findings: () => [] }));

/**
 * The record of a turn that was spoken (V5). The turn ends once all is said, so one that a crash has
 * cut runs again. Then it is not spoken a second time, but posted.
 *
 * Lines that stand under an answer are posted with it, and a notice in place of an answer is spoken,
 * too.
 */
function spokenTurn(
  turn: FinishedTurn,
  hasLines: boolean,
  speech: TurnSpeech | undefined,
): FinishedTurn {
  const { end: { kind }, outbox: [first] } = turn;
  speech?.say(kind === "failed" || kind === "refused" ? first?.message.content ?? "" : "");
  const isNeeded = kind !== "answered" || hasLines || !speech || speech.isPosted();
  return isNeeded ? turn : { ...turn, outbox: [] };
}

/** A turn that ends with a message, before it is stored. */
export interface EndedTurn {
  readonly claim: Claim;
  /** As it was at the beginning of the turn. */
  readonly config: Config;
  /** All steps of the message, of all attempts and agents. */
  readonly steps: readonly Step[];
  readonly tools: readonly Tool[];
  /** Its changes on Discord. */
  readonly changes: readonly MadeChange[];
}

/**
 * Adds both to the last message with text, or as a message of their own if they do not fit.
 *
 * @throws {unknown} The store's error, as a rejection.
 */
export async function withLinesUnder(
  turn: FinishedTurn,
  { account, config, rules: { tools, chunks }, outcome }: OneTurn,
): Promise<FinishedTurn> {
  const { accountId, store, now } = account;
  const { claim, outbox } = turn;
  const { id } = claim.message;
  const at = outbox.findLastIndex(({ message: { voice } }) => voice === undefined);
  const last = outbox[at];
  if (!last) return turn;
  const hasStored = claim.attempt > 1 || outcome?.kind !== "reply" || outcome.taken !== undefined;
  const before = hasStored ? await store.turns.stepsOf(id) : [];
  const steps = [...before, ...turn.steps ?? []];
  if (steps.length === 0 && config.messages.receipts !== "always") return turn;
  const changes = await store.changes.ofTurn(accountId, id);
  const line = lineUnder(account, { claim, config, steps, tools, changes });
  const under = line === undefined ? "" : `${SMALL}${line}`;
  const undo = { customId: `${UNDO_BUTTON}:${id}`, label: "Undo", style: "secondary" as const };
  const mayUndo = !last.message.buttons && changes.some((change) => undoEnds(change) > now());
  if (under === "" && !mayUndo) return turn;
  // The marks of an undo may double the line.
  const room = chunks.limit - (mayUndo ? under.length : 0);
  const more = mayUndo ? { buttons: [undo] } : {};
  return { ...turn, outbox: placed(outbox, at, last, under, more, room) };
}

/** A failure adds no line: the answer is paid for. */
function lineUnder({ log }: BotAccount, turn: EndedTurn): string | undefined {
  try {
    return receiptUnder(turn);
  } catch (error) {
    log.error("Cannot write the receipts of an answer", { error });
    return undefined;
  }
}

function placed(
  outbox: readonly Frozen[],
  at: number,
  last: Frozen,
  under: string,
  more: Partial<Frozen["message"]>,
  room: number,
): readonly Frozen[] {
  const { content, footer, of, accountId, channelId, guildId } = last.message;
  const joined = [content, under].filter(Boolean).join("\n");
  if (under === "" || joined.length <= room || !of) {
    const all = [footer, under].filter(Boolean).join("\n") || undefined;
    const message = { ...last.message, content: joined, footer: all, ...more };
    return outbox.with(at, { ...last, message });
  }
  const part = outbox.length;
  const own = {
    ...{ accountId, channelId, guildId, content: under, footer: under, ...more },
    nonce: nonceOf(of, part),
    pings: { users: [], roles: [], quotedAuthor: false },
    suppressesNotifications: true as const,
    of: { ...of, part },
  };
  return [...outbox, { message: own, files: [] }].map((frozen) => ({
    ...frozen,
    message: {
      ...frozen.message,
      of: frozen.message.of && { ...frozen.message.of, parts: part + 1 },
    },
  }));
}
