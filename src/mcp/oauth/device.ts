/**
 * The device flow (RFC 8628), where an authorization server has it: the person enters a code there, so
 * no browser comes back. The library knows the code flow alone, and checks servers and tokens. So its
 * requests are changed as they pass.
 */

import { z } from "zod";
import { isRecord } from "../../lib/text/json.ts";
import type { LoginClient } from "./logins.ts";

export const DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code";

/** The person has not allowed it yet. */
export class NotYetError extends Error {
  override readonly name = "NotYetError";
}

const begunSchema = () =>
  z.object({
    device_code: z.string(),
    user_code: z.string().regex(/^[\x21-\x7e]{4,32}$/),
    verification_uri: z.url({ protocol: /^https?$/ }),
  });

/** @param fetchOAuth Guarded: it refuses addresses on other private networks. */
export function createDeviceFlow(fetchOAuth: typeof fetch) {
  let endpoint: string | undefined;
  let deviceCode: string | undefined;
  return {
    /** Whether the metadata that the library has read name the flow. */
    isOffered: (): boolean => endpoint !== undefined,
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
      const { error, device_authorization_endpoint: named } = answer;
      if (error === "authorization_pending" || error === "slow_down") throw new NotYetError();
      if (response.ok && typeof named === "string") endpoint = named;
      return response;
    }) as typeof fetch,
    /** @throws {Error} If the server refuses; as a rejection. */
    async begin({ client_id, client_secret = "" }: LoginClient, asked: URLSearchParams) {
      const body = new URLSearchParams({ client_id, ...(client_secret && { client_secret }) });
      for (const name of ["scope", "resource"]) {
        const value = asked.get(name);
        if (value !== null) body.set(name, value);
      }
      const response = await fetchOAuth(endpoint ?? "", { method: "POST", body });
      if (!response.ok) throw new Error(`the server begins no sign-in (HTTP ${response.status})`);
      const begun = begunSchema().parse(await response.json());
      deviceCode = begun.device_code;
      return { address: begun.verification_uri, code: begun.user_code };
    },
  };
}
