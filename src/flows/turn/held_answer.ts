/**
 * Holds an answer until a person has checked it (A5), and ends its turn by the decision.
 *
 * The turn is parked with the messages as they will be posted, and with a question to the people who
 * check. Its steps keep all of it, so a restart changes nothing and asks no model again: the
 * answer is posted as it was shown, posted as the person has edited it, or not posted.
 */

import { type Claim, type FinishedTurn, lastOf, messagesOf } from "../../core/inbound/inbox.ts";
import type { Frozen, OutboundFile } from "../../core/outbound/outbound.ts";
import { type ApprovalRules, reasonToCheck } from "../../core/people/approval.ts";
import {
  ALLOW_ONCE,
  ANSWER_SELF,
  type AskedCall,
  type Decision,
  FILL_IN,
} from "../../core/people/question.ts";
import type { CheckedHow, CheckedStep, HeldFile, HeldStep } from "../../core/step.ts";
import { type SortedSteps, stepsOfAll } from "../../core/turn/asking.ts";
import type { ParkedTurn, StepsTaken } from "../../core/turn/turn_outcome.ts";
import type { ReplyToSend } from "../../render/cost.ts";
import { checkFiles } from "../../render/files.ts";
import { freeze } from "../../render/freeze.ts";
import { composeNotice, composeReply, type ReplyRules } from "../../render/reply.ts";
import { madeFiles } from "../media/find_files.ts";
import type { AnswerPorts, TurnRules } from "./answer_ports.ts";
import { withEditLine } from "./edited_turn.ts";
import { ofTurn } from "./finished_turn.ts";
import type { TurnPeople } from "./save_turn.ts";
import { costOf, type TurnSpending } from "./spending/turn_spending.ts";

