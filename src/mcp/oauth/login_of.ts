/**
 * The login of one server's connection: its tokens, its failures, and texts without the tokens.
 *
 * @module
 */

import type { Log, LogFields } from "../../lib/log.ts";
import { createRedactor } from "../../lib/text/redactor.ts";
import { hasOwnToken, type HttpServer } from "./http_server.ts";
import { createOAuthProvider, type OAuthProvider, SignInNeededError } from "./provider.ts";
import type { Logins } from "./logins.ts";

/** The dependencies of a login. */
export interface LoginPorts {
  /** Logins to servers over HTTP. */
  readonly logins: Logins;
  /** Unix time in milliseconds. */
  readonly now: () => number;
  /** Gets warnings and failures. */
  readonly log: Log;
  /** A server wants a sign-in; called once until the next one, also over a restart. */
  readonly onSignIn?: (serverId: string) => void;
}

/** The login of a server. */
export interface LoginOf {
  /** Log whose lines have none of the tokens, which servers may repeat. */
  readonly log: Log;
  /** The login for a new connection; `undefined` if there is none. */
  provider(): OAuthProvider | undefined;
  /** Unix time in milliseconds of the sign-in; `undefined` if there is none. */
  signedInAt(): number | undefined;
  /** The refusal of a server, in words: renewing the tokens may work later. */
  failureOf(refusal: Error): Error;
  /** Tells the owners that the server wants a sign-in, once. */
  tell(): void;
  /** Removes the tokens from a text. */
  clean(text: string): string;
  /** Removes the tokens from all texts of a JSON value. */
  cleanAll<Value>(value: Value): Value;
}

/**
 * Creates the login of a server. One with a token of the config has none.
 *
 * @param server `undefined` for a program.
 */
export function createLoginOf(
  id: string,
  server: HttpServer | undefined,
  { logins, log, now, onSignIn }: LoginPorts,
): LoginOf {
  const url = server && !hasOwnToken(server) ? server.url : undefined;
  const read = () => url === undefined ? undefined : logins.read(id, url);
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
    log: {
      debug: (message, fields) => log.debug(message, cleanFields(fields)),
      info: (message, fields) => log.info(message, cleanFields(fields)),
      warn: (message, fields) => log.warn(message, cleanFields(fields)),
      error: (message, fields) => log.error(message, cleanFields(fields)),
    },
    provider() {
      current = url !== undefined && read()?.tokens
        ? createOAuthProvider({ serverId: id, url, logins, now })
        : undefined;
      return current;
    },
    signedInAt: () => read()?.signedInAt,
    failureOf(refusal) {
      return refusal instanceof SignInNeededError && current?.isUnrenewed()
        ? new Error("its login could not be renewed now; it is tried again")
        : refusal;
    },
    tell() {
      if (url === undefined || !onSignIn) return;
      const login = read() ?? { url, signedInAt: 0 };
      if (login.isTold || toldAt === login.signedInAt) return;
      toldAt = login.signedInAt;
      onSignIn(id);
      try {
        logins.write(id, { ...login, isTold: true });
      } catch (error) {
        log.warn("Cannot note that the owners know of a sign-in", { server: id, error });
      }
    },
    clean,
    cleanAll<Value>(value: Value): Value {
      if (!read()?.tokens) return value;
      const text = JSON.stringify(value);
      const cleaned = clean(text);
      return cleaned === text ? value : JSON.parse(cleaned); // the same form
    },
  };
}
