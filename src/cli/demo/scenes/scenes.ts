/**
 * All scenes, in playing order.
 *
 * @module
 */

import { ADMISSION } from "./admission.ts";
import { AGENT } from "./agent.ts";
import { CONNECTION } from "./connection.ts";
import { DELIVERY } from "./delivery.ts";
import { FAILURES } from "./failures.ts";
import { HANDS } from "./hands.ts";
import type { Scene } from "./scene.ts";

/** All scenes. */
export const SCENES: readonly Scene[] = [
  ...ADMISSION,
  ...DELIVERY,
  ...CONNECTION,
  ...FAILURES,
  ...AGENT,
  ...HANDS,
];
