/** Lets each person use servers with their own account (T13a). */

import type { Feature } from "../feature.ts";
import { signins as command } from "./command.ts";

export const signins: Feature = {
  commands: [command],
  account: async () => (await import("./account_part.ts")).createSignInsPart,
  serve: async () => (await import("./account_part.ts")).createSignInPage,
};
