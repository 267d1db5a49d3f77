/** Tells a person alone what happened while they were away: `/catchup` (T17). */

import type { Extra } from "../../cli/extras/extra.ts";

export const catchup: Extra = {
  account: async () => (await import("./catch_up.ts")).createAccountCatchup,
};
