/** Tells a person alone what happened while they were away: `/catchup` (T17). */

import type { Feature } from "../feature.ts";
import { catchup as command } from "./command.ts";

export const catchup: Feature = { commands: [command] };
