/**
 * The settings that people have chosen by commands: for commands that change them, and for turns.
 */

import type { ChannelId } from "../../core/discord/ids.ts";
import type { BotAccount } from "../../account/account.ts";
import {
  ACTIVATIONS,
  type Manner,
  oneOf,
  type PlaceSetting,
  QUEUE_MODES,
  type QueueMode,
  THINK_LEVELS,
} from "../../core/config_file.ts";
import type { KnownFacts } from "../../core/inbound/verdict.ts";
import type { Route } from "../../core/inbound/inbox.ts";
import type { InboundMessage } from "../../core/inbound/inbound.ts";
import type { Model } from "../../core/model.ts";

interface Placed {
  readonly channelId: ChannelId;
  readonly place: InboundMessage["place"];
}

const PLAIN_MANNER: Manner = { showsThinking: false, showsSteps: false };

/** The value of a place, or of the thread's channel. */
export function chosenInPlace(
  { accountId, store: { settings } }: BotAccount,
  { channelId, place }: Placed,
  name: PlaceSetting,
): string | undefined {
  const own = settings.known(accountId, channelId, name);
  if (own !== undefined || place.kind !== "guild" || !place.thread) return own;
  return settings.known(accountId, place.channel.id, name);
}

/**
 * The choices of owners for a place: a thread has those of its channel, or its own.
 *
 * @returns `undefined` if there are none.
 */
export function chosenIn(account: BotAccount, message: Placed): KnownFacts | undefined {
  const activation = message.place.kind === "guild"
    ? oneOf(ACTIVATIONS, chosenInPlace(account, message, "activation"))
    : undefined;
  const isSilenced = chosenInPlace(account, message, "send") === "off";
  if (!activation && !isSilenced) return undefined;
  return { ...(activation && { activation }), ...(isSilenced && { isSilenced }) };
}

/** The queue mode of a place; `undefined`: the config's. */
export function queueModeOf(
  { accountId, store }: BotAccount,
  { channelId }: Placed,
): QueueMode | undefined {
  return oneOf(QUEUE_MODES, store.settings.known(accountId, channelId, "queue"));
}

export function mannerOf(
  { accountId, store: { settings } }: BotAccount,
  sessionKey: string,
): Manner {
  const think = settings.known(accountId, sessionKey, "think");
  const reasoning = settings.known(accountId, sessionKey, "reasoning");
  const verbose = settings.known(accountId, sessionKey, "verbose");
  if (!think && !reasoning && !verbose) return PLAIN_MANNER; // most conversations
  return {
    think: oneOf(THINK_LEVELS, think),
    showsThinking: reasoning === "on",
    showsSteps: verbose === "on",
  };
}

/**
 * The model of a conversation: that of its agent, or the one that a person chose. A choice that the
 * config no longer has does not count.
 */
export function modelOf(
  { accountId, store, settings: { models, choices } }: BotAccount,
  { agentId, sessionKey }: Route,
): Model {
  const first = models.of(agentId);
  const id = store.settings.known(accountId, sessionKey, "model");
  return id === undefined || id === first.id ? first : choices?.of(id) ?? first;
}
