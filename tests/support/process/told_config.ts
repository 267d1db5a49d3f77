/**
 * Reads a config as `run` does, and prints the result: `loaded`, or `refused` with its problems.
 */

import process from "node:process";
import { readConfig } from "../../../src/cli/shared/read_config.ts";

const { kind, problems } = await readConfig(process.argv[2], { TOKEN: "hunter2" });
console.log([kind, ...problems.map(({ message }) => message)].join("\n"));
