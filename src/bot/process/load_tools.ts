/**
 * Loads the tools with the first account that runs, because an IDENTIFY needs none of their code.
 *
 * @module
 */

import type { BotConfig } from "../../config/config.ts";
import type { ToolServices } from "../rules/tool_services.ts";
import type { ToolServicesOptions } from "./tool_services.ts";

/** The tools of the process, which may not be loaded yet. */
export interface LoadedTools {
  /** Loads them; the same ones at each call. After a failure, the next call tries again. */
  readonly load: () => Promise<ToolServices>;
  /** As {@link ToolServices.apply}, if they are loaded. */
  apply(config: BotConfig): Promise<void>;
  /** As {@link ToolServices.stop}, if they are loaded. */
  stop(): Promise<void>;
}

/** Creates the loader; `options` gives the options at the time of the load. */
export function createLoadedTools(options: () => ToolServicesOptions): LoadedTools {
  let loaded: Promise<ToolServices> | undefined;
  async function load(): Promise<ToolServices> {
    const { createToolServices } = await import("./tool_services.ts");
    return createToolServices(options());
  }
  return {
    load: () =>
      loaded ??= load().catch((error: unknown) => {
        loaded = undefined;
        throw error;
      }),
    async apply(config) {
      (await loaded)?.apply(config);
    },
    async stop() {
      await (await loaded)?.stop();
    },
  };
}
