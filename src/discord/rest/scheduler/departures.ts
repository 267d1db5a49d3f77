/**
 * Lets each request leave when its turn has come.
 *
 * The next of each lane waits for room in its bucket, and then for its place in
 * the pace of the whole bot, by rank and then in turn. What is in the background
 * gives way to whatever comes while it waits; what is spare leaves at once or
 * never. A request that would leave too late fails instead, as soon as that is
 * known, and once the gates are closed nothing leaves any more.
 *
 * Nothing here asks again and again whether something has changed: each change
 * looks at the lanes that it concerns, and one timer waits for the next slot.
 *
 * @module
 */

import { MAX_TIMER_MS, type Schedule } from "../../../lib/schedule.ts";
import { type RestError, type RestErrorKind, toUnsent } from "../exchange/rest_error.ts";
import type { Route } from "../exchange/route.ts";
import { type Bucket, createBuckets, roomAt } from "./buckets.ts";
import { createHolds, type Hold, type HoldsDeps } from "./holds.ts";
import { createLane, type Lane, nextOf } from "./lane.ts";
import type { Limits } from "./limits.ts";
import { createLineUp, QUEUED } from "./line_up.ts";
import { createPace, type PaceOptions } from "./pace.ts";
import { createRoomWaits } from "./room_waits.ts";
import { endWait, type Terms, type Ticket, watch } from "./ticket.ts";

export interface DeparturesDeps extends PaceOptions, HoldsDeps {
  /** Unix time in milliseconds, for `notAfter` only. */
  readonly now: () => number;
  /** Milliseconds of a clock that is never set, for the limits: a Pi sets its clock after it starts. */
  readonly steadyNow: () => number;
  readonly schedule: Schedule;
}

export interface Departures {
  /**
   * Resolves at the moment at which a request may leave; its lane is held until the passage ends.
   *
   * @throws {RestError} If it may not leave in time, or not at all.
   */
  enter(route: Route, terms: Terms): Promise<Passage>;
  /** From now on nothing leaves, what waits included. The first reason stays. */
  close(kind: RestErrorKind, reason: string): void;
  /** Requests that wait for their turn. */
  readonly queued: number;
}

/** A request that leaves. It ends by `again` or `done`. */
export interface Passage {
  /** Milliseconds that it waited for limits, as the next of its lane. */
  readonly waitMs: number;
  /** Its request is on its way: by now, it counts. */
  left(): void;
  /**
   * Keeps what its answer said; nothing for no answer.
   *
   * @returns Milliseconds for which a 429 closes its bucket, or all; else 0.
   */
  note(limits?: Limits): number;
  /** Takes its turn once more, not before `afterMs`, and before the others of its lane. */
  again(afterMs: number): Promise<Passage>;
  /** Lets the next of the lane go; harmless afterwards. */
  done(): void;
}

