/** Reminders and scheduled tasks (T12). */

import type { Feature } from "../feature.ts";
import { createSchedules, SCHEDULE_TABLES } from "./store.ts";
import { remind } from "./tool.ts";

export const schedules = {
  tables: SCHEDULE_TABLES,
  store: { schedules: createSchedules },
  tools: [remind],
  cli: async () => ({ "Look after the agent": await import("./cli_commands.ts") }),
  account: async () => (await import("./runner.ts")).createSchedulesPart,
} satisfies Feature;
