/**
 * Gives a running connection its login, and keeps refreshed tokens (T13).
 *
 * The library does the OAuth requests. Here, it can only refresh: a sign-in needs the operator.
 *
 * A login's file has tokens, so only its owner may read it. Each read looks at the file again, because
 * `barnacle mcp login` writes it beside a running bot. A login counts only for the address that it
 * was made for: with another address in the config, the token goes nowhere.
 */

import process from "node:process";
import type { OAuthClientMetadata, OAuthClientProvider } from "@ai-sdk/mcp";
import { Buffer } from "node:buffer";
import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from "node:crypto";
import {
  chownSync,
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { z } from "zod";
import { renameOver, syncFolder } from "../../host/files/write_file.ts";
import { codeOf } from "../../lib/errors.ts";
import type { Log, LogFields } from "../../lib/log.ts";
import { createRedactor } from "../../lib/text/redactor.ts";
import type { McpHost } from "../server.ts";

const NONCE_BYTES = 12;
const TAG_END = NONCE_BYTES + 16;
const CIPHER = "aes-256-gcm";

/** Binds each text to its person and server. The secret is the bot's token. */
export function createSealing(secret: string, userId: string) {
  const key = Buffer.from(hkdfSync("sha256", secret, "", "people's sign-ins", 32));
  const about = (serverId: string) => Buffer.from(`${userId} ${serverId}`);
  return {
    seal(text: string, serverId: string): string {
      const nonce = randomBytes(NONCE_BYTES);
      const cipher = createCipheriv(CIPHER, key, nonce).setAAD(about(serverId));
      const sealed = Buffer.concat([cipher.update(text, "utf8"), cipher.final()]);
      return Buffer.concat([nonce, cipher.getAuthTag(), sealed]).toString("base64");
    },
    /** @throws {Error} If another key, person or server has sealed it. */
    open(written: string, serverId: string): string {
      const bytes = Buffer.from(written, "base64");
      const cipher = createDecipheriv(CIPHER, key, bytes.subarray(0, NONCE_BYTES))
        .setAAD(about(serverId)).setAuthTag(bytes.subarray(NONCE_BYTES, TAG_END));
      return cipher.update(bytes.subarray(TAG_END), undefined, "utf8") + cipher.final("utf8");
    },
  };
}

/** The authorization server that gave a token or a client id. */
const binding = () => ({
  issuer: z.string().optional(),
  authorization_server: z.string().optional(),
  token_endpoint: z.string().optional(),
});

export const makeLoginSchema = () =>
  z.object({
    url: z.string(),
    /** Unix time in milliseconds of the sign-in; 0 if there was none. */
    signedInAt: z.number(),
    /** The tokens; absent if the server has taken them back. */
    tokens: z.object({
      access_token: z.string(),
      token_type: z.string(),
      expires_in: z.number().optional(),
      scope: z.string().optional(),
      refresh_token: z.string().optional(),
      ...binding(),
    }).optional(),
    /** When the access token ends, in Unix milliseconds; absent if the server did not say. */
    expiresAt: z.number().optional(),
    /** Barnacle's registration at the authorization server; absent before the first sign-in. */
    client: z.object({
      client_id: z.string(),
      client_secret: z.string().optional(),
      ...binding(),
    }).optional(),
    /** Scopes that the next sign-in asks for, because a request lacked some of them. */
    wantedScope: z.string().optional(),
    /** Whether the owners know that the server wants a sign-in. */
    isTold: z.boolean().optional(),
  });

/** Made when it is first needed: most bots have no login. */
let loginSchema: ReturnType<typeof makeLoginSchema> | undefined;

export type Login = z.infer<ReturnType<typeof makeLoginSchema>>;
export type LoginTokens = NonNullable<Login["tokens"]>;
export type LoginClient = NonNullable<Login["client"]>;

/**
 * Creates the logins.
 *
 * @param folder Folder of MCP servers in the data directory.
 * @param sealing Absent: the files are plain, for their owner alone.
 */
export function createLogins(folder: string, sealing?: ReturnType<typeof createSealing>) {
  // Names of servers have no dots, so no folder of a server has this name.
  const pathOf = (serverId: string) => join(folder, `${serverId}.login.json`);
  return {
    /**
     * The login to a server.
     *
     * @param url Address of the config.
     * @returns `undefined` if there is none for this address, or the file is not ours to read.
     */
    read(serverId: string, url: string): Login | undefined {
      try {
        const written = readFileSync(pathOf(serverId), "utf8");
        const text = sealing ? sealing.open(written, serverId) : written;
        const login = (loginSchema ??= makeLoginSchema()).parse(JSON.parse(text));
        return login.url === url ? login : undefined;
      } catch {
        return undefined; // none, or not ours to read
      }
    },
    /**
     * Replaces a login. It is on the disk when this returns, because a server may take back the
     * tokens before.
     *
     * @throws {Error} If the file cannot be written.
     */
    write(serverId: string, login: Login): void {
      mkdirSync(folder, { recursive: true, mode: 0o700 });
      const text = JSON.stringify(login);
      replace(pathOf(serverId), `${sealing ? sealing.seal(text, serverId) : text}\n`);
    },
    remove(serverId: string): boolean {
      try {
        unlinkSync(pathOf(serverId)); // Bun's rmSync says EFAULT where a folder of the path is a file
        return true;
      } catch (error) {
        if (codeOf(error) === "ENOENT") return false;
        throw error;
      }
    },
  };
}

export type Logins = ReturnType<typeof createLogins>;

function replace(path: string, text: string): void {
  const part = `${path}.new`;
  rmSync(part, { force: true }); // an older one may be readable by others
  const descriptor = openSync(part, "wx", 0o600);
  try {
    writeFileSync(descriptor, text);
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
  keepOwner(dirname(dirname(path)), [dirname(path), part]);
  renameOver(part, path);
  syncFolder(dirname(path));
}

/** If root signs in for a service, the files belong to the user of the data directory. */
function keepOwner(dataDir: string, paths: readonly string[]): void {
  if (process.getuid?.() !== 0) return;
  const { uid, gid } = statSync(dataDir);
  for (const path of paths) chownSync(path, uid, gid);
}

export interface McpHttpServer {
  readonly url: string;
  /** Headers of each request; may be secret. */
  readonly headers: Readonly<Record<string, string>>;
  /** Barnacle's registration for a sign-in; absent: it registers itself. */
  readonly oauth?: {
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
  };
  /** Set if each person signs in with their own account (T13a). */
  readonly isEach?: true;
}

/** Whether the config has a token for the server, so that no login is used. */
export function hasOwnToken({ headers }: McpHttpServer): boolean {
  return Object.keys(headers).some((name) => name.toLowerCase() === "authorization");
}

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

  readonly challenge: Challenge;

  constructor(message: string, challenge: Challenge = {}) {
    super(message);
    this.challenge = challenge;
  }
}

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
