/**
 * A process that prints the facts of `doctor` and the output of `status` about a data directory.
 */

import process from "node:process";
import { inspectHost } from "../../../src/features/diagnose/host_facts.ts";
import { status } from "../../../src/features/diagnose/status.ts";
import { recordingIo } from "../../cli/io.ts";
import { ACCOUNT } from "../discord/builders.ts";

const [, , dataDir = ""] = process.argv;
const { facts } = await inspectHost({
  dataDir,
  accounts: [{ accountId: ACCOUNT }],
  now: Date.now(),
});
const io = recordingIo();
const code = await status(
  { data: dataDir, json: false, verbose: true, quiet: false, probe: false },
  io,
);
console.log(JSON.stringify({ facts, code, stderr: io.stderr }));
