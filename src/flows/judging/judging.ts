/**
 * Judges and routes messages from facts in memory, and with the settings that people have chosen.
 *
 * It comes before the parts that use it: events, commands, tools and schedules.
 */

import type { BotAccount } from "../../account/account.ts";
import type { ChannelId, GuildId, RoleId, UserId } from "../../core/discord/ids.ts";
import { textCommandIn } from "../../core/inbound/text_commands.ts";
import type { InboundMessage } from "../../core/inbound/inbound.ts";
import type { Conversation } from "../../session/session_key.ts";
import { createProxiedUsers } from "../inbound/pluralkit.ts";
import { createIntentFilter } from "../intent/intent_filter.ts";
import type { AnswerThreads } from "../turn/answer_threads.ts";
import { createChosenSettings } from "../../interactions/parts/chosen_settings.ts";
import { tellLoopMuted } from "../owners/delivery_notices.ts";
import { ownsApplicationAsRead, sessionOwner as ownerOfSession } from "../owners/owner_ids.ts";
import { createJudge } from "./judge.ts";
import { createPassiveRuns } from "./passive.ts";
import { conversationRoute, createRoute } from "./route.ts";
import { type OurAccount, type OurView, routingFacts } from "./routing.ts";

/** Maximum number of channels of which an account remembers that it sees them. */
const SEEN_MAX = 5_000;

export function createJudging(
  account: BotAccount,
  { threads, isOurs, ours, guildOf }: {
    readonly threads: Pick<AnswerThreads, "opensFor" | "continuesIn" | "agentOf">;
    readonly isOurs: (userId: UserId) => boolean;
    /** All enabled accounts of the process, in the order of the config. */
    readonly ours: () => readonly OurAccount[];
    /** A guild of the bot; `undefined` for others. */
    readonly guildOf: (guildId: GuildId) => { readonly ownRole?: RoleId } | undefined;
  },
) {
  const { accountId, config, policy, store, now } = account;
  const sessionOwner = () => ownerOfSession(account);
  const commandOf = (message: InboundMessage) => textCommandIn(message, policy().textCommands);
  /** Channels in which the account has seen messages, as it may not see all of its guilds. */
  const seen = new Set<ChannelId>();
  const view: OurView = {
    userId: () => account.self()?.userId,
    roleIn: (guildId) => guildOf(guildId)?.ownRole,
    isIn: (guildId) => guildOf(guildId) !== undefined,
    wouldAnswer: (message) => seen.has(message.channelId) && judge.wouldAnswer(message),
    threadAgent: threads.agentOf,
  };
  const own = { accountId: account.accountId, view };
  /** A message may arrive before this account counts as running. */
  const accounts = () => ours().map((one) => one.accountId === own.accountId ? own : one);
  const routingOf = (message: InboundMessage) => {
    const all = accounts();
    if (all.length > 1) see(message.channelId);
    return routingFacts(message, policy().policy, all);
  };
  const agentFor = (message: InboundMessage) =>
    policy().chooseAgent({ ...message, ...routingOf(message) }).agentId;

  function see(channelId: ChannelId): void {
    seen.delete(channelId);
    seen.add(channelId);
    if (seen.size <= SEEN_MAX) return;
    for (const oldest of seen) return void seen.delete(oldest);
  }

  /** The conversation of a command, which is for the account that got it. */
  const sessionOf = (call: Conversation) => {
    const mentioned = accounts().length > 1 ? [own.accountId] : undefined;
    const threadAgent = call.place.kind === "guild" && call.place.thread
      ? threads.agentOf(call.place.thread.id)
      : undefined;
    const { agentId } = policy().chooseAgent({ ...call, mentioned, threadAgent });
    return conversationRoute(call, agentId, config(), sessionOwner());
  };
  const settings = createChosenSettings(account, sessionOf);
  const proxied = createProxiedUsers();
  const intent = createIntentFilter(account);
  const judge = createJudge({
    intent,
    policy,
    isOurs,
    isProxied: proxied.has,
    ownsApplication: (userId) => ownsApplicationAsRead(account, userId),
    chosenIn: settings.factsIn,
    continuesIn: threads.continuesIn,
    routingOf,
    keptRuns: {
      runs: store.settings.loopRuns(accountId),
      keep: (channelId, run) => store.settings.keepLoopRun(accountId, channelId, run, now()),
    },
    loopMuted: ({ channelId }) => tellLoopMuted(account, channelId),
    now,
  });
  const route = createRoute({
    config,
    agentFor,
    sessionOwner,
    opensFor: threads.opensFor,
    commandOf,
  });
  return {
    judge,
    intent,
    passive: createPassiveRuns({ policy, routingOf, now }),
    /** The account as others of the process see it. */
    view,
    /** Finds the agent and the session for a message. */
    route,
    sessionOf,
    /** Reads a message as a text command. */
    commandOf,
    /** The settings that people have chosen by commands. */
    settings,
    proxied,
  };
}

/** Judges and routes the messages of an account. */
export type Judging = ReturnType<typeof createJudging>;
