/**
 * Opens the gateway's socket to the URL in its argument, prints the first text
 * that comes or why none did, and ends: a process of its own, because a runtime
 * reads `NODE_EXTRA_CA_CERTS` once, when it starts.
 *
 * @module
 */

import process from "node:process";
import { openSocket } from "../../src/discord/gateway/socket.ts";

const socket = openSocket({
  url: new URL(process.argv[2] ?? ""),
  tcpKeepaliveSec: 30,
  connectTimeoutMs: 5_000,
}, {
  onOpen: () => {},
  onFrame: (data) => void end(data.toString()),
  onClose: ({ reason }) => void end(`closed: ${reason}`),
});

async function end(line: string): Promise<void> {
  console.log(line);
  await socket.close(3000);
  process.exit(0);
}
