/**
 * Handles the interactions of an account. Their code is loaded with the first one, or when the
 * commands are registered.
 */

import type {
  ComponentUse,
  Interaction,
  OptionTyping,
  SlashCommand,
} from "../../core/inbound/interactions.ts";
import type { InboundMessage } from "../../core/inbound/inbound.ts";
import type { ApplicationId } from "../../core/discord/ids.ts";
import { createAccountModels } from "../../flows/interactions/conversations.ts";
import { stopTurns } from "../../flows/inbound/waiting_turns.ts";
import { chosenSettings, commandOf, sessionOf } from "../../flows/judging/judge.ts";
import { isOwner } from "../../flows/owners/owner_ids.ts";
import { createPause } from "../../interactions/parts/switches.ts";
import { createNewestSet } from "../../lib/cache.ts";
import { createLoader } from "../../lib/loader.ts";
import type { AccountContext } from "../account_context.ts";
import type { InteractionParts } from "./context.ts";
import type { Handlers } from "./handlers.ts";

/** Milliseconds from the first READY: catch-up and the first answers go first. */
const REGISTER_AFTER_MS = 2_000;

/** More than people can give while their answers are on the way. */
const REFUSED_MAX = 1_000;

/** Creates the handlers, and the settings of conversations that turns use. */
export function createInteractionHandlers(anyPart: AccountContext, parts: InteractionParts) {
  /** Interactions to which Discord has refused the first answer, by the gateway's thread. */
  const refused = createNewestSet<string>(REFUSED_MAX);
  const account = anyPart.forPart("interactions");
  const { accountId, self, schedule, log, policy, connection } = account;
  const { settings } = parts;
  const isPrivileged = ({ sender }: Pick<Interaction, "sender">): boolean => {
    return isOwner(account, { sender }) || policy().policy.approvers.includes(sender.id);
  };
  const models = createAccountModels(account, {
    answering: () => settings.models,
    choices: () => settings.choices,
    routeOf: (call) => sessionOf(account, call),
  });
  const pause = createPause(
    account,
    (except) => stopTurns(account, { accountId, except, isPause: true }),
  );
  let loaded: Handlers | undefined;
  const handlers = createLoader(async () => {
    const { createHandlers } = await import("./handlers.ts");
    const own = { isRefused: refused.has, isPrivileged, models, pause: pause.port };
    return loaded = createHandlers(account, { ...parts, ...own });
  });
  /** Set once the registration is scheduled or done. */
  let applicationId: ApplicationId | undefined;
  let cancel: (() => void) | undefined;
  const { keep, answered } = trackAnswers();
  const handler =
    <One extends Interaction>(run: (one: One, by: Handlers) => Promise<void>) => (one: One) => {
      if (isPrivileged(one)) connection.admit(one.sender.id);
      keep(handlers.get().then((by) => run(one, by)));
    };
  const component = handler((one: ComponentUse, { answer }) => answer(one));
  const register = (id: ApplicationId) =>
    void handlers.get().then(({ registration }) => registration.register(id));

  return {
    commands: {
      commandOf: (message: InboundMessage) => commandOf(account, message),
      run: async (message: InboundMessage) => await (await handlers.get()).runText(message),
      modelOf: models.modelOf,
      settings: chosenSettings(account),
      pauseChanged: () =>
        pause.changed().catch((error: unknown) => {
          log.error("Cannot read whether the bot is paused", { error });
        }),
    },
    on: {
      button: component,
      select: component,
      modal: component,
      slash: handler((one: SlashCommand, { run }) => run(one)),
      typing: handler((one: OptionTyping, { suggest }) => suggest(one)),
    },
    ask: async (...of: Parameters<Handlers["ask"]>) => await (await handlers.get()).ask(...of),
    /** Registers the commands once, as soon as the bot's application is known. */
    ready(): void {
      const id = self()?.applicationId;
      if (id === undefined || applicationId) return;
      applicationId = id;
      cancel = schedule(() => register(id), REGISTER_AFTER_MS);
    },
    reconfigured(): void {
      if (applicationId) register(applicationId);
    },
    findings: () => loaded?.registration.findings() ?? [],
    /** Discord forbids an answer to this interaction in its place. */
    refused: refused.add,
    /** Resolves once the interactions received so far are answered. */
    answered,
    /** Ends it, and resolves once nothing runs. */
    async stop(): Promise<void> {
      cancel?.();
      await (await handlers.loading())?.registration.stop();
    },
  };
}

/** Tracks answers until they are finished. None of them rejects. */
function trackAnswers() {
  const running = new Set<Promise<void>>();
  return {
    keep(answering: Promise<void>): void {
      running.add(answering);
      void answering.finally(() => running.delete(answering));
    },
    async answered(): Promise<void> {
      await Promise.all(running);
    },
  };
}
