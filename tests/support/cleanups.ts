/**
 * Ends what a test has begun, however the test ends.
 *
 * @module
 */

import { afterEach } from "node:test";

/** What is to be done after the test that is running. */
export type Cleanups = (() => Promise<unknown>)[];

/** @returns What a test file puts its cleanups on; after each of its tests, the newest runs first. */
export function cleanUpAfterEach(): Cleanups {
  const cleanups: Cleanups = [];
  afterEach(async () => {
    for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
  });
  return cleanups;
}
