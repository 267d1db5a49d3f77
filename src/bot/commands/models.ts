/**
 * The models of conversations: the config's first one, or the one that a person chose (K2).
 *
 * @module
 */

import type { AccountId } from "../../core/discord/ids.ts";
import type { Route } from "../../core/inbound/inbox.ts";
import type { CommandCall } from "../../core/inbound/interactions.ts";
import type { Model } from "../../core/model.ts";
import type { ConversationModels } from "../../interactions/base/context.ts";
import type { ModelChoices } from "../rules/setup.ts";
import type { Store } from "../../core/store/store.ts";

/** The dependencies of the models. */
export interface ModelsOptions {
  /** The account. */
  readonly accountId: AccountId;
  /** Settings that people chose. */
  readonly settings: Pick<Store["settings"], "settingOf" | "change">;
  /** The model of the config. */
  readonly model: () => Model;
  /** The other models of the config; a reload replaces them. */
  readonly choices: () => ModelChoices;
  /** Finds the session of a call. */
  readonly routeOf: (call: CommandCall) => Route;
  /** Unix time in milliseconds. */
  readonly now: () => number;
}

/** The models of an account's conversations. */
export interface AccountModels extends ConversationModels {
  /** The model of a conversation. A choice that the config no longer has does not count. */
  modelOf(sessionKey: string): Promise<Model>;
}

/** Creates the models. */
export function createAccountModels(
  { accountId, settings, model, choices, routeOf, now }: ModelsOptions,
): AccountModels {
  async function chosenIn(sessionKey: string): Promise<Model | undefined> {
    const id = await settings.settingOf(accountId, sessionKey, "model");
    return id === undefined || id === model().id ? undefined : choices().of(id);
  }
  return {
    ids: () => [...new Set([model().id, ...choices().ids])],
    modelOf: async (sessionKey) => await chosenIn(sessionKey) ?? model(),
    async of(call) {
      const { id } = await chosenIn(routeOf(call).sessionKey) ?? model();
      return { id };
    },
    async refusedThinking(call) {
      const { id, refusedThinking = new Set() } = await chosenIn(routeOf(call).sessionKey) ??
        model();
      return { id, levels: refusedThinking };
    },
    choose: (call, id) => settings.change(accountId, routeOf(call).sessionKey, "model", id, now()),
  };
}
