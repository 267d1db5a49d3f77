/** TCP clients that write any bytes, for tests of what a server does with bad ones. */

import { connect, type Socket } from "node:net";

/** Waits until the connection is open or has ended. A connection that is reset has ended too. */
export function openedOrEnded(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    socket.once("connect", resolve);
    socket.once("close", () => resolve());
  });
}

/** Waits for the connection's end. Node's `once()` would throw for a reset. */
export function ended(socket: Socket): Promise<void> {
  return new Promise((resolve) => socket.once("close", () => resolve()));
}

/**
 * Writes a text to a port of this machine and waits for the end of the connection.
 *
 * @returns All that the server wrote before the end.
 */
export async function talk(port: number, text: string): Promise<string> {
  const socket = connect(port, "127.0.0.1");
  let heard = "";
  socket.on("data", (data) => heard += data);
  socket.on("error", () => {}); // a connection that is reset has ended too
  socket.write(text);
  await ended(socket);
  return heard;
}
