/**
 * The buttons of questions to people: approvals, escalations, and questions of the model (A4, T10).
 *
 * Each kind has a name of its own, because another right belongs to it. The store decides by the
 * rows whether a press counts: `custom_id`, message, channel, application and person must fit.
 *
 * @module
 */

import type { CommandNeeds } from "../../core/inbound/commands.ts";
import type { ButtonPress } from "../../core/inbound/interactions.ts";
import type { DecidingOutcome } from "../../core/people/question.ts";
import { notice } from "../../render/notices/notices.ts";
import { settledContent } from "../../render/question_card.ts";
import type { Component, ComponentAnswer } from "../base/component.ts";
import type { InteractionContext } from "../base/context.ts";

/** An approver decides about a command. */
export const approvalButton: Component = questionButton("ap", "approver");
/** An owner decides about a refused call. */
export const escalationButton: Component = questionButton("esc", "owner");
/** A person answers a question of the model. */
export const askButton: Component = questionButton("ask", "everyone");
/** A person lets a turn go on with more destructive actions, or not. */
export const goOnButton: Component = questionButton("go", "everyone");

function questionButton(name: string, needs: CommandNeeds): Component {
  return {
    kind: "button",
    name,
    needs,
    async run(press: ButtonPress, context) {
      const { accountId, customId, messageId, channelId, applicationId, sender } = press;
      const outcome = await context.questions.decide({
        accountId,
        by: { customId, messageId, channelId, applicationId },
        userId: sender.id,
        now: context.now(),
      });
      return answerTo(outcome, press, context);
    },
    failedText: (texts) => notice("failure", { id: name }, texts),
  };
}

function answerTo(
  outcome: DecidingOutcome,
  { id, sender }: ButtonPress,
  { texts, log }: InteractionContext,
): ComponentAnswer | undefined {
  switch (outcome.kind) {
    case "unknown":
    case "no_choice":
      return undefined;
    case "not_asked":
      log.warn("A person answered a question for another person", {
        interactionId: id,
        code: outcome.question.code,
        userId: sender.id,
      });
      return { how: "reply", text: notice("questionNotAsked", {}, texts()) };
    case "closed":
      return { how: "reply", text: notice("questionClosed", {}, texts()) };
    case "decided":
      log.info("A question was decided by its button", {
        interactionId: id,
        code: outcome.question.code,
        choice: outcome.question.answer?.choice,
        userId: sender.id,
      });
      return { how: "update", text: settledContent(outcome.question, texts()) };
  }
}
