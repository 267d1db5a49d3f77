/**
 * The buttons, menus and forms of cards: pairing requests (P3), approvals, tools of skills, and questions of
 * the model (A4, T10).
 *
 * Each kind has a name of its own, because another right belongs to it. The store decides by the
 * rows whether a use counts: `custom_id`, message, channel, application and person must fit.
 */

import type { BotAccount } from "../account/account.ts";
import { wakeChannels } from "../account/per_account.ts";
import type { CommandNeeds, ComponentUse } from "../core/inbound/inbound.ts";
import type { Deciding, DecidingOutcome } from "../core/people/question.ts";
import { settledContent } from "../render/questions/card.ts";
import type { Component, ComponentAnswer } from "./base/command.ts";
import { composePaired, decisionText } from "../render/pairing.ts";

/** The name of the components by which the model's questions are answered. */
const ASK = "ask";

const approvalButton: Component = questionButton("ap", "approver");
/** An owner confirms a tool of a skill. */
const skillButton: Component = questionButton("skill", "owner");
/** A person answers a question of the model, or opens its form. */
const askButton: Component = questionButton(ASK, "everyone");
/** A person answers a question of the model with many options. */
const askMenu: Component = {
  kind: "select",
  name: ASK,
  needs: "everyone",
  run: (selection, account) => decide(selection, { selected: selection.values }, account),
};
const askForm: Component = {
  kind: "modal",
  name: ASK,
  needs: "everyone",
  run: (modal, account) => decide(modal, { submitted: modal.text }, account),
};
/** A person lets a turn go on with more destructive actions, or not. */
const goOnButton: Component = questionButton("go", "everyone");

function questionButton(name: string, needs: CommandNeeds): Component {
  return { kind: "button", name, needs, run: (press, account) => decide(press, {}, account) };
}

async function decide(
  use: ComponentUse,
  given: Partial<Deciding>,
  account: BotAccount,
): Promise<ComponentAnswer | undefined> {
  const { accountId, customId, messageId, channelId, applicationId, sender } = use;
  if (messageId === undefined) return undefined; // no component of a card opened this modal
  const { decideQuestion } = await import("../flows/questions/cards.ts");
  const outcome = await decideQuestion(account, {
    accountId,
    by: { customId, messageId, channelId, applicationId },
    userId: sender.id,
    now: account.now(),
    ...given,
  });
  return answerTo(outcome, use, account);
}

function answerTo(
  outcome: DecidingOutcome,
  { id, kind, sender }: ComponentUse,
  { log }: BotAccount,
): ComponentAnswer | undefined {
  switch (outcome.kind) {
    case "unknown":
      return undefined;
    case "no_choice":
      return kind === "modal"
        ? { how: "reply", text: "Your answer does not fit the form. Please fill it in again." }
        : undefined;
    case "form":
      return { how: "form" };
    case "not_asked":
      return {
        how: "refuse",
        text: "This question is not for you.",
        event: "A person answered a question for another person",
        fields: { code: outcome.question.code },
      };
    case "closed":
      return {
        how: "reply",
        text: "This was already decided, has expired, or a message behind it was removed.",
      };
    case "decided":
      log.info("A question was decided in Discord", {
        interactionId: id,
        code: outcome.question.code,
        choice: outcome.question.answer?.choice,
        userId: sender.id,
      });
      return kind === "modal"
        ? { how: "reply", text: "Thanks, I have your answer." }
        : { how: "update", ...settledContent(outcome.question) };
  }
}

/**
 * Decides a pairing request. The store knows from the `custom_id` which request and which answer.
 */
export const pairingButton: Component = {
  kind: "button",
  name: "pairing",
  needs: "owner",
  async run(press, account) {
    const { store: { pairing }, now, log } = account;
    const { accountId, customId, sender: { id: decidedBy } } = press;
    const outcome = await pairing.decide({
      accountId,
      by: { button: customId },
      how: "approve",
      decidedBy,
      now: now(),
      notify: composePaired(press),
    });
    if (outcome.kind === "unknown" || outcome.kind === "closed") return undefined;
    const { request } = outcome;
    log.info("A pairing request was decided by its button", {
      interactionId: press.id,
      pressedBy: decidedBy,
      outcome: outcome.kind,
      userId: request.userId,
      username: request.username,
    });
    if (outcome.kind === "approved") wakeChannels(account, [request.channelId]);
    return { how: "update", text: decisionText(outcome, decidedBy) };
  },
  failedText: "I can't tell whether that worked. To check, run `barnacle pairing list`.",
};

export const QUESTION_COMPONENTS: readonly Component[] = [
  approvalButton,
  skillButton,
  askButton,
  askMenu,
  askForm,
  goOnButton,
];
