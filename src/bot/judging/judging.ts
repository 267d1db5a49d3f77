/**
 * Judges and routes messages from facts in memory, and with the settings that people have chosen.
 *
 * It comes before the parts that use it: events, commands, tools and schedules.
 *
 * @module
 */

import type { AccountContext } from "../account_context.ts";
import type { UserId } from "../../core/discord/ids.ts";
import { type TextCommand, textCommandIn } from "../../core/inbound/commands.ts";
import type { InboundMessage } from "../../core/inbound/inbound.ts";
import type { Route } from "../../core/inbound/inbox.ts";
import type { CommandCall } from "../../core/inbound/interactions.ts";
import { createReadMember } from "../../discord/rest/calls/members.ts";
import type { RestClient } from "../../discord/rest/client/client.ts";
import { createProxiedUsers } from "../../flows/receive/pluralkit.ts";
import type { AnswerThreads } from "../../flows/turn/answer_threads.ts";
import {
  type AccountSettings,
  createChosenSettings,
} from "../../flows/interactions/chosen_settings.ts";
import type { OwnerIds } from "../../flows/owners/owner_ids.ts";
import { createOwnerPresence, type OwnerPresence } from "../../flows/owners/owner_presence.ts";
import { conversationRoute } from "../../flows/judging/route.ts";
import { createJudge, type Judge } from "../../flows/judging/judge.ts";
import { createRoute } from "../../flows/judging/route.ts";

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
export function createJudging(
  account: AccountContext,
  { client, owners, threads, isOurs }: {
    readonly client: RestClient;
    readonly owners: Pick<OwnerIds, "all" | "sessionOwner">;
    readonly threads: Pick<AnswerThreads, "opensFor" | "continuesIn">;
    readonly isOurs: (userId: UserId) => boolean;
  },
): Judging {
  const { config, policy, now } = account;
  const { sessionOwner } = owners;
  const commandOf = (message: InboundMessage) => textCommandIn(message, policy().textCommands);
  const sessionOf = (call: CommandCall) => conversationRoute(call, config(), sessionOwner());
  const settings = createChosenSettings(account, sessionOf);
  const presence = createOwnerPresence(account.forPart("access"), {
    owners: owners.all,
    readMember: createReadMember(client),
  });
  const proxied = createProxiedUsers();
  const judge = createJudge({
    policy,
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
