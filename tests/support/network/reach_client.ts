/**
 * Probes each URL of its arguments and prints the result. It is a process of its own, because a
 * runtime reads `NODE_EXTRA_CA_CERTS` once, when it starts.
 */

import process from "node:process";
import { probeReachability } from "../../../src/host/network_probe.ts";

const reaches = await Promise.all(
  process.argv.slice(2).map((url) => probeReachability(url, undefined, 60_000)),
);
console.log(JSON.stringify(reaches));
