/**
 * Reads the size of a conversation, for `/context`.
 *
 * @module
 */

import { UNKNOWN_WINDOW } from "../../core/abilities.ts";
import type { Model } from "../../core/model.ts";
import type { Config } from "../../config/config.ts";
import type { ContextFacts, InteractionContext } from "../../interactions/base/context.ts";
import { charsOf, MAX_ENTRIES } from "../../session/fold.ts";
import { requestTokens } from "../../session/history.ts";
import type { TokenRates } from "../../session/token_rates.ts";
import type { Store } from "../../store/store.ts";
import { routeOf } from "../rules/turn_rules.ts";
import type { OwnerIds } from "../owners/owner_ids.ts";

/** The sources of the facts. */
export interface ContextFactsOptions {
  /** The current config; a reload replaces it (C9). */
  readonly config: () => Config;
  /** Methods of the store. */
  readonly store: {
    readonly sessions: Pick<Store["sessions"], "checkpointOf" | "foldedOf">;
    readonly turns: Pick<Store["turns"], "entriesOf">;
  };
  /** Finds the owners' ids. */
  readonly owners: Pick<OwnerIds, "sessionOwner">;
  /** The model that answers. */
  readonly model: () => Pick<Model, "id" | "window">;
  /** Estimates of tokens by model. */
  readonly rates: Pick<TokenRates, "rateOf">;
}

/** Creates the reader. */
export function createContextFacts(
  { config, store: { sessions, turns }, owners, model, rates }: ContextFactsOptions,
): InteractionContext["contextOf"] {
  return async (call): Promise<ContextFacts> => {
    const { sessionKey } = routeOf(call, config(), owners.sessionOwner());
    const entries = await turns.entriesOf(sessionKey, MAX_ENTRIES);
    const summary = (await sessions.checkpointOf(sessionKey))?.summary;
    const chars = charsOf(entries) + (summary?.text.length ?? 0);
    const { id, window = UNKNOWN_WINDOW } = model();
    return {
      entries: entries.length,
      tokens: Math.round(chars * rates.rateOf(id)),
      windowTokens: requestTokens(window),
      folded: await sessions.foldedOf(sessionKey),
    };
  };
}
