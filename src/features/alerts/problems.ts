/** Finds faults of the webhook of alerts that the schema cannot see (SEC-R9). */

import { openHost, UNENCRYPTED_HINT } from "../../config/audit/audit.ts";
import { Secret } from "../../config/schema/parts/secrets.ts";
import type { Problem } from "../../config/text/problem.ts";
import type { JudgedConfig } from "../feature.ts";

/** Judges the address of alerts, which anyone who knows it may use (SEC-R9). */
export function webhookProblems(
  { settings: { alerts: { webhook: written } }, problemAt }: JudgedConfig,
): readonly Problem[] {
  if (!(written instanceof Secret)) return [];
  const text = written.reveal();
  if (/^\*+$/.test(text)) return []; // blanked
  if (!/^https?:$/.test(URL.parse(text)?.protocol ?? "")) {
    const message = "The address is not valid: it does not begin with https:// or http://";
    const hint = "copy the whole address again, as the service shows it";
    return [problemAt("error", ["alerts", "webhook"], message, hint)];
  }
  const host = openHost(text);
  if (host === undefined) return [];
  const message = `The alerts for ${host} cross the network unencrypted`;
  return [problemAt("warning", ["alerts", "webhook"], message, UNENCRYPTED_HINT)];
}
