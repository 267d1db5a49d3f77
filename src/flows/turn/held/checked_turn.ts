/**
 * Ends the turn of a held answer by the decision of a person (A5): the answer is posted as it was shown,
 * posted as the person has edited it, or not posted. No model is asked.
 */

import { type Claim, type FinishedTurn, messagesOf } from "../../../core/inbound/inbox.ts";
import type { Frozen } from "../../../core/outbound/outbound.ts";
import { ALLOW_ONCE, ANSWER_SELF, type Decision, FILL_IN } from "../../../core/people/question.ts";
import type { CheckedHow, CheckedStep, HeldStep } from "../../../core/step.ts";
import { type SortedSteps, stepsOfAll } from "../../../core/turn/asking.ts";
import { checkFiles } from "../../../render/files.ts";
import { freeze } from "../../../render/freeze.ts";
import type { ReplyToSend } from "../../../render/cost.ts";
import { composeNotice, composeReply } from "../../../render/reply.ts";
import { madeFiles } from "../../media/find_files.ts";
import type { AnswerPorts, TurnRules } from "../answer_ports.ts";
import { ofTurn } from "../finished_turn.ts";
import { aboutOf, editedMessages, isAwaited, releasedMessages } from "./hold.ts";

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
  ports: Pick<AnswerPorts, "people" | "files" | "threads" | "now" | "log">,
): Promise<FinishedTurn | undefined> {
  const { held } = sorted;
  if (!held || held.about !== aboutOf(claim)) return undefined;
  const decision = await ports.people?.decisionOf(held.callKey);
  const made = checkFiles(
    await madeFiles(stepsOfAll(sorted), claim.message.id, ports.files?.made),
    rules,
  ).files;
  const { how, by, text } = readDecision(decision);
  if (how === "posted" || how === "edited") {
    const home = await ports.threads.homeOf(claim, true) ?? claim;
    const edited = text === undefined ? undefined : composeEdited(text, home, made, rules);
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

/** A decision about an answer. */
interface Checked extends Pick<CheckedStep, "how" | "by"> {
  /** The text of a person who has edited it. */
  readonly text?: string;
}

function readDecision(decision: Decision | undefined): Checked {
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
): ReplyToSend | undefined {
  const texts = () => messagesOf(home).map((message) => message.text);
  const shown = { overheard: [], texts, system: "" };
  const composed = composeReply({
    ...ofTurn(home),
    text,
    files,
    shown,
    rules: { ...rules, linkHosts: ["*"] },
  });
  return composed.kind === "reply" ? composed : undefined;
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
    index === entries.length - 1 ? { ...entry, text: said, at } : { ...entry, at }
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

/** For the operator. */
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
