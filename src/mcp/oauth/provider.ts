/**
 * Gives a running connection its login, and keeps refreshed tokens (T13).
 *
 * The library does the OAuth requests. Here, it can only refresh: a sign-in needs the operator.
 */

import type { OAuthClientMetadata, OAuthClientProvider } from "@ai-sdk/mcp";
import type { Log, LogFields } from "../../lib/log.ts";
import { createRedactor } from "../../lib/text/redactor.ts";
import type { McpHost } from "../server.ts";
import { hasOwnToken, type Login, type LoginTokens, type McpHttpServer } from "./logins.ts";

/** The reason, and what a sign-in should ask for. */
export interface Challenge {
  /** Address of the server's metadata. */
  readonly metadata?: URL;
  /** Scopes that the request needs, with spaces between them. */
  readonly scope?: string;
  /** Whether the token is valid, and has too few scopes for this one request. */
  readonly isScopeMissing?: true;
}

/** Reads the header; without a challenge in it, the result is empty. */
export function readChallenge(header: string | null): Challenge {
  const fieldOf = (name: string) => {
    const found = new RegExp(`(?:^|[,\\s])${name}=(?:"([^"]*)"|([^\\s,"]+))`, "i")
      .exec(header ?? "");
    return found?.[1] ?? found?.[2] ?? "";
  };
  const scope = fieldOf("scope").trim();
  return {
    metadata: URL.parse(fieldOf("resource_metadata")) ?? undefined,
    scope: scope !== "" ? scope : undefined,
    isScopeMissing: fieldOf("error") === "insufficient_scope" || undefined,
  };
}

/** Two lists of scopes as one; `undefined` if both are absent. */
export function scopesOf(one: string | undefined, other: string | undefined): string | undefined {
  const all = [one, other].flatMap((scopes) => scopes?.split(/\s+/) ?? []);
  return all.length > 0 ? [...new Set(all)].join(" ") : undefined;
}

/**
 * The resource that a token is for, as the server's metadata names it.
 *
 * @throws {Error} If it is neither the server nor above it. A slash at the end does not matter.
 */
export function resourceOf(server: URL | string, named: string | undefined): URL {
  const [own, resource] = [new URL(server), new URL(named ?? server)];
  const folderOf = ({ pathname }: URL) => pathname.replace(/\/?$/, "/");
  if (resource.origin !== own.origin || !folderOf(own).startsWith(folderOf(resource))) {
    throw new Error(`Protected resource ${resource} does not match expected ${own}`);
  }
  resource.hash = "";
  return resource;
}

/** The server wants a sign-in that only the operator can do. */
export class SignInNeededError extends Error {
  override readonly name = "SignInNeededError";

  /** The server's own words about it. */
  readonly challenge: Challenge;

  constructor(message: string, challenge: Challenge = {}) {
    super(message);
    this.challenge = challenge;
  }
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

export function withTokens(login: Login, tokens: LoginTokens, now: number): Login {
  const { expiresAt: _, ...rest } = login;
  const { expires_in: sec, scope = login.tokens?.scope } = tokens; // absent: as before
  return {
    ...rest,
    tokens: { ...tokens, scope },
    expiresAt: sec !== undefined ? now + sec * 1_000 : undefined,
  };
}

function createOAuthProvider(serverId: string, url: string, { logins, now }: McpHost) {
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
    validateResourceURL: (own, named) => Promise.resolve(resourceOf(own, named)),
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
  return {
    provider, /** Whether the tokens could not be renewed, although no server has refused them. */
    isUnrenewed: (): boolean => isUnrenewed,
  };
}

type OAuthProvider = ReturnType<typeof createOAuthProvider>;

/**
 * Creates the login of a server. One with a token of the config has none.
 *
 * @param server `undefined` for a program.
 */
export function createLoginOf(id: string, server: McpHttpServer | undefined, host: McpHost) {
  const { logins, log, onSignIn } = host;
  const url = server && !hasOwnToken(server) ? server.url : undefined;
  const read = () => url === undefined ? undefined : logins.read(id, url);
  function note(login: Login): void {
    try {
      logins.write(id, login);
    } catch (error) {
      log.warn("Cannot note what the next sign-in needs", { server: id, error });
    }
  }
  let current: OAuthProvider | undefined;
  let toldAt: number | undefined;

  function clean(text: string): string {
    const { tokens, client } = read() ?? {};
    const secrets = [tokens?.access_token, tokens?.refresh_token, client?.client_secret];
    const redactor = createRedactor();
    for (const secret of secrets) if (secret !== undefined) redactor.add(secret);
    return redactor.clean(text);
  }

  /** A library's error may have a server's answer in it, with the token. */
  function cleanFields(fields: LogFields | undefined): LogFields | undefined {
    const error = fields?.["error"];
    if (url === undefined || !(error instanceof Error)) return fields;
    const cleaned = new Error(clean(error.message));
    cleaned.name = error.name;
    delete cleaned.stack;
    return { ...fields, error: cleaned };
  }

  return {
    /** Log whose lines have none of the tokens, which servers may repeat. */
    log: {
      debug: (message, fields) => log.debug(message, cleanFields(fields)),
      info: (message, fields) => log.info(message, cleanFields(fields)),
      warn: (message, fields) => log.warn(message, cleanFields(fields)),
      error: (message, fields) => log.error(message, cleanFields(fields)),
    } satisfies Log,
    /** The login for a new connection; `undefined` if there is none. */
    provider(): OAuthProvider | undefined {
      current = url !== undefined && read()?.tokens
        ? createOAuthProvider(id, url, host)
        : undefined;
      return current;
    },
    /** Unix time in milliseconds of the sign-in; `undefined` if there is none. */
    signedInAt: (): number | undefined => read()?.signedInAt,
    /** The refusal of a server, in words: renewing the tokens may work later. */
    failureOf(refusal: Error): Error {
      return refusal instanceof SignInNeededError && current?.isUnrenewed()
        ? new Error("its login could not be renewed now; it is tried again")
        : refusal;
    },
    /** Tells the owners that the server wants a sign-in, once. @returns Whether they know. */
    tell(): boolean {
      if (url === undefined || !onSignIn) return false;
      const login = read() ?? { url, signedInAt: 0 };
      if (login.isTold || toldAt === login.signedInAt) return true;
      if (!onSignIn(id)) return false;
      toldAt = login.signedInAt;
      note({ ...login, isTold: true });
      return true;
    },
    /** Has the next sign-in ask for the scopes that a request lacked. */
    want(scope: string | undefined): void {
      const login = read();
      const wantedScope = scopesOf(login?.wantedScope ?? login?.tokens?.scope, scope);
      if (login && wantedScope !== login.wantedScope) note({ ...login, wantedScope });
    },
    clean,
    /** Removes the tokens from all texts of a JSON value. */
    cleanAll<Value>(value: Value): Value {
      if (!read()?.tokens) return value;
      const text = JSON.stringify(value);
      const cleaned = clean(text);
      return cleaned === text ? value : JSON.parse(cleaned); // the same form
    },
  };
}
