/**
 * Has interactions answered, each by the module of its kind, which loads with the first one; and
 * knows those that Discord takes no answer to in their place.
 */

import type { BotAccount } from "../../account/account.ts";
import { perAccount } from "../../account/per_account.ts";
import type {
  ComponentUse,
  Interaction,
  OptionTyping,
  SlashCommand,
  UnreadInteraction,
} from "../../core/inbound/inbound.ts";
import { createNewestSet } from "../../lib/cache.ts";
import { isOwner } from "../owners/owner_ids.ts";

/** Answers until they are finished; none of them rejects. */
const answering = perAccount("interactions", () => new Set<Promise<void>>());

/** Answers a command, a component, or a person who types an option. */
export function interact(
  anyPart: BotAccount,
  one: ComponentUse | OptionTyping | SlashCommand | UnreadInteraction,
): void {
  const account = anyPart.forPart("interactions");
  if (one.kind !== "unread" && isPrivileged(account, one)) account.connection.admit(one.sender.id); // X4a
  const running = answering(account);
  const answer = run(account, one).finally(() => running.delete(answer));
  running.add(answer);
}

async function run(
  account: BotAccount,
  one: ComponentUse | OptionTyping | SlashCommand | UnreadInteraction,
): Promise<void> {
  if (one.kind === "slash" || one.kind === "typing") {
    const { runSlash, suggest } = await import("../interactions/run_commands.ts");
    return await (one.kind === "slash" ? runSlash(account, one) : suggest(account, one));
  }
  if (one.kind === "unread") {
    return await (await import("../interactions/answers.ts")).answerUnread(account, one);
  }
  const { runComponent } = await import("../interactions/run_components.ts");
  await runComponent(account, one);
}

/** Resolves once the interactions received so far are answered. */
export async function interactionsAnswered(account: BotAccount): Promise<void> {
  await Promise.all(answering(account));
}

/** Whether a person is an owner, or decides about approvals or answers. */
export function isPrivileged(
  account: BotAccount,
  { sender }: Pick<Interaction, "sender">,
): boolean {
  return isOwner(account, { sender }) || account.policy().policy.approvers.includes(sender.id);
}

/** More than people can give while their answers are on the way. */
const REFUSED_MAX = 1_000;

const refused = perAccount("interactions", () => createNewestSet<string>(REFUSED_MAX));

/** Discord forbids an answer to this interaction in its place, as the gateway's thread has learned. */
export function refuseAnswer(account: BotAccount, id: string): void {
  refused(account).add(id);
}

/** Whether Discord has refused to take the first answer to this interaction in its place. */
export function isAnswerRefused(account: BotAccount, id: string): boolean {
  return refused(account).has(id);
}
