/** Finds out why a bot does not work. */

import type { Extra } from "../../cli/extras/extra.ts";

export const diagnose: Extra = {
  commands: async () => {
    const { doctor, invite, status, version } = await import("./commands.ts");
    return { "Start": { invite }, "Diagnose": { doctor, status }, "About": { version } };
  },
};
