/** A request that waits in a queue, for tests of the queues. */

import type { WaitingRequest } from "../../../../src/discord/rest/scheduler/request_queue.ts";

/** A reply that waits without a deadline, unless the options name one. */
export function request(
  options: Partial<WaitingRequest["options"]> = {},
): WaitingRequest {
  return {
    options: { priority: "reply", notAfter: Infinity, ...options },
    notBefore: -Infinity,
    resolve: () => undefined,
    reject: () => undefined,
    isWaiting: true,
    cancelLimit: undefined,
  };
}
