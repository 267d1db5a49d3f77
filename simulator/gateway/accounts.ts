/**
 * Counts each application's use of Discord, for tests.
 *
 * A bot that sends a thousand IDENTIFYs a day loses its token. One that sends too many invalid
 * requests gets its address banned. So both are counted here, and tests check the counts.
 */

import type { MessageId } from "../../src/core/discord/ids.ts";
import type { Presence } from "./frames.ts";
import type { Application, World } from "../world/world.ts";

/** Milliseconds in which Discord counts invalid requests. */
const INVALID_WINDOW_MS = 10 * 60 * 1000;

export interface RecordedHeartbeat {
  /** Unix time in milliseconds. */
  readonly at: number;
  readonly sessionId: string;
  /** The client's sequence number; `null` if it names none. */
  readonly seq: number | null;
  /** Milliseconds beyond an interval since the beat before, or since HELLO; 0 for one in time. */
  readonly lateMs: number;
}

/** The bot's presence, from IDENTIFY or op 3. */
export interface ShownPresence extends Presence {
  /** Unix time in milliseconds. */
  readonly at: number;
  readonly sessionId: string;
  readonly via: "identify" | "update";
}

/** One application's counts; all times are Unix times in milliseconds. */
export interface Account {
  /** The application's current state: the portal may have changed it. */
  readonly application: Application;
  connections: number;
  /** When each IDENTIFY arrived. */
  readonly identifies: number[];
  /** IDENTIFYs that came within five seconds of another of their key. */
  earlyIdentifies: number;
  readonly resumes: { readonly at: number; readonly outcome: "resumed" | "invalid" }[];
  heartbeats: number;
  /** Heartbeats that came more than an interval and a second after the one before. */
  lateBeats: number;
  /** The last heartbeats, oldest first. */
  readonly beats: RecordedHeartbeat[];
  /** All presences of the bot, oldest first. */
  readonly presences: ShownPresence[];
  /** Close codes that the simulator sent by itself. */
  readonly closes: number[];
  /** Close codes of the client; 1006 if it sent none. */
  readonly clientCloses: number[];
  /**
   * Times of each counted 401, 403 or 429. Discord counts by address, so all applications share
   * them.
   */
  readonly invalidRequests: readonly number[];
  /** 429s, those of a shared limit too. */
  rateLimited: number;
  /** By nonce: how often a message was requested, and the created messages. */
  readonly creates: Map<string, { attempts: number; readonly messages: Set<MessageId> }>;
  /** Set once the token was reset, for too many IDENTIFYs. */
  tokenResetAt: number | undefined;
}

/** The counts of a world's applications, by token. */
export interface Accounts {
  /** The owner of a token; `undefined` for a wrong one or one that was reset. */
  byToken(token: string): Account | undefined;
  of(application: Application): Account;
  /**
   * Counts an invalid request.
   *
   * @returns Number of them within the window.
   */
  noteInvalid(now: number): number;
  /** Times within the last ten minutes. */
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
