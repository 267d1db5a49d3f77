/**
 * Answers a button, select menu or modal (P3, P16).
 *
 * Anyone who sees a component can use it, and a client can claim to have used one that never existed.
 * So policy judges the person, and the component asks the store what its `custom_id` stands for. The
 * gateway's thread has acknowledged each use, or has opened its form.
 */

import type { MessageId } from "../../core/discord/ids.ts";
import type { ComponentUse, ModalSubmission } from "../../core/inbound/interactions.ts";
import type { Card } from "../../core/outbound/outbound.ts";
import type { Component, ComponentAnswer } from "../../interactions/base/command.ts";
import type { InteractionContext } from "../../interactions/base/context.ts";
import { componentOf } from "../../interactions/registry.ts";
import type { CommandRunner } from "./commands.ts";
import type { RefusalEnd } from "./refusals.ts";
import { notice } from "../../render/notices/notices.ts";

/** Everything that components need. The context is passed to each of them. */
export interface ComponentRunner extends Pick<CommandRunner, "authorize" | "refusals" | "context"> {
  /** Components that exist; a use of any other one gets a notice. */
  readonly components: readonly Component[];
  /** The ways to answer at Discord; each rejects if Discord refuses. */
  readonly interactions: {
    /** Replaces the message's text, without its components. */
    update(use: ComponentUse, content: string, card?: Card): Promise<void>;
    /** Answers so that only the person sees it. @returns Id of the answer, if it can be changed. */
    reply(use: ComponentUse, content: string): Promise<MessageId | undefined>;
    /** Replaces the text of a reply. */
    change(use: ComponentUse, replyId: MessageId, content: string): Promise<void>;
    /** Gives the answer to a modal. */
    complete(use: ModalSubmission, content: string): Promise<void>;
    /** Removes the "is thinking" of a modal, without an answer. */
    withdraw(use: ModalSubmission): Promise<void>;
  };
}

/** The end of a use: an answer, or one of the quiet ends of a refusal. */
type UseEnd =
  | Exclude<ComponentAnswer, { readonly how: "refuse" }>
  | Quiet<"nothing">
  | Quiet<"withdraw">;

interface Quiet<How extends Exclude<RefusalEnd, "tell">> {
  readonly how: How;
  readonly later?: undefined;
}

/**
 * Creates the handler of component uses.
 *
 * @returns Answers one use, once; never rejects.
 */
export function createComponents(runner: ComponentRunner): (use: ComponentUse) => Promise<void> {
  const { components, interactions, context } = runner;
  const { log } = context;

  /** @returns Id of the answer, if it can be changed. */
  async function answer(use: ComponentUse, given: UseEnd): Promise<MessageId | undefined> {
    try {
      if (given.how === "form" || given.how === "nothing") return undefined;
      if (given.how === "withdraw") {
        if (use.kind === "modal") await interactions.withdraw(use);
        return undefined;
      }
      if (use.kind === "modal") await interactions.complete(use, given.text);
      else if (given.how === "reply") return await interactions.reply(use, given.text);
      else await interactions.update(use, given.text, use.isOnCard && given.card);
    } catch (error) {
      log.warn(`Cannot answer a ${use.kind}`, { ...idsOf(use), error });
    }
    return undefined;
  }

  /** Never rejects: the work counts, even if Discord shows nothing of it. */
  async function finish(
    use: ComponentUse,
    later: NonNullable<ComponentAnswer["later"]>,
    component: Component,
    replyId: MessageId | undefined,
  ): Promise<void> {
    let text: string;
    try {
      text = await later();
    } catch (error) {
      log.error(`A ${use.kind} failed`, { ...idsOf(use), error });
      text = component.failedText(context.texts());
    }
    try {
      if (replyId === undefined) await interactions.reply(use, text);
      else await interactions.change(use, replyId, text);
    } catch (error) {
      log.warn(`Cannot answer a ${use.kind}`, { ...idsOf(use), error });
    }
  }

  function failed(component: Component | undefined): UseEnd {
    const texts = context.texts();
    return { how: "reply", text: component?.failedText(texts) ?? notice("deadButton", {}, texts) };
  }

  return async (use) => {
    const component = componentOf(use, components);
    const given = await settle(use, component, runner).catch((error: unknown) => {
      log.error(`A ${use.kind} failed`, { ...idsOf(use), error });
      return failed(component);
    });
    const replyId = await answer(use, given);
    if (given.later && component) await finish(use, given.later, component, replyId);
  };
}

async function settle(
  use: ComponentUse,
  component: Component | undefined,
  { authorize, refusals, context }: ComponentRunner,
): Promise<UseEnd> {
  const { log } = context;
  const textOf = (key: "notAuthorized" | "deadButton") => notice(key, {}, context.texts());
  const refused = (text: string, event: string, fields: Record<string, unknown>): UseEnd => {
    const how = refusals.next(use.sender.id, use.kind === "modal");
    if (how !== "tell") return { how };
    log.warn(event, { ...idsOf(use), ...fields });
    return { how: "reply", text };
  };
  // An unknown component needs the most, so that only owners learn that it is unknown.
  const { kind, why, rule } = await authorize(use, component?.needs ?? "owner");
  if (kind !== "accept") {
    const event = `Refused a ${use.kind}: this user has no right to it`;
    return refused(textOf("notAuthorized"), event, { why, rule });
  }
  const answer = component && await run(component, use, context);
  if (answer?.how === "refuse") return refused(answer.text, answer.event, answer.fields);
  if (answer) return answer;
  log.info(`A person used a ${use.kind} that no longer works`, idsOf(use));
  return { how: "reply", text: textOf("deadButton") };
}

/** `componentOf` has matched the kinds, which the compiler cannot see. */
function run(
  component: Component,
  use: ComponentUse,
  context: InteractionContext,
): Promise<ComponentAnswer | undefined> | undefined {
  if (component.kind === "button" && use.kind === "button") return component.run(use, context);
  if (component.kind === "select" && use.kind === "select") return component.run(use, context);
  if (component.kind === "modal" && use.kind === "modal") return component.run(use, context);
  return undefined;
}

/** For the log; the token of an interaction is a secret. */
function idsOf({ id, channelId, sender, ...use }: ComponentUse) {
  const { messageId } = "messageId" in use ? use : {};
  return { interactionId: id, messageId: messageId || undefined, channelId, usedBy: sender.id };
}
