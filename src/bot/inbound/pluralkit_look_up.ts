/**
 * Asks PluralKit who wrote a proxied message, by the config as it is now.
 *
 * @module
 */

import type { Config } from "../../config/config.ts";
import type { LookUp } from "../../core/inbound/pluralkit.ts";
import { schedule } from "../../lib/schedule.ts";
import type { Logging } from "../../log.ts";
import { createPluralkitClient, type PluralkitClient } from "../../pluralkit/client.ts";

export interface PluralkitLookUpOptions {
  /** As of now: it may be read again (C9). */
  readonly config: () => Config;
  /** Barnacle's own, for the User-Agent. */
  readonly version: string;
  readonly logging: Pick<Logging, "addSecret">;
  /** Unix time in milliseconds. */
  readonly now: () => number;
}

export interface PluralkitLookUp extends Pick<PluralkitClient, "lookUp" | "stop"> {
  /** The config was read again. */
  reconfigured(): void;
}

const OFF: LookUp = { kind: "failed", reason: "PluralKit is switched off" };

export function createPluralkitLookUp(
  { config, version, logging, now }: PluralkitLookUpOptions,
): PluralkitLookUp {
  let current = config().discord.pluralkit;
  let client = createClient();

  /** @returns `undefined` if PluralKit is switched off: then nothing is asked. */
  function createClient(): PluralkitClient | undefined {
    const { enabled, token, apiUrl } = current;
    if (!enabled) return undefined;
    if (token) logging.addSecret(token.reveal());
    return createPluralkitClient({
      fetch,
      apiUrl,
      ...(token && { token: token.reveal() }),
      version,
      now,
      schedule,
    });
  }

  return {
    lookUp: (id) => client?.lookUp(id) ?? Promise.resolve(OFF),
    reconfigured() {
      const next = config().discord.pluralkit;
      const isSame = next.enabled === current.enabled && next.apiUrl === current.apiUrl &&
        next.token?.reveal() === current.token?.reveal();
      if (isSame) return;
      current = next;
      client?.stop();
      client = createClient();
    },
    stop: () => client?.stop(),
  };
}
