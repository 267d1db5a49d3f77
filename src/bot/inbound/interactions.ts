/**
 * Runs the commands and components of an account: rights, context and registration.
 *
 * @module
 */

import type { Model } from "../../core/model.ts";
import type { Config } from "../../config/config.ts";
import type { StopScope } from "../../core/inbound/changes.ts";
import type { ComponentUse } from "../../core/inbound/interactions.ts";
import type { ApplicationId } from "../../core/discord/ids.ts";
import type { EventHandlers } from "../../core/inbound/events.ts";
import type { Reader } from "../../discord/gateway/read/reader.ts";
import { createApplicationCommands } from "../../discord/rest/calls/application_commands.ts";
import type { RestClient } from "../../discord/rest/client/client.ts";
import { createInteractions } from "../../discord/rest/calls/interactions.ts";
import { RestError, type RestErrorKind } from "../../discord/rest/exchange/rest_error.ts";
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
import { createContextFacts } from "./context_facts.ts";
import type { TokenRates } from "../../session/token_rates.ts";
import { createAuthorizeInteraction } from "./authorize_interaction.ts";
import type { OwnerIds } from "./owner_ids.ts";
import type { OwnerPresence } from "./owner_presence.ts";

/** The settings and dependencies of an account's interactions. */
export interface InteractionOptions {
  /** The current config; a reload replaces it (C9). */
  readonly config: () => Config;
  readonly store: Pick<Store, "notes" | "pairing" | "questions" | "sessions" | "turns" | "usage">;
  readonly client: RestClient;
  readonly reader: Reader;
  readonly policy: PolicyKeeper;
  readonly owners: Pick<OwnerIds, "ownsApplication" | "sessionOwner">;
  /** The model that answers. */
  readonly model: () => Pick<Model, "id" | "window">;
  /** Estimates of tokens by model. */
  readonly rates: Pick<TokenRates, "rateOf">;
  /** Asks whether an owner is in a guild. Never rejects. */
  readonly ownerIn: OwnerPresence["ask"];
  readonly outbound: Pick<Outbound, "channelQueues" | "cleanSecrets">;
  /** Stops turns; returns how many messages have lost theirs. */
  readonly stopTurns: (scope: StopScope) => Promise<number>;
  /** A question to people was decided. */
  readonly onDecided: () => void;
  readonly logging: Logging;
  /** The account's current status, for `/status`. */
  readonly status: () => StatusFacts;
  /** Unix time in milliseconds. */
  readonly now: () => number;
}

/** The handlers of an account's interactions. */
export interface InteractionHandlers {
  readonly on: Pick<EventHandlers, "button" | "select" | "modal" | "slash">;
  /** Registers the commands once, as soon as the bot's application is known. */
  ready(): void;
  /** The config has changed. */
  reconfigured(): void;
  /** Resolves once the interactions received so far are answered. */
  answered(): Promise<void>;
  stop(): Promise<void>;
}

/** Milliseconds from the first READY: catch-up and the first answers go first. */
const REGISTER_AFTER_MS = 2_000;

/** Errors of a registration that a retry does not change. */
const FINAL: ReadonlySet<RestErrorKind> = new Set(["forbidden", "not_found", "rejected"]);

/** Creates the handlers of an account's interactions. */
export function createInteractionHandlers(options: InteractionOptions): InteractionHandlers {
  const { config, store, client, reader, outbound, logging, status, now } = options;
  const log = logging.forPart("interactions");
  const interactions = createInteractions(client);
  const authorize = createAuthorizeInteraction({ ...options, pairing: store.pairing });
  const context: InteractionContext = {
    pairing: store.pairing,
    questions: {
      async decide(deciding) {
        const outcome = await store.questions.decide(deciding);
        if (outcome.kind === "decided" || outcome.kind === "closed") options.onDecided();
        return outcome;
      },
    },
    contextOf: createContextFacts(options),
    notes: store.notes,
    cleanSecrets: outbound.cleanSecrets,
    onOutbox: ({ channelId }) => outbound.channelQueues.wake([channelId]),
    turns: {
      stop: options.stopTurns,
      mayStopAll: async (event) => (await authorize(event, "session")).kind === "accept",
    },
    status,
    usage: store.usage,
    texts: () => config().texts,
    now,
    log,
  };
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
    isFinal: (error) => error instanceof RestError && FINAL.has(error.kind),
    schedule,
    random: Math.random,
    log,
  });
  /** Set once the registration is scheduled or done. */
  let applicationId: ApplicationId | undefined;
  let cancel: (() => void) | undefined;
  const running = new Set<Promise<void>>();

  /**
   * Tracks an answer until it is finished.
   *
   * @param answering Never rejects.
   */
  function keep(answering: Promise<void>): void {
    running.add(answering);
    void answering.finally(() => running.delete(answering));
  }

  const component = (use: ComponentUse) => keep(answer(use));

  return {
    on: {
      button: component,
      select: component,
      modal: component,
      slash: (call) => keep(run(call)),
    },
    ready() {
      const { self } = reader;
      if (!self || applicationId) return;
      const { applicationId: id } = self;
      applicationId = id;
      cancel = schedule(() => registration.register(id), REGISTER_AFTER_MS);
    },
    reconfigured() {
      if (applicationId) registration.register(applicationId);
    },
    async answered() {
      await Promise.all(running);
    },
    async stop() {
      cancel?.();
      await registration.stop();
    },
  };
}
