/**
 * Begins conversations anew, and folds them, for commands (S4a).
 *
 * @module
 */

import { UNKNOWN_WINDOW } from "../../core/abilities.ts";
import type { UserId } from "../../core/discord/ids.ts";
import type { Route } from "../../core/inbound/inbox.ts";
import type { CommandCall } from "../../core/inbound/interactions.ts";
import type { Model } from "../../core/model.ts";
import { meteredModel, type SpendPort } from "../../core/spending/metered_model.ts";
import { BudgetSpent } from "../../core/spending/budget.ts";
import { compact, type CompactPorts } from "../../flows/session/compact.ts";
import type { Conversations } from "../../interactions/base/context.ts";
import type { TokenRates } from "../../session/history.ts";
import type { Store } from "../../core/store/store.ts";

/** The dependencies of commands that change conversations. */
export interface ConversationsOptions extends
  Pick<
    CompactPorts,
    "randomId" | "cleanSecrets" | "schedule" | "stopping" | "log" | "now"
  > {
  /** Sessions of the store. */
  readonly sessions: Pick<Store["sessions"], "reset" | "checkpointOf" | "openEntries" | "fold">;
  /** Finds the agent and the session of a call. */
  readonly routeOf: (call: CommandCall) => Route;
  /** The model of a conversation. */
  readonly modelOf: (sessionKey: string) => Promise<Model>;
  /** Counts costs, and refuses a request beyond a budget. */
  readonly spend: SpendPort;
  /** Estimates of tokens by model. */
  readonly rates: Pick<TokenRates, "rateOf">;
}

/** Milliseconds that a summary may take: less than the 15 minutes of an interaction's token. */
const SUMMARY_MS = 120_000;

/** Creates the port of commands. */
export function createConversations(options: ConversationsOptions): Conversations {
  const { sessions, routeOf, modelOf, spend, rates, now } = options;
  return {
    reset: (call) => sessions.reset(routeOf(call).sessionKey, "command", now()),
    async compact(call) {
      const route = routeOf(call);
      const model = await modelOf(route.sessionKey);
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
        },
        {
          ...options,
          store: sessions,
          model: meteredModel(model, { kind: "compaction", by, spend, now }),
          retryAt: new Map(), // a person asks: a failure of before does not count
        },
      );
      return isFolded ? "folded" : "failed";
    },
  };
}
