/**
 * Sends the pages of each commit to PostgreSQL, and holds the lease of this process.
 *
 * A commit that must survive a power cut waits until PostgreSQL has it; all others go along behind,
 * in order. So for another process, a takeover is a start after a power cut, which the crash table
 * covers. While PostgreSQL does not answer, such commits wait, and so do requests to Discord once the
 * lease may have ended. Nothing is lost meanwhile: this process and its file have all of it.
 */

import type { StartTimer } from "../../lib/clock.ts";
import { COMMIT_OPTIONS, type CommitOptions } from "../database/durability.ts";
import { StoreError } from "../database/store_error.ts";
import { outageText, type RemoteError } from "./remote_error.ts";
import { type Lease, LEASE_MS, type Remote } from "./remote.ts";
import { createWalReader, type PageChange } from "./wal.ts";

/** The part of the lease that is not used: the answer of a renewal and a request take time, too. */
const UNUSED_MS = 2_000;
const RENEW_MS = 3_000;
/**
 * How long commits of normal durability wait for others. So T5, the bot's own message from the gateway
 * and TJ are one change after an answer. A takeover loses commits that still wait, as a power cut does.
 */
const BEHIND_MS = 1_000;
/** Delay before the next try. */
const RETRY_MS = 500;
/** How long a health check waits for PostgreSQL: `status` answers within a second. */
const PROBE_MS = 500;
/** A statement without an answer for longer is an outage. */
const SILENT_MS = 3_000;

/**
 * - `taken`: another process has the lease.
 * - `older`: PostgreSQL lacks changes that it had confirmed, because it failed over to a replica that
 *   lags, or has been restored. Further changes would mix two times of the store.
 */
export type LossReason = "taken" | "older";

/** A moment by two clocks: one stands still while the machine sleeps, and the other one jumps. */
export interface Moment {
  /** Milliseconds of a clock that never goes back. */
  readonly elapsed: number;
  /** Unix time in milliseconds. */
  readonly now: number;
}

