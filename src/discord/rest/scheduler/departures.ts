/**
 * Lets each request leave when its turn has come.
 *
 * `scheduler.ts` chooses who leaves. What is in the background gives way to
 * whatever comes while it waits; what is spare leaves at once or never. A request
 * that would leave too late fails instead, as soon as that is known, and once the
 * gate is closed nothing leaves any more.
 *
 * @module
 */

import { type RestErrorKind, toUnsent } from "../exchange/rest_error.ts";
import type { Route } from "../exchange/route.ts";
import { createGate } from "./gate.ts";
import { createLanes, nextOf } from "./lane.ts";
import { createPassage, type Passage, type PassagePorts } from "./passage.ts";
import { createScheduler, type SchedulerDeps } from "./scheduler.ts";
import { type Terms, type Ticket, watch } from "./ticket.ts";

export type { Passage };

export interface DeparturesDeps extends SchedulerDeps {
  /** Unix time in milliseconds, for `notAfter` only. */
  readonly now: () => number;
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

export function createDepartures(deps: DeparturesDeps): Departures {
  const { now, steadyNow, schedule } = deps;
  const gate = createGate(now);
  const lanes = createLanes<Passage>();
  const scheduler = createScheduler<Passage>(
    deps,
    gate,
    lanes,
    (departure) => createPassage(departure, passagePorts),
  );
  const passagePorts: PassagePorts = {
    left: scheduler.left,
    answered: scheduler.answered,
    again(lane, terms, afterMs) {
      const next = queue(lane.route, terms, steadyNow() + afterMs);
      scheduler.look(lane); // where it may not go again, the one behind it is next
      return next;
    },
    freed: scheduler.look,
  };

  function queue(route: Route, terms: Terms, notBefore = -Infinity): Promise<Passage> {
    const problem = gate.problemOf(route, terms);
    if (problem) return Promise.reject(problem);
    const lane = lanes.of(route);
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
    lanes.join(lane, ticket);
    if (nextOf(lane) === ticket) scheduler.look(lane);
    else scheduler.pump();
    watch(ticket, {
      now,
      schedule,
      onOver(why) {
        const reason = why === "late" ? "its turn came too late" : "it was given up";
        if (lanes.leave(ticket)) reject(toUnsent(route, "unsent", reason));
        scheduler.look(lane);
      },
    });
    return promise;
  }

  /** For what is spare: now, if its room is spare as well. */
  function leaveAtOnce(route: Route, terms: Terms): Promise<Passage> {
    const problem = gate.problemOf(route, terms);
    if (problem) return Promise.reject(problem);
    const passage = scheduler.takeSpare(route, terms);
    if (passage) return Promise.resolve(passage);
    return Promise.reject(toUnsent(route, "unsent", "there is no room to spare for it"));
  }

  return {
    enter: (route, terms) =>
      terms.rank === "spare" ? leaveAtOnce(route, terms) : queue(route, terms),
    close(kind, reason) {
      if (gate.isClosed) return;
      gate.close(kind, reason);
      scheduler.stop();
      for (const lane of lanes.all()) {
        for (const ticket of [...lane.line, ...lane.background]) {
          if (lanes.leave(ticket)) ticket.reject(toUnsent(lane.route, kind, reason));
        }
        if (!lane.isHeld) lanes.drop(lane);
      }
    },
    get queued() {
      return lanes.queued;
    },
  };
}
