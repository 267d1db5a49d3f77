/**
 * Signs in to a server over HTTP with OAuth: a person allows it in a browser (T13, T13a).
 *
 * It is the authorization-code flow with PKCE. The library finds the authorization server
 * (RFC 9728, RFC 8414), registers Barnacle there if the config names no client, and exchanges the
 * code. This module starts it, and checks the browser's answer.
 */

import type { OAuthClientProvider } from "@ai-sdk/mcp";
import { Buffer } from "node:buffer";
import { randomBytes, timingSafeEqual } from "node:crypto";
import type { McpLoginState } from "../core/mcp_state.ts";
import { type Clock, schedule } from "../lib/clock.ts";
import { clip, isRecord, quoted } from "../lib/text/quoted.ts";
import { timeText } from "../lib/text/units.ts";
import { hashOfAll, inTimeOrFail, type SeenTools } from "./definitions.ts";
import { createHttpTransport } from "./http.ts";
import { createOAuthFetch } from "./oauth/fetch.ts";
import {
  type Challenge,
  clientMetadata,
  hasOwnToken,
  type Login,
  type LoginClient,
  type Logins,
  type LoginTokens,
  type McpHttpServer,
  resourceOf,
  scopesOf,
  SignInNeededError,
  withTokens,
} from "./oauth/provider.ts";
import type { McpServer } from "./server.ts";

/** A sign-in that is not possible, or that has failed; the message is for the operator. */
class SignInError extends Error {
  override readonly name = "SignInError";
}

export type SignIn = Awaited<ReturnType<typeof createSignIn>>;

const ASK_MS = 20_000;
const MAX_WORDS = 300;

/**
 * Starts a sign-in.
 *
 * @param redirectUrl Address on this machine that the browser comes back to.
 * @param wantedScope Scopes that requests lacked since the last sign-in.
 * @throws {SignInError} If the server wants none, or offers none.
 */
export async function createSignIn(
  server: McpHttpServer,
  redirectUrl: string,
  now: Clock["now"],
  wantedScope?: string,
) {
  const { url, oauth = {} } = server;
  const fetchOAuth = createOAuthFetch(url); // refuses addresses on other private networks
  const { auth } = await import("@ai-sdk/mcp");
  const challenge = await challengeOf(server, fetchOAuth);
  const state = randomBytes(32).toString("base64url");
  const found: { address?: URL; verifier?: string; client?: LoginClient; tokens?: LoginTokens } = {
    client: oauth.clientId !== undefined
      ? { client_id: oauth.clientId, client_secret: oauth.clientSecret, issuer: oauth.issuer }
      : undefined,
  };
  const scope = oauth.scope ?? scopesOf(wantedScope, challenge.scope);
  const provider: OAuthClientProvider = {
    redirectUrl,
    clientMetadata: clientMetadata(redirectUrl, scope),
    validateResourceURL: (own, named) => Promise.resolve(resourceOf(own, named)),
    tokens: () => undefined, // a sign-in begins anew
    saveTokens: (tokens) => void (found.tokens = tokens),
    clientInformation: () => found.client,
    saveClientInformation: (client) => void (found.client = client),
    state: () => state,
    storedState: () => state,
    saveCodeVerifier: (verifier) => void (found.verifier = verifier),
    codeVerifier: () => found.verifier ?? "",
    redirectToAuthorization: (address) => void (found.address = address),
  };
  const run = async (answer: object) => {
    try {
      await auth(provider, {
        serverUrl: url,
        fetchFn: fetchOAuth,
        ...(challenge.metadata && { resourceMetadataUrl: challenge.metadata }),
        ...(scope !== undefined && { scope }),
        ...answer,
      });
    } catch (error) {
      throw new SignInError(wordsOf(error), { cause: error });
    }
  };
  await run({});
  const { address } = found;
  if (!address || !/^https?:$/.test(address.protocol)) {
    throw new SignInError("the server names no address for the sign-in");
  }
  const isOurs = (answer: URLSearchParams) => isSame(answer.get("state") ?? "", state);
  return {
    address: address.href,
    /** Whether the query of the browser's last address belongs to this sign-in: it has the `state`. */
    isOurs,
    /**
     * Gets the tokens.
     *
     * @throws {SignInError} If the answer is none of this sign-in, or a server refuses.
     */
    async finish(answer: URLSearchParams): Promise<Login> {
      if (!isOurs(answer)) throw new SignInError("the answer belongs to another sign-in");
      const refusal = answer.get("error");
      if (refusal !== null) {
        const words = [refusal, answer.get("error_description")].filter(Boolean);
        throw new SignInError(`the sign-in was refused: ${clip(words.join(": "), MAX_WORDS)}`);
      }
      const code = answer.get("code");
      if (!code) throw new SignInError("the answer has no code");
      const issuer = answer.get("iss");
      await run({
        authorizationCode: code,
        callbackState: answer.get("state") ?? "",
        callbackIssuer: issuer ?? undefined,
      });
      const { client, tokens } = found;
      if (!client || !tokens) throw new SignInError("the server gives no token");
      const granted = tokens.scope ?? address.searchParams.get("scope") ?? undefined;
      const login = { url, signedInAt: now(), client, wantedScope };
      return withTokens(login, { ...tokens, scope: granted }, now());
    },
  };
}

