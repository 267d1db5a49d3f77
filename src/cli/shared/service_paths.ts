/** Where the machine's service keeps its files. The units in `packaging/` and `service install` say so. */

import { join } from "node:path";

export const SERVICE_CONFIG = "/etc/barnacle/config.jsonc";

export const SERVICE_DATA = "/var/lib/barnacle";

const OPENRC_LOG = "/var/log/barnacle.log";

/** The log files of services without a journal. */
export function serviceLogs(home: string): { readonly openrc: string; readonly launchd: string } {
  return { openrc: OPENRC_LOG, launchd: join(home, "Library/Logs/barnacle.log") };
}
