/**
 * Commands and components of an account: their rights, their context, their registration.
 *
 * @module
 */

import type { Config } from "../../config/config.ts";
import type { ComponentUse, SlashCommand } from "../../core/inbound/interactions.ts";
import type { CommandNeeds } from "../../core/inbound/commands.ts";
import type { ApplicationId } from "../../core/discord/ids.ts";
import type { EventHandlers } from "../../core/inbound/events.ts";
import type { KnownFacts } from "../../core/inbound/known_facts.ts";
import type { Verdict } from "../../core/inbound/verdict.ts";
import type { Reader } from "../../discord/gateway/read/reader.ts";
import { createApplicationCommands } from "../../discord/rest/calls/application_commands.ts";
import type { RestClient } from "../../discord/rest/client/client.ts";
import { createInteractions } from "../../discord/rest/calls/interactions.ts";
import { RestError } from "../../discord/rest/exchange/rest_error.ts";
import { createCommands } from "../../flows/interactions/commands.ts";
import { createComponents } from "../../flows/interactions/components.ts";
import { createRegistration } from "../../flows/interactions/register.ts";
import type { InteractionContext, StatusFacts } from "../../interactions/context.ts";
import { COMMANDS, COMPONENTS } from "../../interactions/registry.ts";
import { schedule } from "../../lib/schedule.ts";
import type { Logging } from "../../log.ts";
import type { Store } from "../../store/store.ts";
import type { Outbound } from "../outbound/outbound.ts";
import type { PolicyKeeper } from "../rules/policy.ts";
import type { OwnerIds } from "./owner_ids.ts";

export interface InteractionOptions {
  /** As of now: it may be read again (C9). */
  readonly config: () => Config;
  readonly store: Pick<Store, "pairing">;
  readonly client: RestClient;
  readonly reader: Reader;
  readonly policy: PolicyKeeper;
  readonly owners: Pick<OwnerIds, "ownsApplication">;
  readonly outbound: Pick<Outbound, "channelQueues">;
  readonly logging: Logging;
  /** How the account is now, for `/status`. */
  readonly status: () => StatusFacts;
  /** Unix time in milliseconds. */
  readonly now: () => number;
}

export interface InteractionHandlers {
  readonly on: Pick<EventHandlers, "button" | "select" | "modal" | "slash">;
  /** Registers the commands once, as soon as the bot's application is known. */
  ready(): void;
  /** The config was read again. */
  reconfigured(): void;
  stop(): Promise<void>;
}

export function createInteractionHandlers(options: InteractionOptions): InteractionHandlers {
  const { config, store, client, reader, outbound, logging, status, now } = options;
  const interactions = createInteractions(client);
  const context: InteractionContext = {
    pairing: store.pairing,
    onOutbox: ({ channelId }) => outbound.channelQueues.wake([channelId]),
    status,
    texts: () => config().texts,
    now,
    log: logging.forPart("pairing"),
  };
  const authorize = createAuthorize(options);
  const log = logging.forPart("interactions");
  const answer = createComponents({
    components: COMPONENTS,
    authorize,
    interactions,
    context,
    schedule,
    log,
  });
  const run = createCommands({
    commands: COMMANDS,
    authorize,
    complete: interactions.complete,
    isUnknown: (error) => error instanceof RestError && error.kind === "not_found",
    context,
    schedule,
    log,
  });
  const { list, replace } = createApplicationCommands(client);
  const registration = createRegistration({
    wanted: () => config().discord.nativeCommands ? COMMANDS : [],
    list,
    replace,
    schedule,
    random: Math.random,
    log,
  });
  /** Set once the commands are registered, or are to be. */
  let applicationId: ApplicationId | undefined;
  const component = (use: ComponentUse) => void answer(use); // it never rejects

  return {
    on: {
      button: component,
      select: component,
      modal: component,
      slash: (call) => void run(call), // it never rejects
    },
    ready() {
      const { self } = reader;
      if (!self || applicationId) return;
      applicationId = self.applicationId;
      registration.register(applicationId);
    },
    reconfigured() {
      if (applicationId) registration.register(applicationId);
    },
    stop: () => registration.stop(),
  };
}

/** One check for every kind of interaction. */
function createAuthorize(
  { policy, owners }: Pick<InteractionOptions, "policy" | "owners">,
): (event: ComponentUse | SlashCommand, needs: CommandNeeds) => Promise<Verdict> {
  /** If the config names owners, Discord is not asked, and need not be reachable. */
  async function factsOf(needs: CommandNeeds, { sender }: ComponentUse | SlashCommand) {
    const asksDiscord = needs !== "everybody" && !policy.now().policy.commands.owners;
    const facts: KnownFacts = asksDiscord
      ? { ownsApplication: await owners.ownsApplication(sender.id) }
      : {};
    return facts;
  }

  return async (event, needs) => {
    const { kind, place, channelId, sender } = event;
    const facts = await factsOf(needs, event);
    return policy.now().authorize({ kind, place, channelId, sender, needs }, facts);
  };
}
