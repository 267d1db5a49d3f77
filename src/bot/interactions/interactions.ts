/** Runs the commands and components of an account: rights, context and registration. */

import type { Interaction } from "../../core/inbound/interactions.ts";
import type { ApplicationId } from "../../core/discord/ids.ts";
import { createApplicationCommands } from "../../discord/rest/requests/application_commands.ts";
import { createInteractions } from "../../discord/rest/requests/interactions.ts";
import { isFinalRefusal, RestError } from "../../discord/rest/exchange/rest_error.ts";
import {
  createSlashCommands,
  createSuggestions,
  createTextCommands,
} from "../../flows/interactions/run_commands.ts";
import { createAuthorizeInteraction } from "../../flows/interactions/authorize.ts";
import { createComponents } from "../../flows/interactions/components.ts";
import { createDeferred } from "../../flows/interactions/deferred.ts";
import { createMissingPermission } from "../../discord/rest/permissions/explain_denial.ts";
import { createRefusals } from "../../flows/interactions/refusals.ts";
import { createRegistration, createWantedCommands } from "../../flows/interactions/register.ts";
import { parseSnowflake } from "../../core/discord/ids.ts";
import { notice } from "../../render/notices/notices.ts";
import { COMMANDS, COMPONENTS, MESSAGE_COMMANDS } from "../../interactions/registry.ts";
import { createNewestSet } from "../../lib/cache.ts";
import type { AccountContext } from "../account_context.ts";
import { createCommandContext, type InteractionParts } from "./context.ts";

/** Milliseconds from the first READY: catch-up and the first answers go first. */
const REGISTER_AFTER_MS = 2_000;

/** More than people can give while their answers are on the way. */
const REFUSED_MAX = 1_000;

/** Creates the handlers of an account's interactions. It is long because it is a list of parts. */
export function createInteractionHandlers(
  anyPart: AccountContext,
  given: Omit<InteractionParts, "isRefused">,
) {
  /** Interactions to which Discord has refused the first answer, by the gateway's thread. */
  const refused = createNewestSet<string>(REFUSED_MAX);
  const parts: InteractionParts = { ...given, isRefused: refused.has };
  const account = anyPart.forPart("interactions");
  const { accountId, self, schedule, now, log, policy, events } = account;
  const { client, outbound, judging } = parts;
  const isPrivileged = ({ sender }: Pick<Interaction, "sender">): boolean => {
    const { approvers, reviews } = policy().policy;
    return parts.sources.isOwner({ sender }) ||
      [...approvers, ...reviews?.people ?? []].includes(sender.id);
  };
  const interactions = createInteractions(client, isPrivileged);
  const authorize = createAuthorizeInteraction(
    account,
    parts.owners,
    judging.presence.ask,
  );
  const { context, models, pause } = createCommandContext(account, parts, authorize);
  const missingPermission = createMissingPermission(client, now);
  const give = createDeferred(
    account,
    async ({ id, sender }, text, isForbidden) => {
      const only = isForbidden && parseSnowflake<"message">(id);
      const why = "Discord refuses answers in its place";
      const isStopped = only &&
        await parts.stopTurns({ accountId, only: { messageId: only, why } }) > 0;
      const told = isStopped ? notice("askedNowhere", {}, account.texts()) : text;
      await outbound.tellPerson(sender.id, told);
    },
    (error, { id }) => {
      if (!(error instanceof RestError)) return undefined;
      if (error.kind === "forbidden") return error.kind;
      if (error.kind !== "not_found") return undefined;
      return refused.has(id) ? "forbidden" : "unknown";
    },
  );
  const lateTextOf = (text: string, isFleeting: boolean) => isFleeting ? undefined : text;
  const answerDeferred = (interaction: Interaction, text: string, isFleeting: boolean) =>
    give(
      interaction,
      lateTextOf(text, isFleeting),
      () => interactions.complete(interaction, text),
    );
  const refusals = createRefusals(account);
  const runner = { commands: COMMANDS, authorize, refusals, context };
  const answer = createComponents({
    ...runner,
    components: COMPONENTS,
    interactions: {
      update: (use, text, card) => give(use, text, () => interactions.update(use, text, card)),
      reply: (use, text, isFleeting) =>
        give(use, lateTextOf(text, isFleeting), () => interactions.reply(use, text)),
      change: (use, id, text) => give(use, text, () => interactions.change(use, id, text)),
      complete: answerDeferred,
    },
  });
  const run = createSlashCommands(runner, MESSAGE_COMMANDS, answerDeferred);
  const suggest = createSuggestions(runner, interactions.suggest, schedule);
  const runText = createTextCommands(
    runner,
    judging.commandOf,
    async ({ channelId, guildId, sender: { id: userId } }) =>
      guildId !== undefined &&
      await missingPermission({ channelId, guildId, userId }, ["Manage Messages"]) === undefined,
  );
  const { list, replace } = createApplicationCommands(client);
  const registration = createRegistration(account, {
    ...createWantedCommands(account, context),
    list,
    replace,
    isFinal: isFinalRefusal,
  });
  /** Set once the registration is scheduled or done. */
  let applicationId: ApplicationId | undefined;
  let cancel: (() => void) | undefined;
  const { keep, answered } = trackAnswers();
  const handler = <One extends Interaction>(run: (one: One) => Promise<void>) => (one: One) => {
    if (isPrivileged(one)) events.emit.privileged(one.sender.id);
    keep(run(one));
  };
  const component = handler(answer);

  return {
    commands: {
      commandOf: judging.commandOf,
      run: runText,
      modelOf: models.modelOf,
      settings: judging.settings,
      pauseChanged: () =>
        pause.changed().catch((error: unknown) => {
          log.error("Cannot read whether the bot is paused", { error });
        }),
    },
    on: {
      button: component,
      select: component,
      modal: component,
      slash: handler(run),
      typing: handler(suggest),
    },
    ask: context.ask,
    /** Registers the commands once, as soon as the bot's application is known. */
    ready(): void {
      const id = self()?.applicationId;
      if (id === undefined || applicationId) return;
      applicationId = id;
      cancel = schedule(() => registration.register(id), REGISTER_AFTER_MS);
    },
    reconfigured(): void {
      if (applicationId) registration.register(applicationId);
    },
    findings: registration.findings,
    /** Discord forbids an answer to this interaction in its place. */
    refused: refused.add,
    /** Resolves once the interactions received so far are answered. */
    answered,
    /** Ends it, and resolves once nothing runs. */
    async stop(): Promise<void> {
      cancel?.();
      await registration.stop();
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
