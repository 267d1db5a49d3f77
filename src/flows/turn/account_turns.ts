/**
 * The turns of an account: claims messages, and gives each turn what it works with.
 *
 * Each part of turns stands here once, with what it takes from the account.
 */

import type { BotAccount } from "../../account/account.ts";
import {
  linesOfExtras,
  ownServers,
  speechOfExtras,
  tellExtras,
} from "../../account/extra_parts.ts";
import type { EndedTurn } from "./control/lines_under.ts";
import { perAccount } from "../../account/per_account.ts";
import { agentOf } from "../../config/config.ts";
import type { Claim } from "../../core/inbound/inbox.ts";
import type { InboundMessage } from "../../core/inbound/inbound.ts";
import { createMissingPermission } from "../../discord/rest/permissions/explain_denial.ts";
import { latest, latestOf } from "../../lib/cache.ts";
import { whileAwake } from "../../lib/clock.ts";
import { createTokenRates, type TokenRates } from "../../session/history.ts";
import { StoreError } from "../../store/database/store_error.ts";
import { TOOLS } from "../../tools/registry.ts";
import { catchUpOf } from "../catch_up/catch_up.ts";
import { commandOf } from "../judging/judge.ts";
import { mannerOf, modelOf, queueModeOf } from "../judging/chosen_settings.ts";
import { ownsApplicationAsRead } from "../owners/owner_ids.ts";
import { decided } from "../questions/cards.ts";
import { createTurnPeople } from "../questions/turn_people.ts";
import { runEnded } from "../schedules/runner.ts";
import { backfill, threadStarter } from "../session/backfill.ts";
import { createSummaries } from "../session/compact.ts";
import { answer } from "./answer.ts";
import type { AnswerPorts } from "./answer_ports.ts";
import { createCommandTurns } from "./command_turn.ts";
import { createMissingRight } from "./control/asker_rights.ts";
import { createPromptForms } from "./control/prompt_form.ts";
import { prepareQueueModes, withCommands } from "./control/queue_mode.ts";
import { progressOf } from "./progress/progress.ts";
import { spendOf } from "./spending/budgets.ts";
import { cleanText, maxWaitingOf, prepareTurnRules } from "./turn_rules.ts";
import { createTurns, type RunningTurn, type Turns } from "./turns.ts";

type Of<State> = (account: BotAccount) => State;

export const ratesOf: Of<TokenRates> = perAccount("turns", createTokenRates);
export const summariesOf: Of<ReturnType<typeof createSummaries>> = perAccount(
  "turns",
  createSummaries,
);

const isStoreDown = (error: unknown): boolean => error instanceof StoreError;

/** What an account's config says about turns: made anew after a reload. */
const byConfig = perAccount("turns", (account) => {
  const { config, parts: { sources } } = account;
  const rulesOf = latestOf(
    config,
    (by, agentId: string) => prepareTurnRules(by, agentOf(by, agentId), sources),
  );
  const modes = latest(config, (by) =>
    withCommands(
      prepareQueueModes(by, rulesOf, sources.isOwner, (message) => queueModeOf(account, message)),
      (message) => commandOf(account, message) !== undefined,
    ));
  return { rulesOf, modes };
});

/** The same for each turn. Listed, because a turn would copy the account, and uses half of it. */
const common = perAccount("turns", (account) => {
  const { accountId, config, store, parts, schedule, stopping, now, log } = account;
  const { media, threads, history, sources } = parts;
  return {
    account,
    ...{ stopping, ended: account.ended, media, threads, now, log },
    isStoreDown,
    backfill: (message: InboundMessage, limit: number) => backfill(account, message, limit),
    threadStarter: (message: InboundMessage, sessionKey: string) =>
      threadStarter(account, message, sessionKey),
    rates: ratesOf(account),
    summaries: summariesOf(account),
    spend: spendOf(account),
    sessions: store.sessions,
    store: {
      ...store.turns,
      takeIn: store.inbox.takeIn,
      recentTalk: store.messages.recentTalk,
      footerOf: store.outbox.footerOf,
    },
    steers: (...messages: Parameters<NonNullable<AnswerPorts["steers"]>>) =>
      byConfig(account).modes().steers(...messages),
    namesOf: history.namesOf,
    readingTools: TOOLS.filter(({ isPersonalCall }) => isPersonalCall),
    missingRight: createMissingRight({
      isOwner: sources.isOwner,
      missingPermission: createMissingPermission(account.rest, now),
    }),
    people: createTurnPeople({
      ...{ draw: account.draw, now },
      parked: () => decided(account),
      currency: () => config().models.currency,
      questions: store.questions,
      cleanText: (message, text) => cleanText(message, text, config(), sources),
    }),
    forms: createPromptForms({
      wish: () => config().tools.prompt,
      stored: (modelId) => store.settings.known(accountId, modelId, "prompt"),
      keep(modelId, choice) {
        log.info("The form of the prompt for a model is chosen", { model: modelId, by: choice });
        const kept = store.settings.change(accountId, modelId, "prompt", choice, now());
        kept.catch(() => {}); // the next turn chooses again
      },
      schedule,
    }),
    changesOf: (id: Claim["message"]["id"]) => store.changes.ofTurn(accountId, id),
    linesUnder: (turn: EndedTurn) => linesOfExtras(account, turn),
    schedule: whileAwake(schedule),
    randomId: account.randomId,
  };
});

