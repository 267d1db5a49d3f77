/**
 * Reads the size of a conversation, for `/context`.
 *
 * @module
 */

import type { Config } from "../../config/config.ts";
import type { ContextFacts, InteractionContext, StatusFacts } from "../../interactions/context.ts";
import { charsOf, MAX_ENTRIES } from "../../session/fold.ts";
import { requestTokens, UNKNOWN_WINDOW } from "../../session/history.ts";
import type { TokenRates } from "../../session/token_rates.ts";
import type { Store } from "../../store/store.ts";
import { routeOf } from "../rules/turn_rules.ts";
import type { OwnerIds } from "./owner_ids.ts";

/** The sources of the facts. */
export interface ContextFactsOptions {
  readonly config: () => Config;
  readonly store: {
    readonly sessions: Pick<Store["sessions"], "checkpointOf" | "foldedOf">;
    readonly turns: Pick<Store["turns"], "entriesOf">;
  };
  readonly owners: Pick<OwnerIds, "sessionOwner">;
  /** Names the model. */
  readonly status: () => Pick<StatusFacts, "modelId">;
  /** Estimates of tokens by model. */
  readonly rates: Pick<TokenRates, "rateOf">;
}

/** Creates the reader. */
export function createContextFacts(
  { config, store: { sessions, turns }, owners, status, rates }: ContextFactsOptions,
): InteractionContext["contextOf"] {
  return async (call): Promise<ContextFacts> => {
    const { sessionKey } = routeOf(call, config(), owners.sessionOwner());
    const entries = await turns.entriesOf(sessionKey, MAX_ENTRIES);
    const summary = (await sessions.checkpointOf(sessionKey))?.summary;
    const chars = charsOf(entries) + (summary?.text.length ?? 0);
    return {
      entries: entries.length,
      tokens: Math.round(chars * rates.rateOf(status().modelId)),
      windowTokens: requestTokens(UNKNOWN_WINDOW),
      folded: await sessions.foldedOf(sessionKey),
    };
  };
}
