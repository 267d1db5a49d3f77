/**
 * Warns about model keys of the environment that would cross a network unencrypted.
 *
 * @module
 */

import type { Env } from "../lib/env.ts";
import { openHost, UNENCRYPTED_HINT } from "./audit/audit_agent.ts";
import { VENDORS } from "./models.ts";
import type { ProblemAt } from "./parse.ts";
import { envSecret } from "./schema/parts/secrets.ts";
import type { Settings } from "./schema/root.ts";
import type { Problem } from "./text/problem.ts";

/** Warns about each key of the environment that goes over plain HTTP to a public host (SEC-R9). */
export function auditModelVariables(
  { models }: Settings,
  env: Env,
  problemAt: ProblemAt,
): readonly Problem[] {
  return VENDORS.flatMap(({ id, keyVariable, urlVariable }) => {
    const written = models.providers[id];
    if (written?.baseUrl !== undefined || written?.apiKey !== undefined) return [];
    const host = envSecret(env, keyVariable) ? openHost(env[urlVariable] ?? "") : undefined;
    if (host === undefined) return [];
    const message = `${urlVariable} is plain http to ${host}, ` +
      `so ${keyVariable} crosses the network unencrypted`;
    return [
      problemAt("warning", ["models", "providers", id, "baseUrl"], message, UNENCRYPTED_HINT),
    ];
  });
}
