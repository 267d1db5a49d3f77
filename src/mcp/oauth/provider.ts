/**
 * Gives a running connection its login, and keeps refreshed tokens (T13).
 *
 * The library does the OAuth requests. Here, it can only refresh: a sign-in needs the operator.
 *
 * @module
 */

import type { OAuthClientMetadata, OAuthClientProvider } from "@ai-sdk/mcp";
import type { Login, Logins, LoginTokens } from "./logins.ts";

/** The server wants a sign-in that only the operator can do. */
export class SignInNeededError extends Error {
  /** Name of the class, for logs. */
  override readonly name = "SignInNeededError";
}

/** How Barnacle describes itself to an authorization server. */
export function clientMetadata(redirectUrl: string, scope?: string): OAuthClientMetadata {
  return {
    client_name: "Barnacle",
    redirect_uris: [redirectUrl],
    grant_types: ["authorization_code", "refresh_token"],
    response_types: ["code"],
    token_endpoint_auth_method: "none",
    ...(scope !== undefined && { scope }),
  };
}

/**
 * A login with new tokens.
 *
 * @param now Unix time in milliseconds.
 */
export function withTokens(login: Login, tokens: LoginTokens, now: number): Login {
  const { expiresAt: _, ...rest } = login;
  const { expires_in: sec } = tokens;
  return { ...rest, tokens, expiresAt: sec !== undefined ? now + sec * 1_000 : undefined };
}

/** The dependencies of {@link createOAuthProvider}. */
export interface OAuthProviderOptions {
  /** The server. */
  readonly serverId: string;
  /** Address of the server. */
  readonly url: string;
  /** Stored logins. */
  readonly logins: Logins;
  /** Unix time in milliseconds. */
  readonly now: () => number;
}

/** The login of a connection. */
export interface OAuthProvider {
  /** For the library. */
  readonly provider: OAuthClientProvider;
  /** Whether the tokens could not be renewed, although no server has refused them. */
  isUnrenewed(): boolean;
}

/** Creates the provider of a server with a login. */
export function createOAuthProvider(
  { serverId, url, logins, now }: OAuthProviderOptions,
): OAuthProvider {
  /** Registration that the library last used: a new sign-in may replace it meanwhile. */
  let usedClientId: string | undefined;
  let isUnrenewed = false;
  const login = () => logins.read(serverId, url);
  const signIn = (): never => {
    throw new SignInNeededError("the server takes the login no more");
  };
  const provider: OAuthClientProvider = {
    redirectUrl: "http://127.0.0.1/callback",
    clientMetadata: clientMetadata("http://127.0.0.1/callback"),
    tokens: () => login()?.tokens,
    saveTokens(tokens) {
      isUnrenewed = false;
      const current = login();
      if (current?.client && current.client.client_id === usedClientId) {
        logins.write(serverId, withTokens(current, tokens, now()));
      }
    },
    clientInformation() {
      const client = login()?.client;
      usedClientId = client?.client_id;
      // Without a registration, the library would make a new one.
      return client ?? signIn();
    },
    saveAuthorizationServerInformation() {},
    /** Forgets tokens that the server refuses, unless another process has refreshed them. */
    invalidateCredentials(scope, context) {
      const current = login();
      if (scope !== "tokens" || !current?.tokens || !context) return;
      if (current.tokens.refresh_token !== context.tokens.refresh_token) return;
      const { tokens: _, expiresAt: __, ...rest } = current;
      logins.write(serverId, rest);
    },
    redirectToAuthorization() {
      isUnrenewed = login()?.tokens?.refresh_token !== undefined;
      signIn();
    },
    saveCodeVerifier() {},
    codeVerifier: signIn,
  };
  return { provider, isUnrenewed: () => isUnrenewed };
}
