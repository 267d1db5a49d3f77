/**
 * A process that prints the rows of `doctor` and the output of `status` about a data directory.
 */

import process from "node:process";
import { inspectHost } from "../../../src/features/diagnose/host_facts.ts";
import { status } from "../../../src/features/diagnose/status.ts";
import { recordingIo } from "../../cli/io.ts";
import { ACCOUNT } from "../discord/builders.ts";

const [, , dataDir = ""] = process.argv;
const { findings } = await inspectHost(dataDir, [{ accountId: ACCOUNT }], Date.now());
const io = recordingIo();
const code = await status(
  { data: dataDir, json: false, verbose: true, quiet: false, probe: false },
  io,
);
console.log(JSON.stringify({ findings, code, stderr: io.stderr }));
