/**
 * What an application has used up at Discord: the judge's notebook.
 *
 * A bot that works but spends a thousand IDENTIFYs a day, or sends requests
 * that Discord counts as invalid, loses its token or its address in the end.
 * So these are counted here, and tests hold the bot to the counts.
 *
 * @module
 */

import type { MessageId } from "../../src/core/discord/ids.ts";
import type { Presence } from "./frames.ts";
import type { Application, World } from "../world/world.ts";

/** Milliseconds in which Discord counts invalid requests. */
const INVALID_WINDOW_MS = 10 * 60 * 1000;

/** One heartbeat of a session. */
export interface Beat {
  /** Unix time in milliseconds. */
  readonly at: number;
  readonly sessionId: string;
  /** The sequence number that the client says it has; `null` of one that says none. */
  readonly seq: number | null;
  /** Milliseconds after an interval since the beat before, or since HELLO; 0 of one in time. */
  readonly lateMs: number;
  /** Milliseconds since it was asked for by op 1; absent of one that was not. */
  readonly askedMs?: number;
}

/** How the bot shows itself, as it said in IDENTIFY or with op 3. */
export interface ShownPresence extends Presence {
  /** Unix time in milliseconds. */
  readonly at: number;
  readonly sessionId: string;
  readonly via: "identify" | "update";
}

/** One application's counts; all times are Unix time in milliseconds. */
export interface Account {
  /** As it is now: the portal may have changed it. */
  readonly application: Application;
  connections: number;
  /** When each IDENTIFY arrived. */
  readonly identifies: number[];
  /** By rate limit key: when the last of them arrived. */
  readonly lastIdentifyAt: Map<number, number>;
  /** IDENTIFYs that came within five seconds of another of their key. */
  earlyIdentifies: number;
  readonly resumes: { readonly at: number; readonly outcome: "resumed" | "invalid" }[];
  heartbeats: number;
  /** Heartbeats that came later than an interval and a second after the one before. */
  lateBeats: number;
  /** The last heartbeats, the oldest first. */
  readonly beats: Beat[];
  /** All that the bot said of how it shows itself, the oldest first. */
  readonly presences: ShownPresence[];
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
      get application() {
        return world.applications.get(application.id) ?? application;
      },
      connections: 0,
      identifies: [],
      lastIdentifyAt: new Map(),
      earlyIdentifies: 0,
      resumes: [],
      heartbeats: 0,
      lateBeats: 0,
      beats: [],
      presences: [],
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
