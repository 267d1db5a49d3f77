/**
 * Warns about model providers whose key would cross a network unencrypted.
 *
 * @module
 */

import { isPrivateHost } from "../../lib/network/addresses.ts";
import type { AddRemark } from "./audit_account.ts";
import { entriesAt, isRecord, valueAt } from "../text/tree.ts";

/** Warns about each key or header that goes over plain HTTP to a public host (SEC-R9). */
export function auditModels(value: unknown, remark: AddRemark): void {
  for (const [id, provider] of entriesAt(valueAt(value, ["models", "providers"]))) {
    const baseUrl = valueAt(provider, ["baseUrl"]);
    const headers = valueAt(provider, ["headers"]);
    const hasSecret = valueAt(provider, ["apiKey"]) !== undefined ||
      (isRecord(headers) && Object.keys(headers).length > 0);
    const host = hasSecret && typeof baseUrl === "string" ? openHost(baseUrl) : undefined;
    if (host === undefined) continue;
    remark(
      ["models", "providers", id, "baseUrl"],
      `The key for ${host} crosses the network unencrypted`,
      UNENCRYPTED_HINT,
    );
  }
}

/** How to protect a key that crosses the network unencrypted. */
export const UNENCRYPTED_HINT = 'use "https://", or a server on your own network';

/** The host of a plain HTTP address beyond private networks; `undefined` for other addresses. */
export function openHost(address: string): string | undefined {
  if (!URL.canParse(address)) return undefined;
  const { protocol, hostname } = new URL(address);
  return protocol === "http:" && !isPrivateHost(hostname) ? hostname : undefined;
}
