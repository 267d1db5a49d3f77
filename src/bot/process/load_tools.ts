/**
 * Loads the tools with the first account that runs, because an IDENTIFY needs none of their code.
 */

import type { BotConfig } from "../../config/config.ts";
import { createLoader } from "../../lib/loader.ts";
import type { ToolServices } from "../rules/tool_services.ts";
import type { ToolServicesOptions } from "./tool_services.ts";

/** Creates the loader; `options` gives the options at the time of the load. */
export function createLoadedTools(options: () => ToolServicesOptions) {
  let loaded: ToolServices | undefined;
  const tools = createLoader(async () => {
    const { createToolServices } = await import("./tool_services.ts");
    return loaded = await createToolServices(options());
  });
  return {
    /** Loads them; the same ones at each call. After a failure, the next call tries again. */
    load: (): Promise<ToolServices> => tools.get(),
    /** As {@link ToolServices.servers}; empty before they are loaded. */
    servers: () => loaded?.servers() ?? [],
    /** As {@link ToolServices.isRunning}; `false` before they are loaded. */
    isRunning: () => loaded?.isRunning() ?? false,
    /** As {@link ToolServices.apply}, if they are loaded. */
    async apply(config: BotConfig): Promise<void> {
      await (await tools.loading())?.apply(config);
    },
    /** As {@link ToolServices.stop}, if they are loaded. */
    async stop(): Promise<void> {
      await (await tools.loading())?.stop();
    },
  };
}
