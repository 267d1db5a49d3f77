/**
 * Keeps the dashboard's login links and sessions, as hashes (O6).
 *
 * All tokens have 256 bits, so the limit of wrong ones is no help against guesses: it keeps a program
 * that tries from taking time and log lines.
 */

import { createHmac, randomBytes } from "node:crypto";

const TOKEN_BYTES = 32;

/** Milliseconds that a login link is valid. */
export const LINK_MS = 5 * 60_000;

/** Milliseconds that a session lasts. */
export const SESSION_MS = 12 * 3_600_000;

/** Links and sessions that exist at the same time; the oldest makes room. */
const MAX_LINKS = 4;
const MAX_SESSIONS = 16;

/** Wrong tokens of a minute, of all clients; loopback has no address of a client. */
const MAX_WRONG = 10;
const WRONG_MS = 60_000;

export type LoginResult =
  | { readonly kind: "session"; readonly token: string }
  | {
    readonly kind: "wrong" | "limited";
    /** Whether the log says so: of many in a minute, only the first ones. */
    readonly isNews: boolean;
  };

export function createLogins({ now, key }: {
  readonly now: () => number;
  /** Secrets of the bot: when they are rotated, all links and sessions end. */
  readonly key: () => string;
}) {
  const links = new Map<string, number>();
  const sessions = new Map<string, number>();
  let wrong: readonly number[] = [];
  /** Whether the log has the limit since the last wrong token that it did not stop. */
  let toldLimit = false;

  const recentlyWrong = () => wrong = wrong.filter((at) => at > now() - WRONG_MS);
  const isLimited = () => recentlyWrong().length >= MAX_WRONG;

  function countWrong(): "wrong" | "limited" {
    if (isLimited()) return "limited";
    wrong = [...wrong, now()];
    toldLimit = false;
    return "wrong";
  }

  function wrongLogin(): LoginResult {
    const kind = countWrong();
    const isNews = kind === "wrong" || !toldLimit;
    toldLimit = kind === "limited";
    return { kind, isNews };
  }

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

  const lasts = (token: string): boolean => {
    const hash = hashOf(token);
    return (sessions.get(hash) ?? 0) > now();
  };

  return {
    /** Makes the token of a login link, which works once. */
    createLink(): string {
      return add(links, now() + LINK_MS, MAX_LINKS);
    },
    /** Exchanges the token of a link for that of a session; a right one also while wrong ones are limited. */
    login(token: string): LoginResult {
      const hash = hashOf(token);
      const endsAt = links.get(hash);
      links.delete(hash);
      if (endsAt === undefined || endsAt <= now()) return wrongLogin();
      return { kind: "session", token: add(sessions, now() + SESSION_MS, MAX_SESSIONS) };
    },
    /** Checks the token of a session, in the same way. */
    check: (token: string): "right" | "wrong" | "limited" => lasts(token) ? "right" : countWrong(),
    /** Whether a session lasts; for an answer that began with its right token. */
    lasts,
    logout(token: string): void {
      sessions.delete(hashOf(token));
    },
  };
}

/** Login links and sessions. */
export type DashboardLogins = ReturnType<typeof createLogins>;
