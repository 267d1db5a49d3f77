/**
 * The settings that people have chosen by commands: for commands that change them, and for turns.
 *
 * @module
 */

import type { AccountId } from "../../../core/discord/ids.ts";
import { oneOf, QUEUE_MODES, type QueueMode } from "../../../core/people/chosen.ts";
import type { InboundMessage } from "../../../core/inbound/inbound.ts";
import type { ChosenSettings } from "../../../interactions/base/settings.ts";
import type { Store } from "../../../store/store.ts";

/** The dependencies of these settings. */
export interface ChosenOptions {
  readonly accountId: AccountId;
  readonly settings: Pick<Store["settings"], "known" | "change">;
  /** Unix time in milliseconds. */
  readonly now: () => number;
}

/** The settings of an account. */
export interface AccountSettings extends ChosenSettings {
  /** The queue mode of a place; `undefined`: the config's. */
  queueMode(message: Pick<InboundMessage, "channelId">): QueueMode | undefined;
}

/** Creates the settings. */
export function createChosenSettings(
  { accountId, settings, now }: ChosenOptions,
): AccountSettings {
  const queueMode: AccountSettings["queueMode"] = ({ channelId }) =>
    oneOf(QUEUE_MODES, settings.known(accountId, channelId, "queue"));
  return {
    of: (call) => Promise.resolve(queueMode(call)),
    choose: (call, name, value) => settings.change(accountId, call.channelId, name, value, now()),
    queueMode,
  };
}
