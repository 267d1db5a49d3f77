/**
 * Declares a server of the Model Context Protocol over HTTP.
 *
 * @module
 */

/** A server over HTTP. */
export interface HttpServer {
  /** Its address. */
  readonly url: string;
  /** Headers of each request; may be secret. */
  readonly headers: Readonly<Record<string, string>>;
  /** Barnacle's registration for a sign-in; absent: it registers itself. */
  readonly oauth?: OAuthClient;
}

/** Barnacle's registration at the authorization server, from the config. */
export interface OAuthClient {
  /** Absent: Barnacle registers itself. */
  readonly clientId?: string;
  /** Secret of the client; absent for a public one. */
  readonly clientSecret?: string;
  /** Authorization server that the secret is for. */
  readonly issuer?: string;
  /** Scopes to ask for, with spaces; absent: those that the server names. */
  readonly scope?: string;
  /** Port of this machine for the browser's return; absent: any free one. */
  readonly callbackPort?: number;
}

/** Whether the config has a token for the server, so that no login is used. */
export function hasOwnToken({ headers }: Pick<HttpServer, "headers">): boolean {
  return Object.keys(headers).some((name) => name.toLowerCase() === "authorization");
}
