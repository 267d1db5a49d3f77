/**
 * Judges and routes messages from facts in memory, and with the settings that people have chosen.
 *
 * It comes before the parts that use it: events, commands, tools and schedules.
 */

import type { Account } from "../../core/account/account.ts";
import type { GuildId, UserId } from "../../core/discord/ids.ts";
import { textCommandIn } from "../../core/inbound/commands.ts";
import type { InboundMessage } from "../../core/inbound/inbound.ts";
import type { Store } from "../../core/store/store.ts";
import type { Conversation } from "../../session/session_key.ts";
import { createProxiedUsers } from "../receive/pluralkit.ts";
import type { IntentWeights } from "../../policy/intent/weights.ts";
import { createIntentFilter } from "../intent/intent_filter.ts";
import type { AnswerThreads } from "../turn/answer_threads.ts";
import { createChosenSettings } from "../interactions/chosen_settings.ts";
import type { OwnerIds } from "../owners/owner_ids.ts";
import { createOwnerPresence } from "../owners/owner_presence.ts";
import { createJudge } from "./judge.ts";
import type { CurrentPolicy } from "./policy_keeper.ts";
import { conversationRoute, createRoute, type RouteRules } from "./route.ts";

/** Creates the judging of an account. */
export function createJudging(
  account: Account<RouteRules, CurrentPolicy, Pick<Store, "settings" | "received">>,
  { readMember, owners, threads, isOurs, weights }: {
    /** Reads a member of a guild; `undefined` if the user is none. */
    readonly readMember: (guildId: GuildId, userId: UserId) => Promise<unknown>;
    readonly owners: Pick<OwnerIds, "all" | "sessionOwner" | "ownsApplicationAsRead">;
    readonly threads: Pick<AnswerThreads, "opensFor" | "continuesIn">;
    readonly isOurs: (userId: UserId) => boolean;
    /** Of the intent filter. */
    readonly weights: IntentWeights;
  },
) {
  const { accountId, config, events, policy, store, now } = account;
  const { sessionOwner } = owners;
  const commandOf = (message: InboundMessage) => textCommandIn(message, policy().textCommands);
  const sessionOf = (call: Conversation) => conversationRoute(call, config(), sessionOwner());
  const settings = createChosenSettings(account, sessionOf);
  const presence = createOwnerPresence(account.forPart("access"), {
    owners: owners.all,
    readMember,
  });
  const proxied = createProxiedUsers();
  const intent = createIntentFilter(account, weights);
  const judge = createJudge({
    intent,
    policy,
    isOurs,
    isProxied: proxied.has,
    ownsApplication: owners.ownsApplicationAsRead,
    ownerIn: presence.known,
    chosenIn: settings.factsIn,
    continuesIn: threads.continuesIn,
    keptRuns: {
      runs: store.settings.loopRuns(accountId),
      keep: (channelId, run) => store.settings.keepLoopRun(accountId, channelId, run, now()),
    },
    loopMuted: ({ channelId }) => events.emit.loopMuted(channelId),
    now,
  });
  const route = createRoute({ config, sessionOwner, opensFor: threads.opensFor, commandOf });
  return {
    judge,
    intent,
    /** Finds the agent and the session for a message. */
    route,
    sessionOf,
    /** Reads a message as a text command. */
    commandOf,
    /** The settings that people have chosen by commands. */
    settings,
    presence,
    proxied,
  };
}

/** Judges and routes the messages of an account. */
export type Judging = ReturnType<typeof createJudging>;
