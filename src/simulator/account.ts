/**
 * What an application has used up at Discord: the judge's notebook.
 *
 * A bot that works but spends a thousand IDENTIFYs a day, or sends requests
 * that Discord counts as invalid, loses its token or its address in the end.
 * So these are counted here, and tests hold the bot to the counts.
 *
 * @module
 */

import type { MessageId } from "../core/ids.ts";
import type { Application, World } from "./world.ts";

/** Milliseconds in which the IDENTIFYs of {@link IdentifyLimit.total} are counted. */
const IDENTIFY_WINDOW_MS = 24 * 60 * 60 * 1000;

/** Milliseconds in which Discord counts invalid requests. */
const INVALID_WINDOW_MS = 10 * 60 * 1000;

/** Discord's `session_start_limit`. */
export interface IdentifyLimit {
  /** IDENTIFYs in 24 hours; one more resets the token. */
  readonly total: number;
  /** IDENTIFYs in five seconds. */
  readonly maxConcurrency: number;
}

/** One application's counts; all times are Unix time in milliseconds. */
export interface Account {
  readonly application: Application;
  connections: number;
  /** When each IDENTIFY arrived. */
  readonly identifies: number[];
  readonly resumes: { readonly at: number; readonly outcome: "resumed" | "invalid" }[];
  heartbeats: number;
  /** Heartbeats that came later than an interval and a grace after the one before. */
  lateBeats: number;
  /** Codes with which the simulator closed a connection on its own account. */
  readonly closes: number[];
  /** Codes with which the client did; 1006 where it just went. */
  readonly clientCloses: number[];
  /** When each 401, 403 or 429 was given that Discord counts: by address, so all applications share them. */
  readonly invalidRequests: readonly number[];
  /** 429s that were given, those of a shared limit too. */
  rateLimited: number;
  /** By nonce: how often a message was asked for, and which messages came of it. */
  readonly creates: Map<string, { attempts: number; readonly messages: Set<MessageId> }>;
  /** Set once the token was reset, for too many IDENTIFYs. */
  tokenResetAt: number | undefined;
}

/** The accounts of a world, by the application's token. */
export interface Accounts {
  /** Whose token it is; `undefined` of a wrong one, and of one that was reset. */
  byToken(token: string): Account | undefined;
  of(application: Application): Account;
  /** Notes a request that Discord counts as invalid, and tells how many there were lately. */
  noteInvalid(now: number): number;
  /** Those of the last ten minutes. */
  countInvalid(now: number): number;
}

export function createAccounts(world: World): Accounts {
  const accounts = new Map<Application["id"], Account>();
  const invalidRequests: number[] = [];
  const countInvalid = (now: number): number => {
    while (now - (invalidRequests[0] ?? now) >= INVALID_WINDOW_MS) invalidRequests.shift();
    return invalidRequests.length;
  };
  const of = (application: Application): Account => {
    const known = accounts.get(application.id);
    if (known) return known;
    const account: Account = {
      application,
      connections: 0,
      identifies: [],
      resumes: [],
      heartbeats: 0,
      lateBeats: 0,
      closes: [],
      clientCloses: [],
      invalidRequests,
      rateLimited: 0,
      creates: new Map(),
      tokenResetAt: undefined,
    };
    accounts.set(application.id, account);
    return account;
  };
  return {
    of,
    countInvalid,
    noteInvalid(now) {
      invalidRequests.push(now);
      return countInvalid(now);
    },
    byToken(token) {
      for (const application of world.applications.values()) {
        if (application.token !== token) continue;
        const account = of(application);
        return account.tokenResetAt === undefined ? account : undefined;
      }
      return undefined;
    },
  };
}

/** What `GET /gateway/bot` says is left; `reset_after` in milliseconds. */
export function sessionStartLimit(
  { identifies }: Account,
  { total, maxConcurrency }: IdentifyLimit,
  now: number,
): Readonly<Record<string, number>> {
  const recent = identifies.filter((at) => now - at < IDENTIFY_WINDOW_MS);
  const first = recent[0];
  return {
    total,
    remaining: Math.max(0, total - recent.length),
    reset_after: first === undefined ? 0 : first + IDENTIFY_WINDOW_MS - now,
    max_concurrency: maxConcurrency,
  };
}
