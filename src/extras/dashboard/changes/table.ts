/** Lists every change that a page of the dashboard offers. */

import type { AnyChange } from "../base/page.ts";
import { testAccess } from "./access.tsx";
import { AGENT_CHANGES } from "./agent.ts";
import { CONFIG_CHANGES } from "./config.tsx";
import { OUTBOX_CHANGES } from "./outbox.ts";
import { PEOPLE_CHANGES } from "./people.ts";
import { SESSION_CHANGES } from "./sessions.ts";

/** All changes; their names are unique. */
export const CHANGES: readonly AnyChange[] = [
  ...OUTBOX_CHANGES,
  testAccess,
  ...PEOPLE_CHANGES,
  ...SESSION_CHANGES,
  ...AGENT_CHANGES,
  ...CONFIG_CHANGES,
];

export function changeNamed(name: string): AnyChange | undefined {
  return CHANGES.find((one) => one.name === name);
}
