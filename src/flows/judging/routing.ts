/**
 * Gathers the facts that choose the agent and the account of a message (N2).
 *
 * Each account that sees a message gathers the same facts about it, wherever it stands among the
 * accounts. So all of them choose the same agent, and the same account to post the answer.
 */

import type { AccountId, ChannelId, GuildId, RoleId, UserId } from "../../core/discord/ids.ts";
import type { RoutingFacts } from "../../core/inbound/inbox.ts";
import type { InboundMessage } from "../../core/inbound/inbound.ts";
import { cameBy } from "../../core/inbound/inbound.ts";
import type { AccessPolicy } from "../../policy/rules/rules.ts";

export interface OurAccount {
  readonly accountId: AccountId;
  /** Absent while the account does not run. */
  readonly view?: OurView;
}

/** A running account, as the others see it. */
export interface OurView {
  /** The bot's user id; `undefined` until it is known. */
  readonly userId: () => UserId | undefined;
  /** The role that Discord created for the bot in a guild. */
  readonly roleIn: (guildId: GuildId) => RoleId | undefined;
  readonly isIn: (guildId: GuildId) => boolean;
  /** Whether it would answer a message that mentions no account, by the facts in memory. */
  readonly wouldAnswer: (message: InboundMessage) => boolean;
  /** The agent whose answer opened a thread. */
  readonly threadAgent: (threadId: ChannelId) => string | undefined;
}

/** The view of an account that starts: the process has only its last user id. */
export function recalledView(userId: UserId): OurView {
  return {
    userId: () => userId,
    roleIn: () => undefined,
    isIn: () => true,
    wouldAnswer: () => false,
    threadAgent: () => undefined,
  };
}

/** Mentions of users and roles in a text. */
const MENTION = /<@(?:!?|(&))(\d{1,20})>/g;

/** Gathers the facts of a message; `undefined` if there are none. */
export function routingFacts(
  message: InboundMessage,
  { router, agentsNamed }: AccessPolicy,
  ours: readonly OurAccount[],
): RoutingFacts | undefined {
  const isShared = ours.length > 1;
  const hasAgents = router.agents.length > 1;
  if (!isShared && !hasAgents) return undefined;
  const scheduled = cameBy(message, "schedule");
  const named = !hasAgents
    ? []
    : scheduled?.agentId === undefined
    ? agentsNamed(message.text)
    : [scheduled.agentId]; // a schedule is the agent's that made it
  const threadAgent = hasAgents ? threadAgentOf(message, ours) : undefined;
  const mentioned = isShared ? mentionedIn(message, ours) : [];
  const accounts = isShared && mentioned.length === 0 ? answering(message, ours) : [];
  const facts: RoutingFacts = {
    ...(mentioned.length > 0 && { mentioned }),
    ...(named.length > 0 && { named }),
    ...(threadAgent !== undefined && { threadAgent }),
    ...(accounts.length > 1 && { accounts }),
  };
  return Object.keys(facts).length > 0 ? facts : undefined;
}

function threadAgentOf({ place }: InboundMessage, ours: readonly OurAccount[]): string | undefined {
  if (place.kind !== "guild" || !place.thread) return undefined;
  for (const { view } of ours) {
    const agentId = view?.threadAgent(place.thread.id);
    if (agentId !== undefined) return agentId;
  }
  return undefined;
}

/**
 * The accounts that a message addresses: first those of its text, in its order, then that of the
 * message to which it replies. A direct message addresses its account.
 */
function mentionedIn(message: InboundMessage, ours: readonly OurAccount[]): readonly AccountId[] {
  const { accountId, guildId, text, quoted, sender, mention, mentionsOthers } = message;
  if (guildId === undefined) return [accountId];
  const found = new Set<AccountId>();
  const add = (is: (view: OurView) => boolean): void => {
    const account = ours.find(({ view }) => view?.isIn(guildId) && is(view));
    if (account) found.add(account.accountId);
  };
  const isWritten = mention === "user" || mention === "role" || mentionsOthers;
  for (const [, isRole, id] of isWritten ? text.matchAll(MENTION) : []) {
    add((view) => id === (isRole ? view.roleIn(guildId) : view.userId()));
  }
  const author = quoted?.author?.id;
  if (author !== undefined && !sender.automaton) add((view) => view.userId() === author);
  if (mention !== undefined) found.add(accountId);
  return [...found];
}

/**
 * The accounts that would answer a message without a mention, in the order of the config. Its author
 * is none of them, also if accounts may answer each other (N3).
 */
function answering(message: InboundMessage, ours: readonly OurAccount[]): readonly AccountId[] {
  const authorId = message.sender.id;
  return ours.filter(({ accountId, view }) =>
    accountId === message.accountId ||
    view?.userId() !== authorId && view?.wouldAnswer({ ...message, accountId })
  ).map(({ accountId }) => accountId);
}
