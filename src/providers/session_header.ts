/**
 * Tells a server which requests belong to one session, so that it can find its cache (L1).
 *
 * The value is a hash, because a session's key has ids of Discord.
 *
 * @module
 */

import { createHash } from "node:crypto";
import type { ModelRequest } from "../core/model.ts";
import type { ProviderSettings } from "./settings.ts";

/** Number of hex digits of a value. */
const LENGTH = 32;

/** The header of a request; `undefined` if the provider wants none, or the request has no session. */
export function sessionHeaderOf(
  { sessionHeader }: Pick<ProviderSettings, "sessionHeader">,
  { sessionKey }: Pick<ModelRequest, "sessionKey">,
): { readonly name: string; readonly value: string } | undefined {
  if (sessionHeader === undefined || sessionKey === undefined) return undefined;
  const value = createHash("sha256").update(sessionKey).digest("hex").slice(0, LENGTH);
  return { name: sessionHeader.toLowerCase(), value };
}
