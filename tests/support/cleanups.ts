/** Cleans up after each test, even a failed one. */

import { afterEach } from "node:test";

export type Cleanups = (() => Promise<unknown>)[];

/** @returns Collects the cleanups of a test file; after each test they run, newest first. */
export function cleanUpAfterEach(): Cleanups {
  const cleanups: Cleanups = [];
  afterEach(async () => {
    for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
  });
  return cleanups;
}
