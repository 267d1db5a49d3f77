/**
 * Runs the commands and components of an account: rights, context and registration. `interactions.ts`
 * loads it.
 */

import type { Interaction } from "../../core/inbound/interactions.ts";
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
import { MAY_NOT_WRITE } from "../../render/sentences.ts";
import { stopTurns } from "../../flows/inbound/waiting_turns.ts";
import { commandOf } from "../../flows/judging/judge.ts";
import { tellPerson } from "../../flows/tell.ts";
import type { AnswerParts } from "../../interactions/base/command.ts";
import { COMMANDS, COMPONENTS, MESSAGE_COMMANDS } from "../../interactions/registry.ts";
import type { AccountContext } from "../account_context.ts";
import { createCommandContext, type HandlerParts } from "./context.ts";

export function createHandlers(account: AccountContext, parts: HandlerParts) {
  const { accountId, schedule, now } = account;
  const { client, isPrivileged } = parts;
  const interactions = createInteractions(client, isPrivileged);
  const authorize = createAuthorizeInteraction(
    account,
  );
  const context = createCommandContext(account, parts, authorize);
  const missingPermission = createMissingPermission(client, now);
  const give = createDeferred(
    account,
    async ({ id, sender }, text, isForbidden) => {
      const only = isForbidden && parseSnowflake<"message">(id);
      const why = "Discord refuses answers in its place";
      const isStopped = only &&
        await stopTurns(account, { accountId, only: { messageId: only, why } }) > 0;
      const told = isStopped ? MAY_NOT_WRITE : text;
      await tellPerson(account, sender.id, told);
    },
    (error, { id }) => {
      if (!(error instanceof RestError)) return undefined;
      if (error.kind === "forbidden") return error.kind;
      if (error.kind !== "not_found") return undefined;
      return parts.isRefused(id) ? "forbidden" : "unknown";
    },
  );
  const lateTextOf = (text: string, isFleeting: boolean) => isFleeting ? undefined : text;
  const answerDeferred = (
    interaction: Interaction,
    { text, ...below }: AnswerParts,
    isFleeting: boolean,
  ) =>
    give(
      interaction,
      lateTextOf(text, isFleeting),
      () => interactions.complete(interaction, text, below),
    );
  const refusals = createRefusals(account);
  const runner = { commands: COMMANDS, authorize, refusals, context };
  const answer = createComponents({
    ...runner,
    components: COMPONENTS,
    interactions: {
      update: (use, text, card, menu) =>
        give(use, text, () => interactions.update(use, text, card, menu)),
      reply: (use, text, isFleeting) =>
        give(use, lateTextOf(text, isFleeting), () => interactions.reply(use, text)),
      change: (use, id, text) => give(use, text, () => interactions.change(use, id, text)),
      complete: (use, text, isFleeting) => answerDeferred(use, { text }, isFleeting),
    },
  });
  const run = createSlashCommands(runner, MESSAGE_COMMANDS, answerDeferred);
  const suggest = createSuggestions(runner, interactions.suggest, schedule);
  const runText = createTextCommands(
    runner,
    (message) => commandOf(account, message),
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
  return { answer, run, suggest, runText, ask: context.ask, registration };
}

export type Handlers = ReturnType<typeof createHandlers>;
