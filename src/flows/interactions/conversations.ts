/**
 * Begins conversations anew and folds them, chooses their models, and tells their size (S4a, K2).
 *
 * The model of a conversation is that of its agent, or the one that a person chose.
 */

import { type Model, type ModelChoices, UNKNOWN_WINDOW } from "../../core/model.ts";
import type { Account } from "../../core/account/account.ts";
import type { UserId } from "../../core/discord/ids.ts";
import type { Route } from "../../core/inbound/inbox.ts";
import type { CommandCall } from "../../core/inbound/interactions.ts";
import { BudgetSpent } from "../../core/spending/budget.ts";
import { meteredModel, type SpendPort } from "../../core/spending/metered_model.ts";
import type { Store } from "../../store/store.ts";
import type {
  ContextFacts,
  ConversationModels,
  Conversations,
  InteractionContext,
} from "../../interactions/base/context.ts";
import { charsOf, MAX_ENTRIES, requestTokens, type TokenRates } from "../../session/history.ts";
import { compact, type Summaries } from "../session/compact.ts";

type ConversationAccount = Pick<
  Account<Pick<Store, "sessions" | "settings" | "turns">>,
  "accountId" | "store" | "randomId" | "schedule" | "stopping" | "now" | "log"
>;

/** Everything that conversations need beside their account. */
export interface ConversationParts {
  readonly routeOf: (call: CommandCall) => Route;
  /** The models of the agents; a reload replaces them. */
  readonly answering: () => {
    readonly ids: readonly string[];
    of(agentId: string): Model;
  };
  /** The other models of the config, if there are any; a reload replaces them. */
  readonly choices: () => ModelChoices | undefined;
  /** Counts costs, and refuses a request beyond a budget. */
  readonly spend: SpendPort;
  readonly rates: Pick<TokenRates, "rateOf">;
  readonly summaries: Summaries;
  /** Removes the config's secrets from a summary (SEC-R9). */
  readonly cleanSecrets: (text: string) => string;
}

/** Milliseconds that a summary may take: less than the 15 minutes of an interaction's token. */
const SUMMARY_MS = 120_000;

/** Creates the commands that begin conversations anew, and fold them. */
export function createConversations(
  account: ConversationAccount,
  parts: ConversationParts,
  modelOf: AccountModels["modelOf"],
): Conversations {
  const { store: { sessions }, now } = account;
  const { routeOf, spend, rates, summaries } = parts;
  return {
    reset: (call) => sessions.reset(routeOf(call).sessionKey, "command", now()),
    async compact(call) {
      const route = routeOf(call);
      const model = modelOf(route);
      const { entries } = await sessions.openEntries(route.sessionKey, 1);
      if (entries.length === 0) return "nothing";
      const by = {
        userId: call.sender.id as UserId,
        channelId: call.channelId,
        guildId: call.guildId,
        agentId: route.agentId,
      };
      const stop = await spend.check(by, "compaction");
      if (stop) throw new BudgetSpent(stop);
      const isFolded = await compact(
        { route, message: call },
        await sessions.checkpointOf(route.sessionKey),
        "command",
        {
          window: model.window ?? UNKNOWN_WINDOW,
          tokensPerChar: rates.rateOf(model.id),
          otherChars: 0,
          timeoutMs: SUMMARY_MS,
          isNeeded: false,
        },
        {
          ...account,
          cleanSecrets: parts.cleanSecrets,
          store: sessions,
          model: meteredModel(model, { kind: "compaction", by, spend, now }),
          summaries,
        },
      );
      return isFolded ? "folded" : "failed";
    },
  };
}

export interface AccountModels extends ConversationModels {
  /** The model of a conversation. A choice that the config no longer has does not count. */
  modelOf(route: Route): Model;
}

export function createAccountModels(
  { accountId, store: { settings }, now }: Pick<ConversationAccount, "accountId" | "store" | "now">,
  { answering, choices, routeOf }: Pick<ConversationParts, "answering" | "choices" | "routeOf">,
): AccountModels {
  function modelOf({ agentId, sessionKey }: Route): Model {
    const first = answering().of(agentId);
    const id = settings.known(accountId, sessionKey, "model");
    return id === undefined || id === first.id ? first : choices()?.of(id) ?? first;
  }
  return {
    ids: () => [...new Set([...answering().ids, ...choices()?.ids ?? []])],
    modelOf,
    of(call) {
      const { id } = modelOf(routeOf(call));
      return Promise.resolve({ id });
    },
    refusedThinking(call) {
      const { id, refusedThinking = new Set() } = modelOf(routeOf(call));
      return Promise.resolve({ id, levels: refusedThinking });
    },
    choose: (call, id) => settings.change(accountId, routeOf(call).sessionKey, "model", id, now()),
  };
}

/** Creates the reader of sizes for `/context`. */
export function createContextFacts(
  { store: { sessions, turns } }: Pick<ConversationAccount, "store">,
  { routeOf, rates, summaries }: Pick<ConversationParts, "routeOf" | "rates" | "summaries">,
  modelOf: AccountModels["modelOf"],
): InteractionContext["contextOf"] {
  return async (call): Promise<ContextFacts> => {
    const route = routeOf(call);
    const { sessionKey } = route;
    const entries = await turns.entriesOf(sessionKey, MAX_ENTRIES);
    const summary = (await sessions.checkpointOf(sessionKey))?.summary;
    const chars = charsOf(entries) + (summary?.text.length ?? 0);
    const { id, window = UNKNOWN_WINDOW } = modelOf(route);
    return {
      entries: entries.length,
      tokens: Math.round(chars * rates.rateOf(id)),
      room: requestTokens(window),
      window,
      folded: await sessions.foldedOf(sessionKey),
      summaryFailedAt: summaries.failures.get(sessionKey)?.at,
    };
  };
}
