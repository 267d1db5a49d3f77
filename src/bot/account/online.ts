/**
 * Reports once that an account is online, with the bot's name and its guilds.
 *
 * Discord sends the guilds one by one after READY. So the report waits until no further guild has
 * arrived for a moment.
 *
 * @module
 */

import type { AccountId } from "../../core/discord/ids.ts";
import type { GuildIndex } from "../../discord/gateway/decode/guild_index.ts";
import type { Self } from "../../core/inbound/inbound.ts";
import type { Online } from "../account_interface.ts";
import type { StartTimer } from "../../lib/clock.ts";

/** The account, and its listener. */
export interface OnlinePorts {
  /** The account. */
  readonly accountId: AccountId;
  /** The account's own user and its guilds, as the gateway told them. */
  readonly reader: { readonly self?: Self | undefined; readonly index: GuildIndex };
  /** Id of the model that answers. */
  readonly model: () => string;
  /** Timer. */
  readonly schedule: StartTimer;
  /** Aborted when the account stops. */
  readonly stopping: AbortSignal;
  /** The account is online. */
  readonly onOnline: (online: Online) => void;
}

/** Events that the report depends on. */
export interface OnlineReport {
  /** A shard is ready. */
  ready(): void;
  /** The bot's identity or its guilds have changed. */
  changed(): void;
}

/** Milliseconds without a further guild. */
const QUIET_MS = 500;

/** Creates the report of one account. */
export function createOnlineReport(ports: OnlinePorts): OnlineReport {
  const { accountId, reader, model, schedule, stopping, onOnline } = ports;
  let isReady = false;
  let isDone = false;
  let cancel = () => {};
  stopping.addEventListener("abort", () => cancel(), { once: true });

  function report(): void {
    const { self: bot } = reader;
    if (!bot) return; // READY is not read yet
    isDone = true;
    const guilds = Array.from(reader.index.values(), ({ name }) => name);
    onOnline({ accountId, bot, guilds, model: model() });
  }

  function wait(): void {
    if (!isReady || isDone || stopping.aborted) return;
    cancel();
    cancel = schedule(report, QUIET_MS);
  }

  return {
    ready() {
      isReady = true;
      wait();
    },
    changed: wait,
  };
}
