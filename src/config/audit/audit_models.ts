/**
 * Warns about model providers whose key would cross a network unencrypted.
 *
 * @module
 */

import { isPrivateHost } from "../../lib/network/private_host.ts";
import type { AddRemark } from "./audit_account.ts";
import { entriesAt, isRecord, valueAt } from "../text/tree.ts";

/** Warns about each key or header that goes over plain HTTP to a public host (SEC-R9). */
export function auditModels(value: unknown, remark: AddRemark): void {
  for (const [id, provider] of entriesAt(valueAt(value, ["models", "providers"]))) {
    const baseUrl = valueAt(provider, ["baseUrl"]);
    const headers = valueAt(provider, ["headers"]);
    const hasSecret = valueAt(provider, ["apiKey"]) !== undefined ||
      (isRecord(headers) && Object.keys(headers).length > 0);
    if (!hasSecret || typeof baseUrl !== "string" || !URL.canParse(baseUrl)) continue;
    const { protocol, hostname } = new URL(baseUrl);
    if (protocol !== "http:" || isPrivateHost(hostname)) continue;
    remark(
      ["models", "providers", id, "baseUrl"],
      `The key for ${hostname} crosses the network unencrypted`,
      'use "https://", or a server on your own network',
    );
  }
}
