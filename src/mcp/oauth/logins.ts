/**
 * Keeps logins to MCP servers over HTTP in files of the data directory, one per server (T13).
 *
 * A file has tokens, so only its owner may read it. Each read looks at the file again, because
 * `barnacle mcp login` writes it beside a running bot. A login counts only for the address that it
 * was made for: with another address in the config, the token goes nowhere.
 */

import process from "node:process";
import { Buffer } from "node:buffer";
import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from "node:crypto";
import {
  chownSync,
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { z } from "zod";
import { codeOf } from "../../lib/errors.ts";

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
/** Barnacle's registration at an authorization server. */
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
    /** Deletes a login. Returns whether there was a login. */
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
  renameSync(part, path);
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
