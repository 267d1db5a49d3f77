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
import type { Store } from "../../store/store.ts";

const PLAIN_MANNER: Manner = { showsThinking: false, showsSteps: false };

/**
 * Creates the settings.
 *
 * @param routeOf Finds the session of a call.
 */
export function createChosenSettings(
  { accountId, store: { settings }, now }: Pick<
    Account<Pick<Store, "settings">>,
    "accountId" | "store" | "now"
  >,
  routeOf: (call: CommandCall) => Route,
) {
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
    /** The value that counts there; `undefined`: the config's. Rejects if the store fails. */
    of: (call: CommandCall, name: ChosenSetting): Promise<string | undefined> =>
      Promise.resolve(
        name === "activation" || name === "send"
          ? inPlace(call, name)
          : settings.known(accountId, scopeOf(call, name), name),
      ),
    /**
     * The choices of owners for a place: a thread has those of its channel, or its own.
     *
     * @returns `undefined` if there are none.
     */
    factsIn(
      message: Pick<InboundMessage, "channelId" | "place">,
    ): Pick<KnownFacts, "activation" | "isSilenced"> | undefined {
      const activation = message.place.kind === "guild"
        ? oneOf(ACTIVATIONS, inPlace(message, "activation"))
        : undefined;
      const isSilenced = inPlace(message, "send") === "off";
      if (!activation && !isSilenced) return undefined;
      return { ...(activation && { activation }), ...(isSilenced && { isSilenced }) };
    },
    /** Chooses a value; `undefined` removes the choice. Rejects if the store fails. */
    choose: (call: CommandCall, name: ChosenSetting, value: string | undefined): Promise<void> =>
      settings.change(accountId, scopeOf(call, name), name, value, now()),
    /** The queue mode of a place; `undefined`: the config's. */
    queueMode: ({ channelId }: Pick<InboundMessage, "channelId">): QueueMode | undefined =>
      oneOf(QUEUE_MODES, settings.known(accountId, channelId, "queue")),
    mannerOf(sessionKey: string): Manner {
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
