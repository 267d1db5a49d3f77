/** Finds a change that a page of the dashboard offers. */

import type { AnyChange } from "../base/page.ts";
import { PEOPLE_CHANGES } from "./people.ts";

export function changeNamed(name: string): AnyChange | undefined {
  return PEOPLE_CHANGES.find((one) => one.name === name);
}
