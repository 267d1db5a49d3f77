/** Where the machine's service keeps its files. The units in `packaging/` and `service install` say so. */

import { join } from "node:path";

export const SERVICE_CONFIG = "/etc/barnacle/config.jsonc";

export const SERVICE_DATA = "/var/lib/barnacle";

/** The log of a service of launchd, which has no journal. */
export function launchdLog(home: string): string {
  return join(home, "Library/Logs/barnacle.log");
}