/** Why a person checks an answer first, in words; `undefined`: no one does. */
export async function reasonToHold(
  { message, also, ...claim }: Claim,
  { reply }: ReplyToSend,
  flag: string | undefined,
  rules: ApprovalRules,
  { isNew }: Pick<TurnPeople, "isNew">,
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
function isAwaited(claim: Claim): boolean {
  const { sender, scheduled, triggered, place } = lastOf(claim);
  return sender.automaton === undefined && !triggered && (!scheduled || place.kind === "dm");
}

/** Names the messages of a turn as they are now: after an edit, a held answer counts no more. */
function aboutOf(claim: Claim): string {
  return messagesOf(claim).map(({ id, revision }) => `${id}/${revision}`).join(",");
}

function wordsOf(claim: Claim): string {
  return messagesOf(claim).map(({ text }) => text).join("\n");
}

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
  { review }: Pick<TurnPeople, "review">,
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
function releasedMessages(
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

function editedMessages(
  { reply }: ReplyToSend,
  { quote }: HeldStep,
): readonly Frozen[] {
  return freeze({ ...reply, quote });
}

/**
 * The record of a turn whose answer was held.
 *
 * @returns `undefined` if the held answer counts no more: its message was edited.
 * @throws {unknown} The store's error.
 */
export async function checkedTurn(
  claim: Claim,
  sorted: SortedSteps,
  rules: TurnRules,
  ports: Pick<AnswerPorts, "people" | "media" | "threads" | "now" | "log">,
): Promise<FinishedTurn | undefined> {
  const { held } = sorted;
  if (!held || held.about !== aboutOf(claim)) return undefined;
  const decision = await ports.people?.decisionOf(held.callKey);
  const made = checkFiles(
    await madeFiles(stepsOfAll(sorted), claim.message.id, ports.media?.made),
    rules,
  ).files;
  const { how, by, text } = readDecision(decision);
  if (how === "posted" || how === "edited") {
    const home = await ports.threads.homeOf(claim, true) ?? claim;
    const edited = text === undefined
      ? undefined
      : composeEdited(text, home, made, rules, sorted.again);
    const outbox = how === "posted"
      ? releasedMessages(held, made).map((frozen) => movedTo(home, frozen))
      : edited
      ? editedMessages(edited, { ...held, quote: home === claim ? held.quote : undefined })
      : [];
    if (outbox.length > 0) {
      const said = edited?.text ?? held.text;
      const posted = { claim: home, outbox, end: { kind: "answered" } } as const;
      return { ...posted, ...recordOf(held, said, { how, by }, ports.now()) };
    }
  }
  const end = how === "posted" || how === "edited" ? "discarded" : how; // nothing was left of it
  const isUnseen = (end === "expired" || end === "unseen") && isAwaited(claim);
  ports.log.info("A held answer is not posted", { messageId: claim.message.id, how: end, by });
  return {
    claim,
    end: { kind: "declined", reason: reasonOf(end, by) },
    outbox: isUnseen
      ? freeze(composeNotice(ofTurn(claim), { key: "answerUnchecked", words: {} }, rules.texts))
      : [],
    ...recordOf(held, UNPOSTED[end], { how: end, by }, ports.now()),
  };
}

function readDecision(decision: Decision | undefined): Pick<CheckedStep, "how" | "by"> & {
  /** The text of a person who has edited it. */
  readonly text?: string;
} {
  if (decision?.kind === "expired") return { how: "expired" };
  if (decision?.kind !== "answered") return { how: "unseen" };
  const { by, answer: { choice, fields: [field] = [] } } = decision;
  switch (choice) {
    case ALLOW_ONCE:
      return { how: "posted", by };
    case FILL_IN:
      return { how: "edited", by, text: field?.kind === "text" ? field.text : "" };
    case ANSWER_SELF:
      return { how: "self", by };
    default:
      return { how: "discarded", by };
  }
}

/** A person answers for the links; the rest of the rules is that of an answer. */
function composeEdited(
  text: string,
  home: Claim,
  files: Parameters<typeof composeReply>[0]["files"],
  rules: TurnRules,
  again: SortedSteps["again"],
): ReplyToSend | undefined {
  const texts = () => messagesOf(home).map((message) => message.text);
  const shown = { overheard: [], texts, system: "" };
  const composed = composeReply({
    ...ofTurn(home, again),
    text,
    files,
    shown,
    rules: { ...rules, linkHosts: ["*"] },
  });
  if (composed.kind !== "reply") return undefined;
  return again ? withEditLine(composed, again, home, rules) : composed;
}

/** A message in the thread that the answer opens, where it quotes nothing. */
function movedTo({ message: { channelId } }: Claim, { message, ...frozen }: Frozen): Frozen {
  if (channelId === message.channelId) return { ...frozen, message };
  const pings = { ...message.pings, quotedAuthor: false };
  return { ...frozen, message: { ...message, channelId, pings, quote: undefined } };
}

/** The end of the turn's transcript: the last entry is what people read. */
function recordOf(
  { entries, cost }: HeldStep,
  said: string,
  checked: Pick<CheckedStep, "how" | "by">,
  at: number,
): Pick<FinishedTurn, "entries" | "steps" | "cost"> {
  const now = entries.map((entry, index) =>
    index === entries.length - 1
      ? { ...entry, text: said, at, ...(said !== entry.text && { carried: undefined }) }
      : { ...entry, at }
  );
  return { entries: now, steps: [{ kind: "checked", ...checked, at }], cost };
}

type Unposted = Exclude<CheckedHow, "posted" | "edited">;

/** For the session, in place of an answer that no one reads. */
const UNPOSTED: Readonly<Record<Unposted, string>> = {
  discarded: "[my answer was not posted: a person discarded it]",
  self: "[my answer was not posted: a person answers instead]",
  expired: "[my answer was not posted: no person checked it in time]",
  unseen: "[my answer was not posted: no person could check it]",
};

function reasonOf(how: Unposted, by: CheckedStep["by"]): string {
  const who = by === undefined ? "the operator" : `user:${by}`;
  switch (how) {
    case "discarded":
      return `${who} discarded the draft`;
    case "self":
      return `${who} answers in place of the draft`;
    case "expired":
      return "no one checked the draft in time";
    case "unseen":
      return "the draft could reach no one, or too many waited";
  }
}
