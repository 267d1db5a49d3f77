/**
 * Reads the size of a conversation, for `/context`.
 *
 * @module
 */

import { UNKNOWN_WINDOW } from "../../core/abilities.ts";
import type { Model } from "../../core/model.ts";
import type { ContextFacts, InteractionContext } from "../../interactions/base/context.ts";
import { charsOf, MAX_ENTRIES, requestTokens, type TokenRates } from "../../session/history.ts";
import type { CommandOptions } from "./options.ts";
import type { Store } from "../../core/store/store.ts";

/** The sources of the facts. */
export interface ContextFactsOptions {
  /** Methods of the store. */
  readonly store: {
    readonly sessions: Pick<Store["sessions"], "checkpointOf" | "foldedOf">;
    readonly turns: Pick<Store["turns"], "entriesOf">;
  };
  /** Finds the session of a call. */
  readonly sessionOf: CommandOptions["sessionOf"];
  /** The model that answers. */
  readonly model: () => Pick<Model, "id" | "window">;
  /** Estimates of tokens by model. */
  readonly rates: Pick<TokenRates, "rateOf">;
}

/** Creates the reader. */
export function createContextFacts(
  { store: { sessions, turns }, sessionOf, model, rates }: ContextFactsOptions,
): InteractionContext["contextOf"] {
  return async (call): Promise<ContextFacts> => {
    const { sessionKey } = sessionOf(call);
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