/**
 * Asks the server as a client without a login. Some refuse only a later request than the first.
 *
 * @throws {SignInError} If the server wants none, or cannot be reached.
 */
async function challengeOf(server: McpHttpServer, fetchOAuth: typeof fetch): Promise<Challenge> {
  const { createMCPClient } = await import("@ai-sdk/mcp");
  const web = createHttpTransport("", server, schedule);
  const opening = createMCPClient({ transport: web.transport, maxRetries: 0 });
  try {
    const listing = opening.then((client) => client.listTools());
    await inTimeOrFail(listing, ASK_MS, schedule);
  } catch (error) {
    const refusal = error instanceof SignInNeededError ? error : web.refusal();
    if (refusal instanceof SignInNeededError) return refusal.challenge;
    const words = wordsOf(refusal ?? await web.oldTransport() ?? error);
    throw new SignInError(`the server does not ask for a sign-in, but fails: ${words}`, {
      cause: error,
    });
  } finally {
    opening.then((client) => client.close()).catch(() => {}); // also one that is late
  }
  const { origin, pathname } = new URL(server.url);
  for (const path of new Set([pathname.replace(/\/$/, ""), ""])) {
    const metadata = `${origin}/.well-known/oauth-protected-resource${path}`;
    if ((await fetchOAuth(metadata, { redirect: "manual" })).ok) return {}; // for some tools, then
  }
  throw new SignInError("the server wants no sign-in");
}

function wordsOf(error: unknown): string {
  if (isRecord(error) && Array.isArray(error["issues"])) { // the library checks answers with zod
    const issues = error["issues"].filter(isRecord).map(({ path, message }) =>
      `${Array.isArray(path) ? path.join(".") : ""}: ${String(message)}`
    );
    return clip(`an answer of the sign-in is invalid: ${issues.join("; ")}`, MAX_WORDS);
  }
  const words = error instanceof Error ? error.message || error.name : String(error);
  return clip(words, MAX_WORDS);
}

function isSame(one: string, other: string): boolean {
  const [first, second] = [Buffer.from(one), Buffer.from(other)];
  return first.length === second.length && timingSafeEqual(first, second);
}

/** A server of the config. These facts need no request to it. */
export interface McpState extends McpLoginState {
  readonly at: string;
  /** Number of the tools that the bot saw last; absent if it saw none. */
  readonly tools?: number;
  /** One hash for all descriptions of these tools, in hex digits. */
  readonly hash?: string;
}

export function mcpStates(
  servers: readonly McpServer[],
  logins: Logins,
  seen?: SeenTools,
): readonly McpState[] {
  return servers.map(({ id, transport }) => {
    const tools = seen?.of(id);
    const hash = tools && hashOfAll(tools);
    const about = { id, ...(tools && { tools: Object.keys(tools).length, hash }) };
    if (transport.kind === "stdio") return { ...about, at: transport.command, login: "program" };
    const { url: at } = transport;
    if (hasOwnToken(transport)) return { ...about, at, login: "token" };
    const login = logins.read(id, at);
    if (!login || login.signedInAt === 0) return { ...about, at, login: "none" };
    if (!login.tokens) return { ...about, at, login: "ended" };
    return {
      ...about,
      at,
      login: "valid",
      isRenewed: login.tokens.refresh_token !== undefined,
      until: login.expiresAt,
    };
  });
}

export function signInServer(servers: readonly McpServer[], id: string):
  | { readonly kind: "found"; readonly server: McpHttpServer }
  | { readonly kind: "problem"; readonly problem: string } {
  const server = servers.find((one) => one.id === id)?.transport;
  const problem = (words: string) => ({ kind: "problem", problem: words }) as const;
  if (!server) {
    const names = servers.map((one) => one.id).join(", ") || "none";
    return problem(`the config has no MCP server ${quoted(id)}; it has: ${names}`);
  }
  if (server.kind === "stdio") {
    return problem(
      `the MCP server ${quoted(id)} is a program; only servers with a url have a sign-in`,
    );
  }
  if (server.isEach) return problem("each person signs in to it with their own account");
  return hasOwnToken(server)
    ? problem(
      `the config has a token for it; to sign in instead, remove ` +
        `mcp.servers.${id}.headers.authorization`,
    )
    : { kind: "found", server };
}

/**
 * Starts a sign-in, whose `finish` also stores the login.
 *
 * @param redirectUrl Address on this machine that the browser comes back to.
 * @throws {SignInError} If the server wants none, or offers none.
 */
export async function beginLogin(
  id: string,
  server: McpHttpServer,
  redirectUrl: string,
  logins: Logins,
): Promise<SignIn> {
  const { wantedScope } = logins.read(id, server.url) ?? {};
  const { finish, ...pending } = await createSignIn(server, redirectUrl, Date.now, wantedScope);
  return {
    ...pending,
    async finish(answer) {
      const login = await finish(answer);
      logins.write(id, login);
      return login;
    },
  };
}

export const LOGIN_ENDED = "the login has ended";

/** The state of a login for people. */
export function stateText({ login, until, isRenewed }: McpLoginState, now: number): string {
  switch (login) {
    case "program":
      return "a program";
    case "token":
      return "token of the config";
    case "none":
      return "no login";
    case "ended":
      return LOGIN_ENDED;
    case "valid":
      if (isRenewed || until === undefined) return "logged in";
      return until > now ? `logged in until ${timeText(until)}` : LOGIN_ENDED;
  }
}
