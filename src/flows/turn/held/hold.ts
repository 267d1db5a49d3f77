/**
 * Holds an answer until a person has checked it (A5): the turn is parked with the messages as they will
 * be posted, and a question to the people who check.
 *
 * The turn's steps keep all of it, so a restart changes nothing, and no model is asked again.
 */

import type { Claim, FinishedTurn } from "../../../core/inbound/inbox.ts";
import { lastOf, messagesOf } from "../../../core/inbound/inbox.ts";
import type { Frozen, OutboundFile } from "../../../core/outbound/outbound.ts";
import { type ApprovalRules, reasonToCheck } from "../../../core/people/approval.ts";
import type { AskedCall, Question } from "../../../core/people/question.ts";
import type { HeldFile, HeldStep } from "../../../core/step.ts";
import type { ParkedTurn, StepsTaken } from "../../../core/turn/turn_outcome.ts";
import type { ReplyToSend } from "../../../render/cost.ts";
import { checkFiles } from "../../../render/files.ts";
import { freeze } from "../../../render/freeze.ts";
import type { AnswerForReview } from "../../../render/questions/review_card.ts";
import type { ReplyRules } from "../../../render/reply.ts";
import { costOf, type TurnSpending } from "../spending/turn_spending.ts";

/** The people who check answers. */
export interface Reviewers {
  /** Whether no model was asked for a person on an earlier day. */
  isNew(userId: string): Promise<boolean>;
  /** Writes the question about an answer. */
  review(answer: AnswerForReview, rules: ApprovalRules): Promise<Question>;
}

/** Why a person checks an answer first, in words; `undefined`: no one does. */
export async function reasonToHold(
  { message, also, ...claim }: Claim,
  { reply }: ReplyToSend,
  flag: string | undefined,
  rules: ApprovalRules,
  { isNew }: Pick<Reviewers, "isNew">,
): Promise<string | undefined> {
  if (message.triggered?.isAnswered) return undefined; // it is not posted (N1)
  return await reasonToCheck(rules, {
    question: wordsOf({ message, also, ...claim }),
    answer: reply.text,
    flag,
    isNewPerson: () => isNew(message.sender.id),
  });
}

/** Whether a person waits for the answer to a claim: it is no run, and its sender is no bot. */
export function isAwaited(claim: Claim): boolean {
  const { sender, scheduled, triggered, place } = lastOf(claim);
  return sender.automaton === undefined && !triggered && (!scheduled || place.kind === "dm");
}

/** Names the messages of a turn as they are now: after an edit, a held answer counts no more. */
export function aboutOf(claim: Claim): string {
  return messagesOf(claim).map(({ id, revision }) => `${id}/${revision}`).join(",");
}

function wordsOf(claim: Claim): string {
  return messagesOf(claim).map(({ text }) => text).join("\n");
}

/** Makes the parked turn of an answer. */
export async function heldTurn(
  { claim, entries, outbox }: FinishedTurn,
  { text, reply }: ReplyToSend,
  { why, made, taken, spending, rules, at }: {
    /** From {@link reasonToHold}. */
    readonly why: string;
    readonly made: readonly OutboundFile[] | undefined;
    readonly taken: StepsTaken | undefined;
    readonly spending: TurnSpending;
    readonly rules: ReplyRules & { readonly approval: ApprovalRules };
    readonly at: number;
  },
  { review }: Pick<Reviewers, "review">,
): Promise<ParkedTurn> {
  const message = lastOf(claim);
  const { agentId } = claim.route;
  const about = aboutOf(claim);
  const own = reply.files.length - checkFiles(made ?? [], rules).files.length;
  const step: HeldStep = {
    kind: "held",
    callKey: `draft:${claim.message.id}:${about}:${at}`,
    about,
    why,
    text,
    quote: reply.quote,
    outbox: heldMessages(outbox, own),
    entries,
    cost: costOf(spending),
    at,
  };
  const waits = { words: wordsOf(claim), isAwaited: isAwaited(claim) };
  const answer = { message, agentId, text, outbox, why, ...waits };
  const question = await review(answer, rules.approval);
  const asked: AskedCall = { callKey: step.callKey, question };
  const { steps = [], unsaved = [] } = taken ?? {};
  return {
    kind: "parked",
    asked: [asked],
    taken: { steps: [...steps, step], unsaved: [...unsaved, step] },
  };
}

/** @param own Number of files that have text of the answer; those that tools made follow them. */
function heldMessages(outbox: readonly Frozen[], own: number): HeldStep["outbox"] {
  let at = 0;
  return outbox.map(({ message, files, whole }) => ({
    message,
    files: files.map(({ bytes, ...file }): HeldFile => {
      const index = at++;
      return index < own
        ? { ...file, text: new TextDecoder().decode(bytes) }
        : { ...file, made: index - own };
    }),
    whole,
  }));
}

/**
 * The messages of a held answer with their files. A file that is not kept any more is left out.
 *
 * @param made The files that tools made, from {@link checkFiles}.
 */
export function releasedMessages(
  { outbox }: HeldStep,
  made: readonly OutboundFile[],
): readonly Frozen[] {
  return outbox.flatMap(({ message, files: held, whole }): readonly Frozen[] => {
    const files = held.flatMap(({ text, made: index, ...file }): readonly OutboundFile[] => {
      if (text !== undefined) return [{ ...file, bytes: new TextEncoder().encode(text) }];
      const found = made[index ?? -1];
      return found && found.name === file.name ? [found] : [];
    });
    if (message.content === "" && files.length === 0) return [];
    return [{ message, files, whole }];
  });
}

/** The messages of an answer that a person has edited. */
export function editedMessages(
  { reply }: ReplyToSend,
  { quote }: HeldStep,
): readonly Frozen[] {
  return freeze({ ...reply, quote });
}
