/** All commands, by task. `barnacle --help` and `docs/commands.md` list them in this order. */

import { access, pairing, why } from "./access/commands.ts";
import {
  agents,
  approvals,
  execBroker,
  feeds,
  mcp,
  memory,
  pause,
  resume,
  schedules,
} from "./agent/commands.ts";
import { backup, restore, verify } from "./backup/commands.ts";
import { completion } from "./completion/commands.ts";
import { config } from "./config/commands.ts";
import { outbox, send } from "./delivery/commands.ts";
import { dashboard } from "./dashboard/commands.ts";
import { demo } from "./demo/commands.ts";
import {
  alerts,
  doctor,
  healthcheck,
  invite,
  netcheck,
  recent,
  status,
  version,
} from "./diagnose/commands.ts";
import type { CommandTask } from "./help/overview.ts";
import { logs } from "./logs/commands.ts";
import { forget, sessions } from "./sessions/commands.ts";
import { intent } from "./intent/commands.ts";
import { model, usage } from "./model/commands.ts";
import { run } from "./run/commands.ts";
import { service } from "./service/commands.ts";
import { setup } from "./setup/commands.ts";
import { upgrade } from "./upgrade/commands.ts";

/** All commands; their names are unique over all tasks. */
export const TASKS: readonly CommandTask[] = [
  { title: "Start", commands: { demo, setup, invite, run, service } },
  {
    title: "Diagnose",
    commands: {
      alerts,
      dashboard,
      doctor,
      healthcheck,
      intent,
      logs,
      model,
      netcheck,
      recent,
      status,
      usage,
      why,
    },
  },
  { title: "Control access", commands: { access, pairing } },
  { title: "Send messages", commands: { send, outbox } },
  { title: "Conversations", commands: { sessions, forget } },
  {
    title: "Look after the agent",
    commands: {
      agents,
      approvals,
      "exec-broker": execBroker,
      feeds,
      mcp,
      memory,
      pause,
      resume,
      schedules,
    },
  },
  { title: "Back up and move", commands: { backup, verify, restore } },
  { title: "Configure", commands: { config } },
  { title: "About", commands: { completion, upgrade, version } },
];
