/**
 * Declares the places of a turn, and lists the steps that only some turns need. At each place, they
 * come in this order.
 *
 * A plain turn reads, asks, shows, records and delivers (`answer.ts`), and knows none of its steps.
 * A step is a few functions, each for one place. So a new one is a function and a line, and a turn
 * is read without them.
 *
 * The form of the prompt is full, or small for a slow machine or a small window (T2a). Another form
 * is another prompt, which the server reads anew. So the choice is stored for each model, with its
 * cause, and stays until that is gone.
 */

import { hookedOf, termsOf } from "../../core/inbound/inbound.ts";
import type { BotAccount } from "../../account/account.ts";
import { callsToRun, type NextStep } from "../../core/step.ts";
import type { Config } from "../../config/config.ts";
import type { Manner } from "../../core/config_file.ts";
import { type Claim, type FinishedTurn, toUnanswered } from "../../core/inbound/inbox.ts";
import type { ContextWindow, Model, ModelRequest } from "../../core/model.ts";
import { type Frozen, nonceOf, SMALL, UNDO_BUTTON } from "../../core/outbound/outbound.ts";
import type { Step, StoredSteps, TurnOutcome } from "../../core/step.ts";
import { withSmallTools } from "../../core/turn/tool.ts";
import type { Tool } from "../../core/turn/tool.ts";
import type { ReplyToSend } from "../../render/reply.ts";
import type { MadeChange } from "../../store/changes/changes.ts";
import { spendOf } from "../limits.ts";
import { speakAnswer } from "../media/files.ts";
import { tellFailedEvent } from "../owners/tell_owners.ts";
import { decided } from "../questions/cards.ts";
import { receiptUnder, undoEnds } from "../receipts/receipts.ts";
import {
  backfill,
  opensThread,
  threadStarter,
  type TurnContext,
  type TurnRequest,
} from "./gather.ts";
import { showUnanswered } from "../unanswered_reactions.ts";
import {
  type Compose,
  draftStep,
  failedTurn,
  linesStep,
  postedTurn,
  refusedTurn,
  saidStep,
  speechStep,
  spokenTurn,
  type TurnSpeech,
  type TurnSpending,
  withLines,
  withManner,
  withoutAnswer,
} from "./finished_turn.ts";
import { type TurnRules, withoutTools } from "./turn_rules.ts";
import type { RunningTurn } from "./turns.ts";

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

/** The form for a turn. A model's first one waits a moment until its server tells the window. */
export async function formOf(turn: OneTurn): Promise<PromptForm> {
  const { account, config, model } = turn;
  const isOpen = config.tools.prompt === "auto" && storedFor(account, model.id) === undefined;
  const asked = isOpen ? model.window?.asked : undefined;
  if (asked) {
    const late = Promise.withResolvers<void>();
    const cancel = account.schedule(late.resolve, ASKED_MS);
    await Promise.race([asked, late.promise]).finally(cancel);
  }
  return chosen(turn);
}

/** Stores the choice after an answer, if that has told enough. */
export const settleForm = (turn: OneTurn): void => void chosen(turn);

/** Gives a turn the prompt and the tools of the form for its model. */
async function useForm(turn: OneTurn): Promise<void> {
  if (await formOf(turn) !== "small") return;
  const { model, rules } = turn;
  const instructions = { ...rules.instructions, isSmall: true as const };
  turn.model = withSmallTools(model);
  turn.rules = { ...rules, isSmall: true, instructions };
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
  const changes = steps.length > 0 ? await store.changes.ofTurn(accountId, id) : [];
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
    isSilent: true as const,
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

/** An answer for people, and what it was made of. */
export interface WholeAnswer {
  readonly request: TurnRequest;
  readonly outcome: ModelReply;
  readonly compose: (text: string) => ReturnType<Compose>;
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
  shows?(turn: OneTurn, answer: ReplyToSend, of: WholeAnswer): Promise<ReplyToSend> | ReplyToSend;
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
    if (takesNoTools && tools.length > 0) turn.rules = withoutTools(turn.rules);
  },
  watches: (turn) => ({ onPaid: () => settleForm(turn) }),
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
  shows: ({ rules, spending, manner }, answer, { outcome, compose }) =>
    withLines(answer, outcome, compose, { rules, manner, spending }),
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
