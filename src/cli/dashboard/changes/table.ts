/** Lists every change that a page of the dashboard offers. */

import type { AnyChange } from "../base/page.ts";
import { OUTBOX_CHANGES } from "./outbox.ts";

/** All changes; their names are unique. */
export const CHANGES: readonly AnyChange[] = [...OUTBOX_CHANGES];

/** Finds a change by its name. */
export function changeNamed(name: string): AnyChange | undefined {
  return CHANGES.find((one) => one.name === name);
}
