/** Installs a newer version, and goes back from a failing one (O13). */

import type { Extra } from "../../cli/extras/extra.ts";
import { WATCH_ARGUMENT } from "../../host/process/watch_argument.ts";

/** The extra. */
export const upgrade: Extra = {
  name: "upgrade",
  commands: async () => ({ "About": await import("./commands.ts") }),
  programs: { [WATCH_ARGUMENT]: async () => (await import("./watch.ts")).main },
};
