/** Lets each person use servers with their own account (T13a). */

import type { Extra } from "../../cli/extras/extra.ts";

export const signins: Extra = {
  account: async () => (await import("./account_part.ts")).createSignInsPart,
  serve: async () => (await import("./page.ts")).createSignInPage,
};
