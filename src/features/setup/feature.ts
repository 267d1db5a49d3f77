/** Asks for what a first config needs, and writes it. */

import type { Feature } from "../feature.ts";

export const setup: Feature = {
  async cli() {
    const { setup, secret } = await import("./commands.ts");
    return { "Start": { setup }, "Configure": { secret } };
  },
};
