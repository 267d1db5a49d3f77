/**
 * Grants each request its permit to be sent, or refuses it.
 *
 * `scheduler.ts` chooses the order. A background request lets later requests pass while it waits. A
 * spare request gets a permit at once or never. A request fails as soon as it is clear that it
 * cannot leave before its deadline. A closed rate limiter grants no more permits.
 *
 * @module
 */

import { createEmitter } from "../../../lib/emitter.ts";
import { type RestErrorKind, toUnsent } from "../exchange/rest_error.ts";
import type { Route } from "../exchange/route.ts";
import {
  CANCELLED,
  createGate,
  createPermit,
  createRequestQueues,
  limitWait,
  nextOf,
  type Permit,
  type PermitPorts,
  type SchedulingOptions,
  TOO_LATE,
  type WaitingRequest,
} from "./request_queue.ts";
import type { Breaker, LimitOptions } from "./global_limit.ts";
import { createScheduler } from "./scheduler.ts";

export type { Permit };

/** Grants permits to send. */
export interface RateLimiter {
  /**
   * Resolves when the request may leave. Its queue is busy until the permit ends.
   *
   * @throws {RestError} If the request cannot leave before its deadline, or at all.
   */
  acquire(route: Route, options: SchedulingOptions): Promise<Permit>;
  /** Refuses all requests from now on, waiting ones too. Only the first call's reason counts. */
  close(kind: RestErrorKind, reason: string): void;
  /** Number of waiting requests. */
  readonly queued: number;
}

/** Creates an open rate limiter. */
export function createRateLimiter(
  options: LimitOptions,
  breaker: Pick<Breaker, "check">,
): RateLimiter {
  const { now, steadyNow, schedule } = options;
  const gate = createGate(now);
  const queues = createRequestQueues<Permit>();
  const permits = createEmitter<PermitPorts>();
  const scheduler = createScheduler<Permit>(
    options,
    breaker,
    gate,
    queues,
    (grant) => createPermit(grant, permits.emit),
  );
  permits.connect({
    sent: scheduler.sent,
    answered: scheduler.answered,
    retry(queue, options, afterMs) {
      const next = enqueue(queue.route, options, steadyNow() + afterMs);
      scheduler.recheck(queue); // if the retry is refused, the request behind it is next
      return next;
    },
    released: scheduler.recheck,
  });

  function enqueue(
    route: Route,
    options: SchedulingOptions,
    notBefore = -Infinity,
  ): Promise<Permit> {
    const problem = gate.problemOf(route, options);
    if (problem) return Promise.reject(problem);
    const queue = queues.of(route);
    const { promise, resolve, reject } = Promise.withResolvers<Permit>();
    const request: WaitingRequest<Permit> = {
      options,
      notBefore,
      resolve,
      reject,
      firstSince: undefined,
      isWaiting: true,
      cancelLimit: undefined,
    };
    queues.add(queue, request);
    if (nextOf(queue) === request) scheduler.recheck(queue);
    else scheduler.grantReady();
    limitWait(request, { now, schedule }, (why) => {
      const reason = why === "late" ? TOO_LATE : CANCELLED;
      if (queues.remove(request)) reject(toUnsent(route, "unsent", reason));
      scheduler.recheck(queue);
    });
    return promise;
  }

  /** Grants a spare request its permit now, if there is spare capacity. */
  function acquireSpare(route: Route, options: SchedulingOptions): Promise<Permit> {
    const problem = gate.problemOf(route, options);
    if (problem) return Promise.reject(problem);
    const permit = scheduler.tryAcquire(route, options);
    if (permit) return Promise.resolve(permit);
    return Promise.reject(toUnsent(route, "unsent", "there is no spare capacity for it"));
  }

  return {
    acquire: (route, options) =>
      options.priority === "spare" ? acquireSpare(route, options) : enqueue(route, options),
    close(kind, reason) {
      if (gate.isClosed) return;
      gate.close(kind, reason);
      scheduler.stop();
      for (const queue of queues.all()) {
        for (const request of [...queue.foreground, ...queue.background]) {
          if (queues.remove(request)) request.reject(toUnsent(queue.route, kind, reason));
        }
        if (!queue.isBusy) queues.drop(queue);
      }
    },
    get queued() {
      return queues.queued;
    },
  };
}
