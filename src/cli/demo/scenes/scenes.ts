/**
 * All scenes, in the order in which they are played.
 *
 * @module
 */

import { ADMISSION } from "./admission.ts";
import { CONNECTION } from "./connection.ts";
import { DELIVERY } from "./delivery.ts";
import { FAILURES } from "./failures.ts";
import type { Scene } from "./scene.ts";

export const SCENES: readonly Scene[] = [...ADMISSION, ...DELIVERY, ...CONNECTION, ...FAILURES];
