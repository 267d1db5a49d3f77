/** The list of all extras. `main.ts` passes it on. A new extra is its folder and a line here. */

import type { Extra } from "../cli/extras/extra.ts";
import { access } from "./access/extra.ts";
import { agent } from "./agent/extra.ts";
import { alerts } from "./alerts/extra.ts";
import { backup } from "./backup/extra.ts";
import { catchup } from "./catchup/extra.ts";
import { config } from "./config/extra.ts";
import { dashboard } from "./dashboard/extra.ts";
import { delivery } from "./delivery/extra.ts";
import { demo } from "./demo/extra.ts";
import { diagnose } from "./diagnose/extra.ts";
import { events } from "./events/extra.ts";
import { hooks } from "./hooks/extra.ts";
import { model } from "./model/extra.ts";
import { openclaw } from "./openclaw/extra.ts";
import { receipts } from "./receipts/extra.ts";
import { service } from "./service/extra.ts";
import { sessions } from "./sessions/extra.ts";
import { setup } from "./setup/extra.ts";
import { signins } from "./signins/extra.ts";
import { skillTools } from "./skill_tools/extra.ts";
import { upgrade } from "./upgrade/extra.ts";
import { voice } from "./voice/extra.ts";
import { why } from "./why/extra.ts";

export const EXTRAS: readonly Extra[] = [
  access,
  agent,
  alerts,
  backup,
  catchup,
  config,
  dashboard,
  delivery,
  demo,
  diagnose,
  events,
  hooks,
  model,
  openclaw,
  receipts,
  service,
  sessions,
  setup,
  signins,
  skillTools,
  upgrade,
  voice,
  why,
];
