/**
 * Chooses which of the waiting requests leaves next, and when.
 *
 * The next of each lane waits for room in its bucket, and then for its place in
 * the pace of the whole bot, by rank and then in turn.
 *
 * Nothing here asks again and again whether something has changed: each change
 * looks at the lanes that it concerns, and one timer waits for the next slot.
 *
 * @module
 */

import type { Schedule } from "../../../lib/schedule.ts";
import type { RestError } from "../exchange/rest_error.ts";
import type { Route } from "../exchange/route.ts";
import { createAlarm } from "./alarm.ts";
import { type Bucket, createBuckets, roomAt } from "./buckets.ts";
import type { Gate } from "./gate.ts";
import { createHolds, type Hold, type HoldsDeps } from "./holds.ts";
import { type Lane, type Lanes, nextOf } from "./lane.ts";
import type { Limits } from "./limits.ts";
import { createLineUp, QUEUED } from "./line_up.ts";
import { createPace, type PaceOptions } from "./pace.ts";
import type { Departure } from "./passage.ts";
import { createRoomWaits } from "./room_waits.ts";
import type { Terms, Ticket } from "./ticket.ts";

export interface SchedulerDeps extends PaceOptions, HoldsDeps {
  /** Milliseconds of a clock that is never set, for the limits: a Pi sets its clock after it starts. */
  readonly steadyNow: () => number;
  readonly schedule: Schedule;
}

export interface Scheduler<T> {
  /** Looks again at a lane that has changed, and lets go whatever may leave now. */
  look(lane: Lane<T>): void;
  /** Lets go whatever may leave now. */
  pump(): void;
  /** For what is spare: now, if its room is spare as well; else not at all. */
  takeSpare(route: Route, terms: Terms): T | undefined;
  /** One that was to leave at a moment is on its way only now. */
  left(takenAt: number): void;
  /** Keeps what an answer said; returns the milliseconds for which a 429 closes its bucket, or all. */
  answered(route: Route, bucket: Bucket, limits: Limits | undefined): number;
  /** The gate is closed, and the timers end with it. */
  stop(): void;
}

/**
 * It is longer than most: each change of a lane, a bucket or the pace may let a request of another
 * lane go, so these functions share one state.
 *
 * @param depart Makes the value with which the ticket of a leaving request resolves.
 */
export function createScheduler<T>(
  deps: SchedulerDeps,
  gate: Pick<Gate, "isClosed" | "problemOf" | "tooLong">,
  lanes: Lanes<T>,
  depart: (departure: Departure<T>) => T,
): Scheduler<T> {
  const { steadyNow, schedule } = deps;
  const buckets = createBuckets();
  const holds = createHolds(deps);
  const pace = createPace(deps);
  const lineUp = createLineUp<T>();
  const waits = createRoomWaits<T>(schedule);
  const alarm = createAlarm(schedule, pump);
  let heldUntil = -Infinity;

  function fail(ticket: Ticket<T>, error: RestError): void {
    if (lanes.leave(ticket)) ticket.reject(error);
  }

  /** Finds out what the next of a lane waits for, so that it is looked at again then. */
  function examine(lane: Lane<T>): void {
    waits.end(lane);
    if (lane.isHeld) return;
    const at = steadyNow();
    const bucket = buckets.of(lane.route);
    for (let ticket = nextOf(lane); ticket; ticket = nextOf(lane)) {
      ticket.nextSince ??= at;
      const readyAt = Math.max(ticket.notBefore, roomAt(bucket, at));
      const problem = gate.tooLong(lane.route, ticket.terms, Math.max(readyAt, heldUntil) - at);
      if (problem) fail(ticket, problem);
      else if (readyAt > at) {
        lane.entry = undefined;
        return waits.begin(lane, bucket, readyAt - at, () => look(lane));
      } else return lineUp.add(lane, ticket);
    }
    lane.entry = undefined;
    lanes.drop(lane);
  }

  function look(lane: Lane<T>): void {
    examine(lane);
    pump();
  }

  /** Lets go whatever may leave now, and sets the alarm for what may next. */
  function pump(): void {
    if (gate.isClosed) return;
    const at = steadyNow();
    let held: Hold | undefined;
    for (const rank of QUEUED) {
      for (let next = lineUp.next(rank); next; next = lineUp.next(rank)) {
        held ??= hold(at);
        const waitMs = pace.waitMs(rank, held, at);
        if (waitMs > 0) return alarm.set(at, waitMs);
        const { lane, ticket } = next;
        const bucket = buckets.of(lane.route);
        const problem = gate.problemOf(lane.route, ticket.terms);
        if (problem) fail(ticket, problem);
        // Another lane of the same bucket may have taken the room.
        if (problem || roomAt(bucket, at) > at) examine(lane);
        else {
          lineUp.take(next);
          lanes.leave(ticket);
          const { nextSince = at, terms } = ticket;
          pace.take(rank, at);
          ticket.resolve(depart({ lane, terms, bucket, waitMs: at - nextSince, at }));
        }
      }
    }
    alarm.cancel();
  }

  /** What holds everything back; a request that cannot wait so long fails as soon as it begins. */
  function hold(at: number): Hold {
    const held = holds.at(at);
    const isLonger = held.until > heldUntil;
    heldUntil = held.until;
    if (isLonger && held.until > at) lanes.all().forEach(examine);
    return held;
  }

  return {
    look,
    pump,
    takeSpare(route, terms) {
      const at = steadyNow();
      const bucket = buckets.of(route);
      // Where a reply waits for its slot, there is none to spare either.
      if (lanes.has(route) || roomAt(bucket, at) > at) return undefined;
      if (pace.waitMs("spare", hold(at), at) > 0) return undefined;
      pace.take("spare", at);
      return depart({ lane: lanes.of(route), terms, bucket, waitMs: 0, at });
    },
    left: (takenAt) => pace.left(takenAt, steadyNow()),
    answered(route, bucket, limits) {
      const then = steadyNow();
      const pauseMs = limits ? holds.tell(bucket, limits, then) : 0;
      const bucketMs = limits?.refused?.isForAll ? 0 : pauseMs;
      const told = buckets.tell(route, limits ?? {}, bucketMs, then);
      const waiting = [...waits.of(bucket), ...told === bucket ? [] : waits.of(told)];
      waiting.forEach(examine);
      if (waiting.length > 0) pump();
      if (pauseMs > 0) hold(then);
      return pauseMs;
    },
    stop() {
      alarm.cancel();
      for (const lane of lanes.all()) waits.end(lane);
    },
  };
}
