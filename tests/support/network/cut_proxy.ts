/** Passes connections on to a local port, and can hold their bytes: a cut network, without a reset. */

import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

/**
 * Starts it.
 *
 * @param target Port on 127.0.0.1.
 */
export async function startCutProxy(target: number) {
  let port = target;
  const sockets = new Set<Socket>();
  let isCut = false;
  const server = createServer((client) => {
    const other = connect(port, "127.0.0.1");
    for (const [one, peer] of [[client, other], [other, client]] as const) {
      sockets.add(one);
      one.on("error", () => peer.destroy());
      one.on("close", () => {
        sockets.delete(one);
        peer.destroy();
      });
      one.on("data", (data) => void peer.write(data));
      if (isCut) one.pause();
    }
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    /** Passes new connections on to another port, and ends the others: a fail-over. */
    turnTo(other: number): void {
      port = other;
      for (const socket of sockets) socket.destroy();
    },
    /** Holds all bytes. */
    cut(): void {
      isCut = true;
      for (const socket of sockets) socket.pause();
    },
    /** Lets them pass again. */
    mend(): void {
      isCut = false;
      for (const socket of sockets) socket.resume();
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}
