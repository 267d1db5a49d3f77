/**
 * Reveals secrets for the server that they belong to.
 *
 * @module
 */

import type { Secret } from "../../config/schema/parts/secrets.ts";

/** The values of headers or variables, by name. */
export function revealed(
  secrets: Readonly<Record<string, Secret>>,
): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(secrets).map(([name, secret]) => [name, secret.reveal()]),
  );
}
