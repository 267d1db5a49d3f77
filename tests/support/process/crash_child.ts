/** A process that passes one crash point again and again, and prints a line each time. */

import process from "node:process";
import { writeSync } from "node:fs";
import { createCrashPoints, readCrashPoint } from "../../../src/host/process/crash_points.ts";

const points = createCrashPoints(readCrashPoint(process.env));
for (let passage = 1; passage <= 3; passage++) {
  writeSync(1, `before ${passage}\n`);
  points.at("posted");
  writeSync(1, `after ${passage}\n`);
}
