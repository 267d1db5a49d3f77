/**
 * Stores the end of a turn (T3), and before it the turn's steps (TS) and its wait for people (A1,
 * T10).
 *
 * The model's answers have cost money. So a disk that is full for a while costs time, and no second
 * request.
 */

import type { BotAccount } from "../../account/account.ts";
import type { MessageId } from "../../core/discord/ids.ts";
import type { InboundMessage } from "../../core/inbound/inbound.ts";
import type { FinishedTurn, StoredTurn } from "../../core/inbound/inbox.ts";
import { codeFrom } from "../../core/inbound/pairing.ts";
import type { AskedCall, Question } from "../../core/people/question.ts";
import type { ParkedTurn, Step } from "../../core/step.ts";
import { waitFor } from "../../lib/clock.ts";
import { costFactOf } from "../../render/cost.ts";
import { StoreError } from "../../store/database/store_error.ts";
import { decided } from "../questions/cards.ts";
import { unsavedCharges } from "./spending/turn_spending.ts";
import { cleanText, maxWaitingOf } from "./turn_rules.ts";
import type { OneTurn } from "./turn_step.ts";

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
