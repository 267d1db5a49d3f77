/** An HTTP proxy on loopback with `CONNECT`, which can misbehave. */

import { Buffer } from "node:buffer";
import net from "node:net";
import tls from "node:tls";
import { LOCALHOST_CERT, LOCALHOST_KEY } from "./test_ca.ts";
import { listening } from "./listening.ts";

export interface ConnectProxyOptions {
  /** Its behaviour towards clients. */
  readonly mode?: "pass" | "hang" | "hang up" | "refuse" | "garbage" | "endless" | "chatty";
  /** `"user:password"`, without which it answers 407. */
  readonly wants?: string;
  /** Whether clients speak TLS to it, with the test's certificate for `localhost`. */
  readonly isSecure?: boolean;
}

export interface ConnectProxy {
  readonly port: number;
  /** The first line of each request: `"CONNECT localhost:443 HTTP/1.1"`. */
  readonly asked: readonly string[];
  /** Address of the last client. */
  readonly clientPort: () => number | undefined;
  stop(): Promise<void>;
}

export async function startConnectProxy(options: ConnectProxyOptions = {}): Promise<ConnectProxy> {
  const { mode = "pass", wants, isSecure = false } = options;
  const sockets = new Set<net.Socket>();
  const asked: string[] = [];
  let clientPort: number | undefined;

  function serve(socket: net.Socket): void {
    hold(socket);
    clientPort = socket.remotePort;
    if (mode === "hang up") return void socket.end();
    socket.once("data", (data: Buffer) => {
      const [line = "", ...headers] = data.toString("latin1").split("\r\n");
      asked.push(line);
      const credentials = headers.find((header) => header.startsWith("Proxy-Authorization: Basic "))
        ?.slice(27);
      if (mode === "hang") return;
      if (mode === "garbage") return void socket.end("SSH-2.0-OpenSSH_9.2\r\n\r\n");
      if (mode === "endless") return void socket.write("x".repeat(20_000));
      if (mode === "refuse") return void socket.end("HTTP/1.1 503 No\r\n\r\n");
      if (wants !== undefined && credentials !== Buffer.from(wants).toString("base64")) {
        return void socket.end("HTTP/1.1 407 Who are you\r\n\r\n");
      }
      if (mode === "chatty") return void socket.write("HTTP/1.1 200 OK\r\n\r\nhello");
      const target = new URL(`http://${line.split(" ")[1]}`);
      const far = hold(net.connect(Number(target.port || 80), target.hostname, () => {
        socket.write("HTTP/1.1 200 Connection established\r\n\r\n");
        socket.pipe(far).pipe(socket);
      }));
    });
  }
  const hold = (socket: net.Socket): net.Socket => {
    sockets.add(socket);
    socket.on("error", () => {}); // a client that hangs up is part of the tests
    socket.on("close", () => sockets.delete(socket));
    return socket;
  };

  const server = isSecure
    ? tls.createServer({ key: LOCALHOST_KEY, cert: LOCALHOST_CERT }, serve)
    : net.createServer(serve);
  server.on("tlsClientError", () => {}); // of a client that does not trust us
  const port = await listening(server);
  return {
    port,
    asked,
    clientPort: () => clientPort,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}