/** Everything of one turn, fixed from its beginning to its end. */
function portsOf(account: BotAccount, { route, message }: Claim, turn: RunningTurn): AnswerPorts {
  const { agentId, sessionKey } = route;
  const { store, now } = account;
  const progress = progressOf(account);
  const { spoken } = message;
  const isAwaited = isSeen(message);
  const streaming = isAwaited ? account.config().discord.streaming : "off";
  return {
    ...common(account),
    maxWaiting: maxWaitingOf(account.config()),
    model: modelOf(account, route),
    speech: spoken && speechOfExtras(account, {
      message,
      mayShow: turn.mayShow,
      ending: turn.ending.signal,
      mark: () => store.turns.addSteps(turn.claim, [{ kind: "spoken", at: now() }], false),
    }),
    manner: mannerOf(account, sessionKey),
    turn,
    rules: byConfig(account).rulesOf(agentId),
    drafts: streaming === "edit" ? progress.drafts : undefined,
    lines: streaming === "progress"
      ? progress.lines
      : isAwaited
      ? progress.readingLines
      : undefined,
  };
}

/** Whether people see the turn: typing, reactions, drafts. */
function isSeen({ triggered, hooked, spoken }: InboundMessage): boolean {
  return !triggered && !hooked && !spoken;
}

/** Waits for tools that the model sees, and that are not known yet. */
function toolsReady(account: BotAccount, { message, route: { agentId } }: Claim) {
  const { policy, bot: { toolServices } } = account;
  if (message.own) return ownServers(account)?.ready(message);
  const { place, sender, hooked } = message;
  return toolServices.ready(agentId, (name) => {
    const ownsApplication = () => ownsApplicationAsRead(account, sender.id);
    const isOffer = place.kind !== "dm";
    const asker = { agentId, place, sender, hook: hooked?.hook, ownsApplication, isOffer };
    return policy().decideTools(asker, [{ name }]).some(({ isAllowed }) => isAllowed);
  });
}

const withoutModel = perAccount("turns", (account) => {
  const { config, store, now, schedule, stopping, log } = account;
  return createCommandTurns({
    ...{ account, now, schedule, stopping, log, isStoreDown },
    commandOf: (message) => commandOf(account, message),
    store: store.turns,
    maxWaiting: () => maxWaitingOf(config()),
  });
});

/** Runs a turn to its end, whoever has asked. */
async function run(account: BotAccount, claim: Claim, turn: RunningTurn): Promise<void> {
  const { accountId, store } = account;
  const progress = progressOf(account);
  const { message } = claim;
  const stopTyping = isSeen(message) ? progress.typing.begin(message.channelId) : () => {};
  try {
    const isCommand = commandOf(account, message) !== undefined;
    if (isCommand || store.settings.isPaused(accountId)) return await withoutModel(account)(claim);
    const listing = toolsReady(account, claim);
    if (listing) await listing;
    await answer(claim, portsOf(account, claim, turn));
    if (message.scheduled) runEnded(account, message.id);
  } finally {
    stopTyping();
    if (message.hooked) tellExtras(account, "hookEnded");
  }
}

export const turnsOf: Of<Turns> = perAccount("turns", (account) => {
  const { accountId, store, parts, ended, now, schedule, stopping, log } = account;
  const modes = () => byConfig(account).modes();
  return createTurns({
    ...{ schedule, stopping, log, turnLimit: account.bot.turnLimit },
    claimNext(admits) {
      if (ended.aborted) return Promise.resolve(undefined);
      const delayed = catchUpOf(account).delayedChannels();
      return store.inbox.claimNext(accountId, now(), delayed, modes().carries, admits);
    },
    isOwner: parts.sources.isOwner,
    runsBeside: (running, next, agentId) => modes().runsBeside(running, next, agentId),
    interrupts: (message, next, agentId) => modes().interrupts(message, next, agentId),
    isCommand: (message) => commandOf(account, message) !== undefined,
    release: (claim) => store.inbox.release(claim),
    isRunning: store.inbox.isRunning,
    answer: (claim, turn) => run(account, claim, turn),
  });
});
