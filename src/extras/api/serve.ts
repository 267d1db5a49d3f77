/** Serves programs beside a running bot (O14). */

import type { Served, ServedPart } from "../../cli/extras/served_part.ts";
import { createApiHost } from "./host.ts";

/** Creates the part; it listens once the config has a program. */
export function serveApi(served: Served): ServedPart {
  const { applied, call, close } = createApiHost(
    served.bot,
    served,
    served.logging.forPart("http"),
  );
  return { applied, methods: { "api.call": call }, end: close };
}
