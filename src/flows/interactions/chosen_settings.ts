/**
 * The settings that people have chosen by commands: for commands that change them, and for turns.
 */

import type { Account } from "../../core/account/account.ts";
import {
  ACTIVATIONS,
  type ChosenSetting,
  CONVERSATION_SETTINGS,
  type Manner,
  oneOf,
  type PlaceSetting,
  QUEUE_MODES,
  type QueueMode,
  THINK_LEVELS,
} from "../../core/people/chosen.ts";
import type { KnownFacts } from "../../core/inbound/facts.ts";
import type { Route } from "../../core/inbound/inbox.ts";
import type { CommandCall } from "../../core/inbound/interactions.ts";
import type { InboundMessage } from "../../core/inbound/inbound.ts";
import type { ChosenSettings } from "../../interactions/base/context.ts";
import type { Store } from "../../store/store.ts";

/** The settings of an account. */
export interface CommandSettings extends ChosenSettings {
  /** The queue mode of a place; `undefined`: the config's. */
  queueMode(message: Pick<InboundMessage, "channelId">): QueueMode | undefined;
  /**
   * What owners have chosen for a place: a thread has what its channel has, or its own.
   *
   * @returns `undefined` if it is nothing.
   */
  factsIn(
    message: Pick<InboundMessage, "channelId" | "place">,
  ): Pick<KnownFacts, "activation" | "isSilenced"> | undefined;
  /** How a conversation is answered. */
  mannerOf(sessionKey: string): Manner;
}

const PLAIN_MANNER: Manner = { showsThinking: false, showsSteps: false };

/**
 * Creates the settings.
 *
 * @param routeOf Finds the session of a call.
 */
export function createChosenSettings(
  { accountId, store: { settings }, now }: Pick<
    Account<unknown, unknown, Pick<Store, "settings">>,
    "accountId" | "store" | "now"
  >,
  routeOf: (call: CommandCall) => Route,
): CommandSettings {
  const scopeOf = (call: CommandCall, name: ChosenSetting) =>
    oneOf(CONVERSATION_SETTINGS, name) ? routeOf(call).sessionKey : call.channelId;
  /** The value of a place, or of the thread's channel. */
  function inPlace(
    { channelId, place }: Pick<InboundMessage, "channelId" | "place">,
    name: PlaceSetting,
  ): string | undefined {
    const own = settings.known(accountId, channelId, name);
    if (own !== undefined || place.kind !== "guild" || !place.thread) return own;
    return settings.known(accountId, place.channel.id, name);
  }
  return {
    of: (call, name) =>
      Promise.resolve(
        name === "activation" || name === "send"
          ? inPlace(call, name)
          : settings.known(accountId, scopeOf(call, name), name),
      ),
    factsIn(message) {
      const activation = message.place.kind === "guild"
        ? oneOf(ACTIVATIONS, inPlace(message, "activation"))
        : undefined;
      const isSilenced = inPlace(message, "send") === "off";
      if (!activation && !isSilenced) return undefined;
      return { ...(activation && { activation }), ...(isSilenced && { isSilenced }) };
    },
    choose: (call, name, value) =>
      settings.change(accountId, scopeOf(call, name), name, value, now()),
    queueMode: ({ channelId }) => oneOf(QUEUE_MODES, settings.known(accountId, channelId, "queue")),
    mannerOf(sessionKey) {
      const think = settings.known(accountId, sessionKey, "think");
      const reasoning = settings.known(accountId, sessionKey, "reasoning");
      const verbose = settings.known(accountId, sessionKey, "verbose");
      if (!think && !reasoning && !verbose) return PLAIN_MANNER; // most conversations
      return {
        think: oneOf(THINK_LEVELS, think),
        showsThinking: reasoning === "on",
        showsSteps: verbose === "on",
      };
    },
  };
}
