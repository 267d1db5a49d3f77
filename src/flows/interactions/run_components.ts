/**
 * Answers a button, select menu or modal (P3, P16).
 *
 * Anyone who sees a component can use it, and a client can claim to have used one that never existed.
 * So policy judges the person, and the component asks the store what its `custom_id` stands for. The
 * gateway's thread has acknowledged each use, or has opened its form.
 */

import type { BotAccount } from "../../account/account.ts";
import { cleanSecrets } from "../../account/per_account.ts";
import type { MessageId } from "../../core/discord/ids.ts";
import type { ComponentUse } from "../../core/inbound/inbound.ts";
import type { Component, ComponentAnswer } from "../../interactions/base/command.ts";
import { componentOf } from "../../interactions/registry.ts";
import { bounded } from "../../lib/text/quoted.ts";
import { DEAD_BUTTON, failedText, NOT_AUTHORIZED } from "../../render/sentences.ts";
import { answersOf, giveAnswer, nextRefusal } from "./answers.ts";
import { authorize } from "./may_use.ts";

/** The end of a use: an answer, or the quiet end of a refusal. */
type UseEnd =
  | Exclude<ComponentAnswer, { readonly how: "refuse" }>
  | { readonly how: "refuse"; readonly text: string; readonly later?: undefined }
  | { readonly how: "nothing"; readonly later?: undefined };

/** Answers one use, once; never rejects. */
export async function runComponent(account: BotAccount, use: ComponentUse): Promise<void> {
  const { log } = account;
  const component = componentOf(use);
  const failed = (error: unknown) => {
    log.error(`A ${use.kind} failed`, { ...idsOf(use), error });
    return component ? component.failedText ?? failedText(component.name) : DEAD_BUTTON;
  };
  const unanswered = (error: unknown) =>
    log.warn(`Cannot answer a ${use.kind}`, { ...idsOf(use), error });
  const given = await settle(account, use, component)
    .catch((error: unknown): UseEnd => ({ how: "reply", text: failed(error) }));
  // The work counts, even if Discord shows nothing of it; and it waits for no answer.
  const work = given.later?.().catch(failed);
  let replyId: MessageId | undefined;
  try {
    replyId = await answer(account, use, given);
  } catch (error) {
    unanswered(error);
  }
  if (!work) return;
  const text = shownOf(account, await work);
  const { change, reply } = answersOf(account);
  await giveAnswer<unknown>(
    account,
    use,
    text,
    () => replyId === undefined ? reply(use, text) : change(use, replyId, text),
  ).catch(unanswered);
}

/** @returns Id of the answer, if it can be changed. */
async function answer(
  account: BotAccount,
  use: ComponentUse,
  given: UseEnd,
): Promise<MessageId | undefined> {
  if (given.how === "form" || given.how === "nothing") return undefined;
  const text = shownOf(account, given.text);
  const isFleeting = given.how === "refuse" || given.later !== undefined;
  const late = isFleeting ? undefined : text;
  const { complete, reply, update } = answersOf(account);
  if (use.kind === "modal") {
    await giveAnswer(account, use, late, () => complete(use, text));
  } else if (given.how === "update") {
    const blocks = given.card?.blocks.map((block) => cleanSecrets(account, block)) ?? [];
    const card = use.isOnCard && given.card && { ...given.card, blocks };
    await giveAnswer(account, use, text, () => update(use, text, card, given.menu));
  } else return await giveAnswer(account, use, late, () => reply(use, text));
  return undefined;
}

/** Maximum number of characters of a message. */
const CONTENT_MAX = 2_000;

/** A text without secrets, for one message. */
const shownOf = (account: BotAccount, text: string): string =>
  bounded(cleanSecrets(account, text), CONTENT_MAX);

async function settle(
  account: BotAccount,
  use: ComponentUse,
  component: Component | undefined,
): Promise<UseEnd> {
  const { log } = account;
  const refused = (text: string, event: string, fields: Record<string, unknown>): UseEnd => {
    const how = nextRefusal(account, use.sender.id, use.kind === "modal");
    if (how === "nothing") return { how };
    if (how === "tell") log.warn(event, { ...idsOf(use), ...fields });
    return { how: "refuse", text };
  };
  const { kind, why, rule } = await authorize(account, use, component?.needs ?? "everyone");
  if (kind !== "accept") {
    const event = `Refused a ${use.kind}: this user has no right to it`;
    return refused(component ? NOT_AUTHORIZED : DEAD_BUTTON, event, { why, rule });
  }
  const answer = component && await run(component, use, account);
  if (answer?.how === "refuse") return refused(answer.text, answer.event, answer.fields);
  if (answer) return answer;
  log.info(`A person used a ${use.kind} that no longer works`, idsOf(use));
  return { how: "reply", text: DEAD_BUTTON };
}

/** `componentOf` has matched the kinds, which the compiler cannot see. */
function run(
  component: Component,
  use: ComponentUse,
  account: BotAccount,
): Promise<ComponentAnswer | undefined> | undefined {
  if (component.kind === "button" && use.kind === "button") return component.run(use, account);
  if (component.kind === "select" && use.kind === "select") return component.run(use, account);
  if (component.kind === "modal" && use.kind === "modal") return component.run(use, account);
  return undefined;
}

/** For the log; the token of an interaction is a secret. */
function idsOf({ id, channelId, sender, ...use }: ComponentUse) {
  const { messageId } = "messageId" in use ? use : {};
  return { interactionId: id, messageId: messageId || undefined, channelId, usedBy: sender.id };
}
