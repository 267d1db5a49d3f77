/** Facts of a conversation and of the account for commands, and the work of `/compact` (S4a, K2). */

import { skillsIn } from "../turn/turn_rules.ts";
import type { BotAccount } from "../../account/account.ts";
import { agentOf } from "../../config/config.ts";
import { type ChosenSetting, CONVERSATION_SETTINGS } from "../../core/config_file.ts";
import type { UserId } from "../../core/discord/ids.ts";
import type { CommandCall, Folded } from "../../core/inbound/inbound.ts";
import { type ContextWindow, type Model, UNKNOWN_WINDOW } from "../../core/model.ts";
import { BudgetSpent, type BudgetUse, usedBy } from "../../core/spending/budget.ts";
import { type StatusFacts, statusOf } from "../../http/monitor/health_monitor.ts";
import { charsOf, MAX_ENTRIES, requestTokens } from "../../session/session.ts";
import { BUILD_NAME } from "../../version.ts";
import { chosenInPlace, modelOf, sessionOf } from "../judging/judge.ts";
import { compact, summaryFailedAt } from "../session/compact.ts";
import { ratesOf } from "../turn/gather.ts";
import { readBudgets, spendOf } from "../limits.ts";
import { mayUse } from "./may_use.ts";

/** Milliseconds that a summary may take: less than the 15 minutes of an interaction's token. */
const SUMMARY_MS = 120_000;

/** Folds all entries into a summary. `failed`: the model gave none. */
export async function compactHere(
  account: BotAccount,
  call: CommandCall,
): Promise<"folded" | "nothing" | "failed"> {
  const { store: { sessions } } = account;
  const route = sessionOf(account, call);
  const model = modelOf(account, route);
  const { entries } = await sessions.openEntries(route.sessionKey, 1);
  if (entries.length === 0) return "nothing";
  const by = {
    userId: call.sender.id as UserId,
    channelId: call.channelId,
    guildId: call.guildId,
    agentId: route.agentId,
  };
  const stop = await spendOf(account).check(by, "compaction");
  if (stop) throw new BudgetSpent(stop);
  const isFolded = await compact(
    account,
    { route, message: call },
    await sessions.checkpointOf(route.sessionKey),
    "command",
    {
      window: model.window ?? UNKNOWN_WINDOW,
      tokensPerChar: ratesOf(account).rateOf(model.id),
      otherChars: 0,
      timeoutMs: SUMMARY_MS,
      isNeeded: false,
      model,
      by,
    },
  );
  return isFolded ? "folded" : "failed";
}

/** The size of a conversation, for `/context`. */
export interface ContextFacts {
  /** Number of entries of the transcript that are not folded. */
  readonly entries: number;
  /** Estimated number of their tokens, with the summary of the folded ones. */
  readonly tokens: number;
  /** Number of tokens that fit into a request to the model. */
  readonly room: number;
  readonly window: ContextWindow;
  readonly folded: Folded;
  /** When the model last gave no summary, as Unix time in milliseconds; absent if it gave the last. */
  readonly summaryFailedAt?: number;
}

/** The size of the conversation that a message of the asker would continue here. */
export async function contextOf(account: BotAccount, call: CommandCall): Promise<ContextFacts> {
  const { store: { sessions, turns } } = account;
  const route = sessionOf(account, call);
  const { sessionKey } = route;
  const entries = await turns.entriesOf(sessionKey, MAX_ENTRIES);
  const summary = (await sessions.checkpointOf(sessionKey))?.summary;
  const chars = charsOf(entries) + (summary?.text.length ?? 0);
  const { id, window = UNKNOWN_WINDOW } = modelOf(account, route);
  return {
    entries: entries.length,
    tokens: Math.round(chars * ratesOf(account).rateOf(id)),
    room: requestTokens(window),
    window,
    folded: await sessions.foldedOf(sessionKey),
    summaryFailedAt: summaryFailedAt(account, sessionKey),
  };
}

/** Reads the account's state at this moment, as far as it concerns the asker. */
export async function statusFacts(account: BotAccount, call: CommandCall): Promise<StatusFacts> {
  const { health, now } = account;
  const { id, window } = modelOf(account, sessionOf(account, call));
  const { warnings, ...facts } = statusOf(health, BUILD_NAME, id, now());
  return {
    ...facts,
    window,
    warnings: await mayUse(account, call, "owner") ? warnings : undefined,
  };
}

/** The limits that a question of the asker counts for. */
export function budgetsOf(account: BotAccount, call: CommandCall): Promise<readonly BudgetUse[]> {
  const { config, store, now } = account;
  const by = usedBy(call, sessionOf(account, call).agentId);
  return readBudgets(config().budgets, by, store, now());
}

/** The agent that answers the asker here; `undefined` if the bot has one alone. */
export function agentHere(account: BotAccount, call: CommandCall): string | undefined {
  const { config } = account;
  if (config().agentList.length === 1) return undefined;
  const { id, name } = agentOf(config(), sessionOf(account, call).agentId);
  return name ?? id;
}

/** The value that counts there; `undefined`: the config's. */
export function chosenValue(
  account: BotAccount,
  call: CommandCall,
  name: ChosenSetting | "model",
): string | undefined {
  return name === "activation" || name === "send"
    ? chosenInPlace(account, call, name)
    : account.store.settings.known(account.accountId, scopeOf(account, call, name), name);
}

/** Chooses a value; `undefined` removes the choice. Rejects if the store fails. */
export function chooseValue(
  account: BotAccount,
  call: CommandCall,
  name: ChosenSetting | "model",
  value: string | undefined,
): Promise<void> {
  const { accountId, store, now } = account;
  return store.settings.change(accountId, scopeOf(account, call, name), name, value, now());
}

function scopeOf(account: BotAccount, call: CommandCall, name: ChosenSetting | "model"): string {
  return name === "model" || CONVERSATION_SETTINGS.some((one) => one === name)
    ? sessionOf(account, call).sessionKey
    : call.channelId;
}

/** The model of the conversation here. */
export function modelHere(account: BotAccount, call: CommandCall): Model {
  return modelOf(account, sessionOf(account, call));
}

/** Begins a new transcript; returns the number of entries that the model does not see any more. */
export function resetHere(account: BotAccount, call: CommandCall): Promise<number> {
  const { store: { sessions }, now } = account;
  return sessions.reset(sessionOf(account, call).sessionKey, "command", now());
}

/** The skills of the agent, as a person in that place may use them. */
export async function skillsHere(
  account: BotAccount,
  call: CommandCall,
): Promise<readonly { readonly name: string; readonly description: string }[]> {
  const { agentId } = sessionOf(account, call);
  await account.bot.toolServices.skillsRead(agentId);
  return skillsIn(account, call, agentId);
}