export function createDepartures(deps: DeparturesDeps): Departures {
  const { now, steadyNow, schedule } = deps;
  const lanes = new Map<string, Lane<Passage>>();
  const buckets = createBuckets();
  const holds = createHolds(deps);
  const pace = createPace(deps);
  const lineUp = createLineUp<Passage>();
  const waits = createRoomWaits<Passage>(schedule);
  let heldUntil = -Infinity;
  let queued = 0;
  let alarm: { readonly at: number; readonly cancel: () => void } | undefined;
  let closed: { readonly kind: RestErrorKind; readonly reason: string } | undefined;

  function problemOf(route: Route, { notAfter, signal }: Terms): RestError | undefined {
    if (closed) return toUnsent(route, closed.kind, closed.reason);
    if (signal?.aborted) return toUnsent(route, "unsent", "it was given up");
    return now() > notAfter ? toUnsent(route, "unsent", "its turn came too late") : undefined;
  }

  function laneOf(route: Route): Lane<Passage> {
    const lane = lanes.get(route.lane) ?? createLane(route);
    lanes.set(route.lane, lane);
    return lane;
  }

  function queue(route: Route, terms: Terms, notBefore = -Infinity): Promise<Passage> {
    const problem = problemOf(route, terms);
    if (problem) return Promise.reject(problem);
    const lane = laneOf(route);
    const { promise, resolve, reject } = Promise.withResolvers<Passage>();
    const ticket: Ticket<Passage> = {
      terms,
      notBefore,
      resolve,
      reject,
      nextSince: undefined,
      isWaiting: true,
      unwatch: undefined,
    };
    const line = terms.rank === "background" ? lane.background : lane.line;
    if (notBefore > -Infinity) line.unshift(ticket);
    else line.push(ticket);
    queued++;
    if (nextOf(lane) === ticket) look(lane);
    pump();
    watch(ticket, {
      now,
      schedule,
      onOver(why) {
        const reason = why === "late" ? "its turn came too late" : "it was given up";
        fail(ticket, toUnsent(route, "unsent", reason));
        look(lane);
        pump();
      },
    });
    return promise;
  }

  /** For what is spare: now, if nobody could miss the room that it takes. */
  function leaveAtOnce(route: Route, terms: Terms): Promise<Passage> {
    const problem = problemOf(route, terms);
    if (problem) return Promise.reject(problem);
    const at = steadyNow();
    const bucket = buckets.of(route);
    // Where a reply waits for its slot, there is none to spare either.
    const isBusy = lanes.has(route.lane) || roomAt(bucket, at) > at;
    if (isBusy || pace.waitMs("spare", hold(at), at) > 0) {
      return Promise.reject(toUnsent(route, "unsent", "there is no room to spare for it"));
    }
    return Promise.resolve(depart(laneOf(route), terms, bucket, 0, at));
  }

  function fail(ticket: Ticket<Passage>, error: RestError): void {
    if (!endWait(ticket)) return;
    queued--;
    ticket.reject(error);
  }

  /** Finds out what the next of a lane waits for, so that it is looked at again then. */
  function look(lane: Lane<Passage>): void {
    waits.end(lane);
    if (lane.isHeld) return;
    const at = steadyNow();
    const bucket = buckets.of(lane.route);
    for (let ticket = nextOf(lane); ticket; ticket = nextOf(lane)) {
      ticket.nextSince ??= at;
      const readyAt = Math.max(ticket.notBefore, roomAt(bucket, at));
      const waitMs = Math.max(readyAt, heldUntil) - at;
      if (waitMs > 0 && waitMs < Infinity && now() + waitMs > ticket.terms.notAfter) {
        const ms = Math.ceil(waitMs);
        const lasts = `a limit lasts ${Math.ceil(ms / 1_000)} s more`;
        const reason = `${lasts}, and by then it would be too late; try again after that`;
        fail(ticket, toUnsent(lane.route, "rate_limited", reason, ms));
      } else if (readyAt > at) {
        lane.entry = undefined;
        return waits.begin(lane, bucket, readyAt - at, () => {
          look(lane);
          pump();
        });
      } else return lineUp.add(lane, ticket);
    }
    lane.entry = undefined;
    lanes.delete(lane.route.lane);
  }

  /** Lets go whatever may leave now, and sets the alarm for what may next. */
  function pump(): void {
    if (closed) return;
    const at = steadyNow();
    let held: Hold | undefined;
    for (const rank of QUEUED) {
      for (let next = lineUp.next(rank); next; next = lineUp.next(rank)) {
        held ??= hold(at);
        const waitMs = pace.waitMs(rank, held, at);
        if (waitMs > 0) return setAlarm(at, waitMs);
        const { lane, ticket } = next;
        const bucket = buckets.of(lane.route);
        const problem = problemOf(lane.route, ticket.terms);
        if (problem) fail(ticket, problem);
        // Another lane of the same bucket may have taken the room.
        if (problem || roomAt(bucket, at) > at) look(lane);
        else {
          queued--;
          lineUp.take(next);
          const { nextSince = at, terms } = ticket;
          endWait(ticket);
          ticket.resolve(depart(lane, terms, bucket, at - nextSince, at));
        }
      }
    }
    alarm?.cancel();
    alarm = undefined;
  }

  function setAlarm(at: number, waitMs: number): void {
    if (alarm && alarm.at <= at + waitMs) return;
    alarm?.cancel();
    const cancel = schedule(() => {
      alarm = undefined;
      pump();
    }, Math.min(Math.ceil(waitMs), MAX_TIMER_MS));
    alarm = { at: at + waitMs, cancel };
  }

  /** What holds everything back; whoever cannot wait so long is told as soon as it begins. */
  function hold(at: number): Hold {
    const held = holds.at(at);
    const isLonger = held.until > heldUntil;
    heldUntil = held.until;
    if (isLonger && held.until > at) [...lanes.values()].forEach(look);
    return held;
  }

  function depart(
    lane: Lane<Passage>,
    terms: Terms,
    bucket: Bucket,
    waitMs: number,
    at: number,
  ): Passage {
    const { route } = lane;
    lane.isHeld = true;
    lane.entry = undefined;
    bucket.underWay++;
    pace.take(terms.rank, at);
    let isUnderWay = true;
    let isOver = false;

    function note(limits?: Limits): number {
      if (!isUnderWay) return 0;
      isUnderWay = false;
      bucket.underWay--;
      const then = steadyNow();
      const pauseMs = limits ? holds.tell(bucket, limits, then) : 0;
      const bucketMs = limits?.refused?.isForAll ? 0 : pauseMs;
      const told = buckets.tell(route, limits ?? {}, bucketMs, then);
      const waiting = [...waits.of(bucket), ...told === bucket ? [] : waits.of(told)];
      waiting.forEach(look);
      if (waiting.length > 0) pump();
      if (pauseMs > 0) hold(then);
      return pauseMs;
    }

    function end(): boolean {
      if (isOver) return false;
      isOver = true;
      note();
      lane.isHeld = false;
      return true;
    }

    return {
      waitMs,
      left: () => pace.left(at, steadyNow()),
      note,
      again(afterMs) {
        if (!end()) return Promise.reject(new Error("Cannot go again: the passage is over"));
        const next = queue(route, terms, steadyNow() + afterMs);
        look(lane); // where it may not go again, the one behind it is next
        pump();
        return next;
      },
      done() {
        if (!end()) return;
        look(lane);
        pump();
      },
    };
  }

  return {
    enter: (route, terms) =>
      terms.rank === "spare" ? leaveAtOnce(route, terms) : queue(route, terms),
    close(kind, reason) {
      if (closed) return;
      closed = { kind, reason };
      alarm?.cancel();
      for (const lane of [...lanes.values()]) {
        waits.end(lane);
        for (const ticket of [...lane.line, ...lane.background]) {
          fail(ticket, toUnsent(lane.route, kind, reason));
        }
        if (!lane.isHeld) lanes.delete(lane.route.lane);
      }
    },
    get queued() {
      return queued;
    },
  };
}
