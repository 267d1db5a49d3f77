/** Asks for what a first config needs, and writes it. */

import type { Extra } from "../../cli/extras/extra.ts";

export const setup: Extra = {
  async commands() {
    const { setup, secret } = await import("./commands.ts");
    return { "Start": { setup }, "Configure": { secret } };
  },
};
