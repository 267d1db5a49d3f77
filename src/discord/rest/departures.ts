/**
 * Holds each request until it may leave.
 *
 * What an answer says of the limits is kept here, per lane and for all; so is
 * the pace of the whole bot. A request that would leave too late fails instead,
 * and once the gates are closed nothing leaves any more. What nobody waits for
 * stays back until nothing else is about to leave.
 *
 * @module
 */

import type { Schedule } from "../../lib/schedule.ts";
import { createFifo } from "./fifo.ts";
import { RestError, type RestErrorKind } from "./rest_error.ts";
import { nameOf, type Route } from "./route.ts";
import { type Pause, slotWaitMs } from "./schedule.ts";

export interface DeparturesDeps {
  /** Requests in any one second, at most. */
  readonly globalPerSec: number;
  /** Unix time in milliseconds, for `notAfter` only. */
  readonly now: () => number;
  /** Milliseconds of a clock that is never set, for the limits: a Pi sets its clock after it starts. */
  readonly steadyNow: () => number;
  readonly schedule: Schedule;
}

export interface Departures {
  /**
   * Resolves at the moment at which a request may leave.
   *
   * @param notAfter Unix time in milliseconds.
   * @throws {RestError} If it may not leave by then, or not at all.
   */
  pass(route: Route, notAfter?: number): Promise<void>;
  /**
   * Resolves at a moment at which nothing waits for a slot and less than half of the pace is used,
   * or once the gates are closed. A request in the background waits for that before it takes its
   * place in any queue, so that nothing is ever behind it.
   */
  quiet(): Promise<void>;
  /** Keeps what an answer said of the limits. */
  note(route: Route, pause: Pause): void;
  /** From now on nothing leaves, what waits included. The first reason stays. */
  close(kind: RestErrorKind, reason: string): void;
}

/** Timers overflow at 2^31 ms and then fire at once. */
const MAX_TIMER_MS = 24 * 60 * 60 * 1_000;

/** How often the background looks whether what waits has left. */
const LOOK_EVERY_MS = 20;

/** More lanes than this, and those that have nothing to remember are dropped. */
const MAX_IDLE_LANES = 256;

export function createDepartures(
  { globalPerSec, now, steadyNow, schedule }: DeparturesDeps,
): Departures {
  /** Until when each lane pauses, and all of them, by `steadyNow`. */
  const laneUntil = new Map<string, number>();
  let allUntil = -Infinity;
  /** When the last `globalPerSec` requests left, by `steadyNow`, oldest first. */
  const starts: number[] = [];
  const gate = createFifo();
  const background = createFifo();
  let closed: { readonly kind: RestErrorKind; readonly reason: string } | undefined;
  const sleepers = new Set<() => void>();

  async function pass(route: Route, notAfter = Infinity): Promise<void> {
    for (;;) {
      assertMayLeave(route, notAfter);
      const waitMs = Math.max(laneUntil.get(route.lane) ?? -Infinity, allUntil) - steadyNow();
      if (waitMs <= 0) {
        await gate.run("all", takeSlot);
        if (allUntil > steadyNow()) continue; // a limit for all was met while this one queued
        assertMayLeave(route, notAfter);
        return;
      }
      if (now() + waitMs > notAfter) {
        throw new RestError(
          `was not sent: Discord's rate limit lasts ${Math.ceil(waitMs)} ms more, and by then it ` +
            "would be too late; try again after that",
          { kind: "rate_limited", route: nameOf(route), retryAfterMs: Math.ceil(waitMs) },
        );
      }
      await sleep(waitMs);
    }
  }

  function assertMayLeave(route: Route, notAfter: number): void {
    if (closed) {
      throw new RestError(`was not sent: ${closed.reason}`, {
        kind: closed.kind,
        route: nameOf(route),
      });
    }
    if (now() > notAfter) {
      throw new RestError("was not sent: its turn came too late", {
        kind: "unsent",
        route: nameOf(route),
      });
    }
  }

  async function takeSlot(): Promise<void> {
    while (!closed) {
      const waitMs = slotWaitMs(starts, globalPerSec, steadyNow());
      if (waitMs <= 0) {
        starts.push(steadyNow());
        if (starts.length > globalPerSec) starts.shift();
        return;
      }
      await sleep(waitMs);
    }
  }

  async function untilQuiet(): Promise<void> {
    while (!closed) {
      const half = Math.ceil(globalPerSec / 2);
      const waitMs = Math.max(
        gate.size > 0 ? LOOK_EVERY_MS : 0,
        slotWaitMs(starts, half, steadyNow()),
        allUntil - steadyNow(),
      );
      if (waitMs <= 0) return;
      await sleep(waitMs);
    }
  }

  /** May end early; whoever sleeps looks at the clock again. */
  function sleep(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const wake = () => {
        cancel();
        sleepers.delete(wake);
        resolve();
      };
      const cancel = schedule(wake, Math.min(Math.ceil(ms), MAX_TIMER_MS));
      sleepers.add(wake);
    });
  }

  return {
    pass,
    quiet: () => background.run("all", untilQuiet),
    note(route, { laneMs, allMs }) {
      const at = steadyNow();
      if (allMs > 0) allUntil = Math.max(allUntil, at + allMs);
      if (laneMs <= 0) return;
      laneUntil.set(route.lane, Math.max(laneUntil.get(route.lane) ?? 0, at + laneMs));
      if (laneUntil.size <= MAX_IDLE_LANES) return;
      for (const [lane, until] of laneUntil) if (until <= at) laneUntil.delete(lane);
    },
    close(kind, reason) {
      closed ??= { kind, reason };
      for (const wake of [...sleepers]) wake();
    },
  };
}
