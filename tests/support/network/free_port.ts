/** Finds a port for a program that opens it by itself. */

import { createServer } from "node:net";
import type { AddressInfo } from "node:net";

/** A port of this machine that was free a moment ago. */
export function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });
}