/** Starts to hold the lease. The function is long because its inner functions share one state. */
export function createOwner(options: {
  readonly remote: Pick<Remote, "push" | "look" | "release">;
  /** The lease as it was taken. */
  readonly lease: Lease;
  /** When the lease was asked for, by `elapsed` and by `now`. */
  readonly takenAt: Moment;
  readonly moment: () => Moment;
  readonly schedule: StartTimer;
  /** This process must end, and gets no answer any more. */
  readonly onLost: (why: LossReason) => void;
  /** PostgreSQL has begun to fail, in this way, or answers again. */
  readonly onTrouble: (error: RemoteError | undefined) => void;
}) {
  const { remote, moment, schedule, onLost, onTrouble } = options;
  let { lease, takenAt: renewedAt } = options;
  let wal: ReturnType<typeof createWalReader> | undefined;
  let path = "";
  /** Changes that PostgreSQL lacks, newest content of each page. */
  let waiting: { readonly pages: Map<number, Uint8Array>; pageCount?: number } | undefined;
  /** When the oldest of them came, and the oldest of the statement under way, by `elapsed`. */
  let waitingSince: number | undefined;
  let sendingSince: number | undefined;
  /** Callers that wait for the next statement, or for a later one. */
  let callers: PromiseWithResolvers<void>[] = [];
  /** Callers that wait for the statement under way. */
  let inFlight: readonly PromiseWithResolvers<void>[] = [];
  let sending: Promise<void> | undefined;
  let cancelTimer: (() => void) | undefined;
  let trouble: RemoteError | undefined;
  /** When the statement under way was first sent, by `elapsed`. */
  let askedAt: number | undefined;
  /** How long the last renewal took; 0 in an outage. */
  let renewalMs = 0;
  let isLost = false;
  let isClosed = false;
  /** Whether the process ends, and waits no longer for a server that does not answer. */
  let isLeaving = false;

  const cancelRenewal = { now: () => {} };
  function renewLater(): void {
    cancelRenewal.now();
    cancelRenewal.now = schedule(() => void send(), RENEW_MS);
  }

  const isHeld = (): boolean => {
    const { elapsed, now } = moment();
    const age = Math.max(elapsed - renewedAt.elapsed, Math.abs(now - renewedAt.now));
    return !isClosed && age < LEASE_MS - UNUSED_MS;
  };

  function add({ pages, pageCount }: PageChange): void {
    waiting ??= { pages: new Map() };
    waitingSince ??= moment().elapsed;
    for (const [number, bytes] of pages) waiting.pages.set(number, bytes);
    if (pageCount === undefined) return;
    waiting.pageCount = pageCount;
    for (const number of waiting.pages.keys()) {
      if (number > pageCount) waiting.pages.delete(number);
    }
  }

  /** Sends all that waits, and renews the lease; one statement at a time. */
  function send(): Promise<void> {
    cancelTimer?.();
    cancelTimer = undefined;
    if (isClosed) return Promise.resolve(); // a change would renew the lease that has ended
    return sending ??= sendAll();
  }

  async function sendAll(): Promise<void> {
    do {
      const change = waiting;
      const served = callers;
      inFlight = served;
      waiting = undefined;
      callers = [];
      sendingSince = waitingSince;
      waitingSince = undefined;
      if (!await pushed(change)) {
        callers = [...served, ...callers];
        if (change) {
          const newer = waiting;
          waiting = undefined;
          add(change);
          if (newer) add(newer);
        }
        waitingSince = sendingSince ?? waitingSince;
        sending = undefined;
        return;
      }
      sendingSince = undefined;
      for (const { resolve } of served) resolve();
    } while (callers.length > 0 && !isClosed);
    sending = undefined; // at once: a caller that comes now would wait for the next renewal
    if (waiting) sendBehind();
    if (!isClosed) renewLater();
  }

  /** Stores a change. @returns `false` once another process has the lease, or at the end. */
  async function pushed(change: PageChange | undefined): Promise<boolean> {
    askedAt ??= moment().elapsed;
    for (;;) {
      if (isLost) return false;
      try {
        const before = moment();
        const sequence = await remote.push(lease, change);
        if (sequence !== undefined) {
          lease = { ...lease, sequence };
          renewedAt = before;
          renewalMs = moment().elapsed - before.elapsed;
          askedAt = undefined;
          settle(undefined);
          return true;
        }
        // A statement whose answer was lost has moved the sequence; so this one is sent again.
        const { epoch, sequence: stored } = await remote.look();
        const isOlder = epoch < lease.epoch || epoch === lease.epoch && stored < lease.sequence;
        if (isOlder || epoch !== lease.epoch) {
          isLost = true;
          onLost(isOlder ? "older" : "taken");
          return false;
        }
        lease = { ...lease, sequence: stored };
      } catch (error) {
        renewalMs = 0;
        settle(error as RemoteError);
        if (isClosed) return false;
        await new Promise<void>((resolve) => schedule(resolve, RETRY_MS));
      }
    }
  }

  function settle(error: RemoteError | undefined): void {
    const isNews = error?.kind !== trouble?.kind; // a lost connection is often the first sign only
    trouble = error;
    if (isNews) onTrouble(error);
    if (isLeaving) leave();
  }

  /** Fails the callers that wait, unless PostgreSQL answers. Their work is in the file. */
  function leave(): void {
    if (!trouble) return;
    const { message } = trouble;
    const error = new StoreError(
      `PostgreSQL has not confirmed the last commits (${message}); the next start sends them`,
      { kind: "unavailable", path },
    );
    for (const { reject } of [...inFlight, ...callers]) reject(error);
    callers = [];
  }

  function sendBehind(): void {
    if (!sending) cancelTimer ??= schedule(() => void send(), BEHIND_MS);
  }

  function confirmation(): Promise<void> {
    const caller = Promise.withResolvers<void>();
    callers.push(caller);
    void send();
    if (isLeaving) leave();
    return caller.promise;
  }

  /** Waits until the lease holds; at once if it does. */
  async function holds(): Promise<void> {
    while (!isHeld()) await confirmation();
  }

  function problem(): string | undefined {
    if (trouble) return outageText(trouble);
    const silentMs = moment().elapsed - (askedAt ?? Infinity);
    return silentMs < SILENT_MS ? undefined : "PostgreSQL does not answer";
  }

  /** Fails at once in a known outage; a statement that is only slow is none. */
  async function probe(): Promise<void> {
    const late = Promise.withResolvers<void>();
    const cancel = schedule(late.resolve, problem() === undefined ? PROBE_MS : 0);
    await Promise.race([confirmation(), late.promise]).finally(cancel);
    const why = problem();
    if (why === undefined) return;
    throw new StoreError(`${why}; answers wait until it does`, { kind: "unavailable", path });
  }

  renewLater();

  return {
    /**
     * Begins to follow the log of a database whose file PostgreSQL has, and whose log is empty.
     *
     * @param database Path of the database file.
     */
    follow(database: string): void {
      path = database;
      wal = createWalReader(database);
    },
    /** Reads the pages of the commits since the last call. Called after each commit, at once. */
    committed(): void {
      const change = isClosed ? undefined : wal?.read();
      if (!change) return;
      add(change);
      sendBehind();
    },
    /** Stores pages and waits for them; for the difference between file and PostgreSQL. */
    store(change: PageChange): Promise<void> {
      add(change);
      return confirmation();
    },
    /**
     * Waits until PostgreSQL has a commit.
     *
     * @returns `undefined` if a commit with these options need not wait.
     */
    confirmed(options: CommitOptions): Promise<void> | undefined {
      if (options.durability === "normal") return undefined;
      return options === COMMIT_OPTIONS.PROBE ? probe() : confirmation().then(holds);
    },
    /** For how long the oldest change has waited for PostgreSQL, in milliseconds; 0 if none does. */
    lagMs(): number {
      const since = sendingSince ?? waitingSince;
      return since === undefined ? 0 : Math.max(0, moment().elapsed - since);
    },
    isSlow: (): boolean => renewalMs > SILENT_MS,
    /** Why PostgreSQL does not take changes; `undefined` if it does. */
    problem,
    /**
     * Waits until this process certainly has the lease: before each request that changes Discord, and
     * before each RESUME, which would take the session from a new owner.
     */
    mayAct: (): Promise<void> => holds(),
    /** From now on, commits that PostgreSQL does not confirm fail: the process ends. */
    leave(): void {
      isLeaving = true;
      leave();
    },
    /**
     * Sends the last pages and ends the lease, so that another process goes on at once. From then on,
     * commits and requests to Discord wait until this process ends.
     *
     * @param limitMs Milliseconds after which it gives up.
     * @returns Whether PostgreSQL has everything.
     */
    async handOver(limitMs: number): Promise<boolean> {
      const limit = new Promise<false>((resolve) => schedule(() => resolve(false), limitMs));
      isLeaving = false; // this waits once more, but not for ever
      const done = (async () => {
        await confirmation();
        isClosed = true;
        cancelRenewal.now();
        await remote.release(lease);
        return true;
      })().catch(() => false);
      const isDone = await Promise.race([done, limit]);
      isClosed = true;
      cancelRenewal.now();
      cancelTimer?.();
      wal?.close();
      return isDone;
    },
  };
}

export type Owner = ReturnType<typeof createOwner>;
