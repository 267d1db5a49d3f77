/**
 * The device flow (RFC 8628): a person enters a code at the authorization server. The library checks
 * servers and tokens, but knows the code flow alone. So its requests change as they pass.
 */

import { z } from "zod";
import { isRecord } from "../../lib/text/json.ts";
import type { LoginClient } from "./logins.ts";

const DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code";

/** The person has not allowed it yet. */
export class NotYetError extends Error {
  override readonly name = "NotYetError";
}

/** @param fetchOAuth Guarded: it refuses addresses on other private networks. */
export function createDeviceFlow(fetchOAuth: typeof fetch) {
  let found: { readonly issuer: string; readonly endpoint: string } | undefined;
  let deviceCode: string | undefined;
  return {
    /** Those that a client needs, once the library has read that the server has the flow. */
    grants: (): readonly string[] => found ? [DEVICE_GRANT] : [],
    fetch: (async (input, init) => {
      const asked = init?.body;
      if (deviceCode !== undefined && asked instanceof URLSearchParams && asked.has("code")) {
        for (const name of ["code", "code_verifier", "redirect_uri"]) asked.delete(name);
        asked.set("grant_type", DEVICE_GRANT);
        asked.set("device_code", deviceCode);
      }
      const response = await fetchOAuth(input, init);
      const answer: unknown = await response.clone().json().catch(() => undefined);
      if (!isRecord(answer)) return response;
      const { error, issuer, device_authorization_endpoint: endpoint } = answer;
      if (error === "authorization_pending" || error === "slow_down") throw new NotYetError();
      if (typeof issuer !== "string" || typeof endpoint !== "string") return response;
      // Another server's word would get the client's secret.
      const { origin } = new URL(input instanceof Request ? input.url : input);
      if (URL.parse(issuer)?.origin === origin) found = { issuer, endpoint };
      return response;
    }) as typeof fetch,
    /** @returns `undefined` if the server has no such flow; rejects if it refuses. */
    async begin(client: LoginClient | undefined, asked: URLSearchParams) {
      if (!found || !client || (client.issuer ?? found.issuer) !== found.issuer) return undefined;
      const { client_id, client_secret = "" } = client;
      const body = new URLSearchParams({ client_id, ...(client_secret && { client_secret }) });
      for (const name of ["scope", "resource"]) {
        const value = asked.get(name);
        if (value !== null) body.set(name, value);
      }
      const response = await fetchOAuth(found.endpoint, { method: "POST", body });
      if (!response.ok) throw new Error(`the server begins no sign-in (HTTP ${response.status})`);
      const begun = z.object({
        device_code: z.string(),
        user_code: z.string().regex(/^[\x21-\x7e]{4,32}$/),
        verification_uri: z.url({ protocol: /^https?$/ }).max(500),
      }).parse(await response.json());
      deviceCode = begun.device_code;
      return { address: begun.verification_uri, code: begun.user_code };
    },
  };
}
