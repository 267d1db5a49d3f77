/**
 * Asks PluralKit for the author of a proxied message, by the current config.
 *
 * @module
 */

import type { Config } from "../../config/config.ts";
import type { LookUp } from "../../core/inbound/pluralkit.ts";
import { schedule } from "../../lib/clock.ts";
import { createPluralkitClient, type PluralkitClient } from "../../pluralkit/client.ts";

/** The settings of the PluralKit client. */
export interface PluralkitLookUpOptions {
  /** The current config; a reload replaces it (C9). */
  readonly config: () => Config;
  /** Barnacle's version, for the User-Agent. */
  readonly version: string;
  /** Unix time in milliseconds. */
  readonly now: () => number;
}

/** A PluralKit client that follows the config. */
export interface PluralkitLookUp extends Pick<PluralkitClient, "lookUp" | "stop"> {
  /** The config has changed. */
  reconfigured(): void;
}

const OFF: LookUp = { kind: "failed", reason: "PluralKit is switched off" };

/** Creates a PluralKit client that follows the config. */
export function createPluralkitLookUp(
  { config, version, now }: PluralkitLookUpOptions,
): PluralkitLookUp {
  let current = config().discord.pluralkit;
  let client = createClient();

  /**
   * Creates the client.
   *
   * @returns `undefined` if PluralKit is switched off.
   */
  function createClient(): PluralkitClient | undefined {
    const { enabled, token, apiUrl } = current;
    if (!enabled) return undefined;
    return createPluralkitClient({
      fetch,
      apiUrl,
      token: token?.reveal(),
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
