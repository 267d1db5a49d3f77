/** Lists the route of hooks, with its bounds (SEC-R31, SEC-R35). */

import { HOOK_BODY_BYTES } from "../../../core/hooks/hook.ts";
import type { RouteRule } from "../../../http/routes.ts";

export const HOOK_ROUTES = [
  { method: "POST", path: "/hooks/:name", auth: "hook", maxBodyBytes: HOOK_BODY_BYTES },
] as const satisfies readonly RouteRule[];
