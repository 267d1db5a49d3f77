/** Asks PluralKit for the author of a proxied message, by the current config. */

import type { PluralkitAnswer } from "../core/inbound/pluralkit.ts";
import { type Clock, schedule } from "../lib/clock.ts";
import { createPluralkitClient, type PluralkitClient } from "./client.ts";

const OFF: PluralkitAnswer = { kind: "failed", reason: "PluralKit is switched off" };

/** Creates a PluralKit client that follows the config. */
export function createPluralkitLookUp(
  settings: () => {
    /** Whether PluralKit is asked. */
    readonly enabled: boolean;
    /** Its token, a secret; absent without one. */
    readonly token?: { reveal(): string };
    readonly apiUrl: string;
  },
  { version, now }: Clock & { readonly version: string },
): Pick<PluralkitClient, "lookUp" | "stop"> & {
  reconfigured(): void;
} {
  let current = settings();
  let client = createClient();

  /** Creates the client. Returns `undefined` if PluralKit is switched off. */
  function createClient(): PluralkitClient | undefined {
    const { enabled, token, apiUrl } = current;
    if (!enabled) return undefined;
    return createPluralkitClient({ fetch, apiUrl, token: token?.reveal(), version, now, schedule });
  }

  return {
    lookUp: (id) => client?.lookUp(id) ?? Promise.resolve(OFF),
    reconfigured() {
      const next = settings();
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
