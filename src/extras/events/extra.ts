/** Starts turns on events of servers (W7). */

import type { Extra } from "../../cli/extras/extra.ts";

export const events: Extra = {
  account: async () => (await import("./account_events.ts")).createAccountEvents,
};
