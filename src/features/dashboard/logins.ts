/** Keeps the dashboard's login links and sessions, as hashes (O6). Tokens of 256 bits need no limit of guesses. */

import { createHmac, randomBytes } from "node:crypto";

const TOKEN_BYTES = 32;

/** Milliseconds that a login link is valid. */
export const LINK_MS = 5 * 60_000;

/** Milliseconds that a session lasts. */
export const SESSION_MS = 12 * 3_600_000;

/** Links and sessions that exist at the same time; the oldest makes room. */
const MAX_LINKS = 4;
const MAX_SESSIONS = 16;

/** @param key Secrets of the bot: when they are rotated, all links and sessions end. */
export function createDashboardLogins(key: () => string, now: () => number = Date.now) {
  const links = new Map<string, number>();
  const sessions = new Map<string, number>();

  const hashOf = (token: string) => createHmac("sha256", key()).update(token).digest("base64url");

  function add(tokens: Map<string, number>, endsAt: number, max: number): string {
    const token = randomBytes(TOKEN_BYTES).toString("base64url");
    tokens.set(hashOf(token), endsAt);
    while (tokens.size > max) {
      const [oldest = ""] = tokens.keys();
      tokens.delete(oldest);
    }
    return token;
  }

  return {
    /** Makes the token of a login link, which works once. */
    createLink(): string {
      return add(links, now() + LINK_MS, MAX_LINKS);
    },
    /** Exchanges the token of a link for that of a session; `undefined`: it is none that works. */
    login(token: string): string | undefined {
      const hash = hashOf(token);
      const endsAt = links.get(hash) ?? 0;
      links.delete(hash);
      return endsAt > now() ? add(sessions, now() + SESSION_MS, MAX_SESSIONS) : undefined;
    },
    /** Whether it is the token of a session. */
    lasts: (token: string): boolean => (sessions.get(hashOf(token)) ?? 0) > now(),
    logout(token: string): void {
      sessions.delete(hashOf(token));
    },
  };
}
