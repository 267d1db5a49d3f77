/**
 * Judges and routes messages from facts in memory, and with the settings that people have chosen.
 *
 * It comes before the parts that use it: events, commands, tools and schedules.
 *
 * @module
 */

import type { Config } from "../../config/config.ts";
import { type TextCommand, textCommandIn } from "../../core/inbound/commands.ts";
import type { InboundMessage } from "../../core/inbound/inbound.ts";
import type { Route } from "../../core/inbound/inbox.ts";
import type { CommandCall } from "../../core/inbound/interactions.ts";
import { createReadMember } from "../../discord/rest/calls/members.ts";
import type { RestClient } from "../../discord/rest/client/client.ts";
import { createProxiedUsers } from "../../flows/receive/pluralkit.ts";
import type { AnswerThreads } from "../../flows/turn/answer_threads.ts";
import { schedule } from "../../lib/clock.ts";
import type { Logging } from "../../log.ts";
import {
  type AccountSettings,
  createChosenSettings,
} from "../../flows/interactions/chosen_settings.ts";
import type { OwnerIds } from "../../flows/owners/owner_ids.ts";
import { createOwnerPresence, type OwnerPresence } from "../../flows/owners/owner_presence.ts";
import type { PolicyKeeper } from "../../flows/judging/policy_keeper.ts";
import { conversationRoute } from "../../flows/judging/route.ts";
import { createJudge, type Judge, type JudgePorts } from "../../flows/judging/judge.ts";
import { createRoute } from "../../flows/judging/route.ts";
import type { Store } from "../../core/store/store.ts";

/** The dependencies of an account's judging. */
export interface JudgingOptions extends Pick<JudgePorts, "isOurs" | "now"> {
  /** The current config; a reload replaces it (C9). */
  readonly config: () => Config;
  /** Methods of the store. */
  readonly store: Pick<Store, "settings">;
  /** Sends requests to Discord. */
  readonly client: RestClient;
  /** Keeps the current policy. */
  readonly policy: Pick<PolicyKeeper, "now">;
  /** Finds the owners' ids. */
  readonly owners: Pick<OwnerIds, "all" | "sessionOwner">;
  /** The threads of the account's answers. */
  readonly threads: Pick<AnswerThreads, "opensFor" | "continuesIn">;
  /** The process's log, by part. */
  readonly logging: Logging;
}

/** Judges and routes the messages of an account. */
export interface Judging {
  /** Judges messages. */
  readonly judge: Judge;
  /** Finds the agent and the session for a message. */
  readonly route: (message: InboundMessage) => Route;
  /** Finds the session of a command's call. */
  readonly sessionOf: (call: CommandCall) => Route;
  /** Reads a message as a text command. */
  readonly commandOf: (message: InboundMessage) => TextCommand | undefined;
  /** The settings that people have chosen by commands. */
  readonly settings: AccountSettings;
  /** Tells in which guilds an owner is. */
  readonly presence: OwnerPresence;
  /** The users that PluralKit has proxied. */
  readonly proxied: ReturnType<typeof createProxiedUsers>;
}

/** Creates the judging of an account. */
export function createJudging(options: JudgingOptions): Judging {
  const { config, store, policy, threads, logging, isOurs, now } = options;
  const { sessionOwner, all: owners } = options.owners;
  const commandOf = (message: InboundMessage) => textCommandIn(message, policy.now().textCommands);
  const sessionOf = (call: CommandCall) => conversationRoute(call, config(), sessionOwner());
  const settings = createChosenSettings(
    { accountId: config().discord.accountId, store, now },
    sessionOf,
  );
  const presence = createOwnerPresence({ schedule, now, log: logging.forPart("access") }, {
    owners,
    readMember: createReadMember(options.client),
  });
  const proxied = createProxiedUsers();
  const judge = createJudge({
    policy: policy.now,
    isOurs,
    isProxied: proxied.has,
    ownerIn: presence.known,
    chosenIn: settings.factsIn,
    continuesIn: threads.continuesIn,
    now,
  });
  const route = createRoute({ config, sessionOwner, opensFor: threads.opensFor, commandOf });
  return { judge, route, sessionOf, commandOf, settings, presence, proxied };
}
