/** Finds a port for a program that opens it by itself. */

import { createServer } from "node:net";

/**
 * Ports below those that Linux gives to programs that take any free one (32,768). So no other test
 * gets the port before the program has opened it.
 */
const FIRST = 20_000;
const COUNT = 12_000;

/** A port of this machine that was free a moment ago. */
export function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const port = FIRST + Math.floor(Math.random() * COUNT);
    const server = createServer();
    server.once("error", () => resolve(freePort())); // taken
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(port)));
  });
}
