/** Finds out why a bot does not work. */

import type { Feature } from "../feature.ts";

export const diagnose: Feature = {
  cli: async () => {
    const { doctor, invite, status } = await import("./commands.ts");
    return { "Start": { invite }, "Diagnose": { doctor, status } };
  },
};
