/** Lists the steps that only some turns need. At each place, they come in this order. */

import { callsToRun } from "../../agent/next_step.ts";
import { toUnanswered } from "../../core/inbound/inbox.ts";
import { showUnanswered } from "../unanswered_reactions.ts";
import { speakAnswer } from "../media/speak.ts";
import { tellFailedEvent } from "../owners/event_notices.ts";
import { backfill, threadStarter } from "../session/backfill.ts";
import { decided } from "../questions/cards.ts";
import { failedTurn, postedTurn, withoutAnswer } from "./finished_turn.ts";
import { opensThread } from "./gather.ts";
import { withLinesUnder } from "./control/lines_under.ts";
import { settleForm, useForm } from "./control/prompt_form.ts";
import { saidStep, speechStep, spokenTurn } from "./progress/speech.ts";
import { draftStep, linesStep, withLines, withManner } from "./shown_answer.ts";
import { spendOf } from "./spending/budgets.ts";
import { refusedTurn } from "./spending/turn_spending.ts";
import { withoutTools } from "./turn_rules.ts";
import type { TurnStep } from "./turn_step.ts";

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
    if (end.kind === "failed") tellFailedEvent(account, message);
  },
};

/** Lines of extras under an answer, and the button Undo (T3). */
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

/** A full queue has dropped the answer (D4). */
const fullQueue: TurnStep = {
  stored({ account, turn: { claim: { message } }, rules }, _ended, { dropped }) {
    if (dropped === 0) return;
    const { id: messageId, channelId } = message;
    const fields = { messageId, channelId, where: rules.where, dropped };
    account.log.warn("A channel's queue is full: an answer was dropped", fields);
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
  fullQueue,
];
