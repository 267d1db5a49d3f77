/**
 * Opens the gateway's socket to the URL in its first argument, through the proxy in its second, if
 * there is one. It prints the first text, or the failure, and ends. It is a process of its own,
 * because a runtime reads `NODE_EXTRA_CA_CERTS` once, when it starts.
 */

import process from "node:process";
import { openSocket } from "../../../src/discord/gateway/socket/socket.ts";

const [, , url = "", proxy] = process.argv;

const socket = openSocket({
  url: new URL(url),
  tcpKeepaliveSec: 30,
  connectTimeoutMs: 60_000,
  userAgent: "DiscordBot (tls_client.ts)",
  ...(proxy !== undefined && { proxy }),
}, {
  onOpen: () => {},
  onText: (text) => void end(text),
  onBinary: (data) => void end(data.toString()),
  onClose: ({ reason }) => void end(`closed: ${reason}`),
});

async function end(line: string): Promise<void> {
  console.log(line);
  await socket.close(3000);
  process.exit(0);
}
