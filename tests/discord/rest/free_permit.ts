/** A permit that is granted without a scheduler. */

import type { Permit } from "../../../src/discord/rest/scheduler/rate_limiter.ts";

export function freePermit(): Permit {
  return {
    sent() {},
    answered: () => 250,
    retry: () => Promise.reject(new Error("not asked for")),
    release() {},
  };
}
