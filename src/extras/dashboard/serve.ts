/** Serves the dashboard beside a running bot (O6). */

import type { Served, ServedPart } from "../../cli/extras/served_part.ts";
import { createDashboardHost } from "./host.ts";

/** Creates the part; the pages are loaded with the first request. */
export function serveDashboard(served: Served): ServedPart {
  const host = createDashboardHost(served.bot, served, served.reload);
  return {
    ...host,
    link: () => host.link(served.base()),
    methods: { "dashboard.login": () => host.login(served.base()) },
  };
}
