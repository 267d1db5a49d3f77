/**
 * Answers a button, select menu or modal (P3, P16).
 *
 * Anyone who sees a component can use it, and a client can claim to have used one that never existed.
 * So policy judges the person, and the component asks the store what its `custom_id` stands for. The
 * gateway's thread has acknowledged each use, or has opened its form.
 */

import type { MessageId } from "../../core/discord/ids.ts";
import type { ComponentUse, ModalSubmission } from "../../core/inbound/interactions.ts";
import type { Card, Menu } from "../../core/outbound/outbound.ts";
import type { Component, ComponentAnswer } from "../../interactions/base/command.ts";
import type { InteractionContext } from "../../interactions/base/context.ts";
import { componentOf } from "../../interactions/registry.ts";
import type { CommandRunner } from "./run_commands.ts";
import { DEAD_BUTTON, failedText, NOT_AUTHORIZED } from "../../render/sentences.ts";

/** Everything that components need. The context is passed to each of them. */
interface ComponentRunner extends Pick<CommandRunner, "authorize" | "refusals" | "context"> {
  /** Components that exist; a use of any other one gets a notice. */
  readonly components: readonly Component[];
  /** The ways to answer at Discord; each rejects if Discord refuses. */
  readonly interactions: {
    /** Replaces the message's text, and its components by the menu, if there is one. */
    update(use: ComponentUse, content: string, card?: Card, menu?: Menu): Promise<void>;
    /**
     * Answers so that only the person sees it.
     *
     * @param isFleeting Whether the person needs no direct message if Discord does not take it.
     * @returns Id of the answer, if it can be changed.
     */
    reply(use: ComponentUse, content: string, isFleeting: boolean): Promise<MessageId | undefined>;
    change(use: ComponentUse, replyId: MessageId, content: string): Promise<void>;
    complete(use: ModalSubmission, content: string, isFleeting: boolean): Promise<void>;
  };
}

/** The end of a use: an answer, or the quiet end of a refusal. */
type UseEnd =
  | Exclude<ComponentAnswer, { readonly how: "refuse" }>
  | { readonly how: "refuse"; readonly text: string; readonly later?: undefined }
  | { readonly how: "nothing"; readonly later?: undefined };

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
      const isFleeting = given.how === "refuse" || given.later !== undefined;
      if (use.kind === "modal") await interactions.complete(use, given.text, isFleeting);
      else if (given.how !== "update") return await interactions.reply(use, given.text, isFleeting);
      else await interactions.update(use, given.text, use.isOnCard && given.card, given.menu);
    } catch (error) {
      log.warn(`Cannot answer a ${use.kind}`, { ...idsOf(use), error });
    }
    return undefined;
  }

  /** Never rejects: the work counts, even if Discord shows nothing of it. */
  async function workOf(
    use: ComponentUse,
    later: NonNullable<ComponentAnswer["later"]>,
    component: Component,
  ): Promise<string> {
    try {
      return await later();
    } catch (error) {
      log.error(`A ${use.kind} failed`, { ...idsOf(use), error });
      return failureOf(component);
    }
  }

  async function finish(
    use: ComponentUse,
    text: string,
    replyId: MessageId | undefined,
  ): Promise<void> {
    try {
      if (replyId === undefined) await interactions.reply(use, text, false);
      else await interactions.change(use, replyId, text);
    } catch (error) {
      log.warn(`Cannot answer a ${use.kind}`, { ...idsOf(use), error });
    }
  }

  function failed(component: Component | undefined): UseEnd {
    return { how: "reply", text: component ? failureOf(component) : DEAD_BUTTON };
  }

  return async (use) => {
    const component = componentOf(use, components);
    const given = await settle(use, component, runner).catch((error: unknown) => {
      log.error(`A ${use.kind} failed`, { ...idsOf(use), error });
      return failed(component);
    });
    const work = given.later && component && workOf(use, given.later, component);
    const replyId = await answer(use, given); // it may take seconds, and the work waits for none
    if (work) await finish(use, await work, replyId);
  };
}

const failureOf = ({ name, failedText: own }: Component) => own ?? failedText(name);

async function settle(
  use: ComponentUse,
  component: Component | undefined,
  { authorize, refusals, context }: ComponentRunner,
): Promise<UseEnd> {
  const { log } = context;
  const refused = (text: string, event: string, fields: Record<string, unknown>): UseEnd => {
    const how = refusals.next(use.sender.id, use.kind === "modal");
    if (how === "nothing") return { how };
    if (how === "tell") log.warn(event, { ...idsOf(use), ...fields });
    return { how: "refuse", text };
  };
  const { kind, why, rule } = await authorize(use, component?.needs ?? "everyone");
  if (kind !== "accept") {
    const event = `Refused a ${use.kind}: this user has no right to it`;
    return refused(component ? NOT_AUTHORIZED : DEAD_BUTTON, event, { why, rule });
  }
  const answer = component && await run(component, use, context);
  if (answer?.how === "refuse") return refused(answer.text, answer.event, answer.fields);
  if (answer) return answer;
  log.info(`A person used a ${use.kind} that no longer works`, idsOf(use));
  return { how: "reply", text: DEAD_BUTTON };
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
